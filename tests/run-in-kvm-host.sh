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
# By what the kernel says that the QEMU of each guest is confined, again and again.
labels() {
  local process
  while sleep 10; do
    for process in $(pidof qemu-system-x86_64); do
      if grep -qs 'guest=' "/proc/$process/cmdline"; then cat "/proc/$process/attr/current"; fi
    done
  done
}
labels >/run/labels 2>/dev/null &
java -Xmx1g -XX:TieredStopAtLevel=1 -cp "$path" org.lucos.tests.hosts.HostTests /out/reports "$tag" "$classes"
status=$?
cp -r target/guests /out/ 2>/dev/null
cp -r /var/log/libvirt/qemu /out/qemu 2>/dev/null # why a guest ended
# libvirt has to have confined all of them, or nothing has been shown.
if [[ ! -s /run/labels ]] || grep -qv '^libvirt-.* (enforce)$' /run/labels; then
  echo "FAILED: guests were not all confined by AppArmor: $(sort /run/labels | uniq -c)"
  ((status)) || status=1
fi
exit $status
