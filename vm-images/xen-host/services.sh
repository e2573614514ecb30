#!/bin/bash
# In dom0, before the job: xenstore, the consoles' daemon, which keeps what guests say in /var/log/xen/console, and libvirt.
set -eu
/etc/init.d/xen start >/dev/null
# As on a real host dom0 comes first, else a guest whose programs never sleep leaves it a share like any other's.
xl sched-credit2 -d Domain-0 -w 8192
libvirtd -d
for ((waited = 0; waited < 120; waited++)); do
  if virsh -q -c xen:///system uri >/dev/null 2>&1; then exit; fi
  sleep 1
done
echo "lucos-host: libvirtd does not answer at xen:///system"
exit 1
