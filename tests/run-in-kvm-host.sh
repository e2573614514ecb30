#!/bin/bash
# The job of kvm-host (tests/hosts.sh packs it): the contract's tests, with guests under real KVM.
set -u
cd /job/tree/tests || exit
[[ -c /dev/kvm ]] || { echo "FAILED: this host has no /dev/kvm"; exit 1; }
{ read -r tag; read -r classes; } </job/what
# Guests' kernels are opened by QEMU's user.
chmod 0755 /job /job/kit /job/kit/files /job/kit/cache
export LUCOS_KIT=/job/kit LUCOS_CACHE=/job/kit/cache LUCOS_ACCEL=kvm CI=true
path=$(sed 's|^|/job/lib/|' /job/names | paste -sd:)
java -Xmx1g -XX:TieredStopAtLevel=1 -cp "$path" org.lucos.tests.hosts.HostTests /out/reports "$tag" "$classes"
status=$?
cp -r target/guests /out/ 2>/dev/null
cp -r /var/log/libvirt/qemu /out/qemu 2>/dev/null # why a guest ended
exit $status
