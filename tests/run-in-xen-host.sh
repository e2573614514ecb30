#!/bin/bash
# The job of xen-host (tests/hosts.sh packs it): the contract's tests, in dom0, with PVH guests that xl makes.
set -u
[[ ! -f /job/try ]] || bash /job/try || exit
cd /job/tree/tests || exit
{ read -r tag; read -r classes; } </job/what
export LUCOS_KIT=/job/kit LUCOS_CACHE=/job/kit/cache LUCOS_PLACE=xen CI=true
path=$(sed 's|^|/job/lib/|' /job/names | paste -sd:)
java -Xmx600m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$path" org.lucos.tests.hosts.HostTests /out/reports "$tag" "$classes"
status=$?
cp -r target/guests /out/ 2>/dev/null
exit $status
