#!/bin/bash
# The job of xen-host (tests/hosts.sh packs it): the contract's tests, in dom0, with guests that xl makes: PVH ones, then PV ones.
set -u
[[ ! -f /job/try ]] || bash /job/try || exit
cd /job/tree/tests || exit
{ read -r tag; read -r classes; read -r kinds; } </job/what
export LUCOS_KIT=/job/kit LUCOS_CACHE=/job/kit/cache CI=true
# Every JVM, tests' children too, has one compiler: where a second one replaces code that runs, an emulated processor now and then
# sees half of the new instruction, and that JVM ends.
export JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1
path=$(sed 's|^|/job/lib/|' /job/names | paste -sd:)
status=0
for kind in ${kinds//,/ }; do
  echo "lucos-guests: $kind"
  LUCOS_PLACE=xen-$kind java -Xmx600m -XX:+UseSerialGC -cp "$path" org.lucos.tests.hosts.HostTests \
    "/out/reports/$kind" "$tag" "$classes" || status=$?
done
cp -r target/guests /out/ 2>/dev/null
exit $status
