#!/bin/busybox sh
# shellcheck shell=dash
# First process of a host: loads the modules of its image and goes on from its disk (host-init.sh).
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do modprobe "$module" || echo "lucos-host: cannot load module $module"; done </etc/modules
tries=0
while [ ! -b /dev/vda ] && [ $tries -lt 100 ]; do
  sleep 0.2
  tries=$((tries + 1))
done
if mount -t ext4 /dev/vda /host; then
  for folder in proc sys dev; do mount --move /$folder /host/$folder; done
  exec switch_root /host /sbin/lucos-host
fi
echo "lucos-host: no disk"
poweroff -f
