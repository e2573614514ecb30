#!/bin/busybox sh
# shellcheck shell=dash
# The only program of a guest that shows that it runs.
/bin/busybox mkdir -p /proc
/bin/busybox mount -t proc proc /proc
tick=0
while :; do
  echo "tick $tick of $(/bin/busybox uname -r), up $(/bin/busybox cut -d' ' -f1 /proc/uptime) s"
  tick=$((tick + 1))
  /bin/busybox sleep 1
done
