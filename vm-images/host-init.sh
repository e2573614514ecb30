#!/bin/bash
# The init of a host: runs /job/run (the second disk), leaves its status and what it put into /out on the third, and powers off. Lines that
# begin with "lucos-host:" are for hosts.sh.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
[ ! -d /proc/xen ] || mount -t xenfs xenfs /proc/xen
mkdir -p /run/lock /run/lucos-host
hostname -F /etc/hostname
ip link set lo up
mount -t ext4 /dev/vdb /job || echo "lucos-host: no job"

setting() { sed -nE "s/(.* )?lucos\.$1=([^ ]*).*/\2/p" /proc/cmdline; }

# A host whose emulated processor has lost an interrupt is silent; its kernel may go on to complain. So this line, and no other, tells that
# programs still run.
(while :; do
  echo "lucos-host: alive $(cut -d' ' -f1 /proc/uptime)"
  sleep 10
done) &
heart=$!

[ ! -x /sbin/lucos-services ] || lucos-services || echo "lucos-host: not all services run"
echo "lucos-host: up $(cut -d' ' -f1 /proc/uptime)"
cd /job || exit
timeout -k 30 "$(setting limit)" bash /job/run </dev/null
status=$?
echo "lucos-host: job ended with $status at $(cut -d' ' -f1 /proc/uptime)"
echo "$status" >/run/lucos-host/status
tar -cf /dev/vdc -C /run/lucos-host status -C / out
sync
kill "$heart"
echo "lucos-host: off"
echo o >/proc/sysrq-trigger
sleep 60
