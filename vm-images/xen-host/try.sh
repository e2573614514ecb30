#!/bin/bash
# A job for xen-host (see check --hosts): PVH and PV guests come up, through xl and through libvirt, are paused and run on; a
# channel that libvirt makes is where the agent's README says.
# Beside it lie a stock kernel (vmlinuz) and an initrd (initrd) whose init is tick.sh.
set -eu

fails() { echo "FAILED: $*"; exit 1; }
ticks() { grep -ac '^tick ' "/var/log/xen/console/guest-$1.log" 2>/dev/null || true; }

# ticking NAME MORE: waits until the guest has said it that many times more.
ticking() {
  local before waited
  before=$(ticks "$1")
  for ((waited = 0; waited < 120; waited++)); do
    if (($(ticks "$1") >= before + $2)); then return 0; fi
    sleep 1
  done
  tail -n 20 "/var/log/xen/console/guest-$1.log" || true
  fails "guest $1 does not tick"
}

# tried NAME: what must hold of a guest that has been created.
tried() {
  local name=$1 still
  ticking "$name" 2
  xl pause "$name"
  sleep 2 # what was said before is written
  still=$(ticks "$name")
  sleep 4
  (($(ticks "$name") == still)) || fails "guest $name says more while it is paused"
  xl unpause "$name"
  ticking "$name" 2
  echo "PASSED $name: $(grep -a '^tick' "/var/log/xen/console/guest-$name.log" | tail -n 1 | tr -d '\r')"
  xl destroy "$name"
}

echo "Xen $(xl info xen_version), $(xl info virt_caps)"
for type in pvh pv; do
  printf '%s\n' "name='xl-$type'" "type='$type'" "kernel='/job/vmlinuz'" "ramdisk='/job/initrd'" 'memory=256' 'vcpus=1' \
    "extra='console=hvc0 quiet mitigations=off'" >"/tmp/$type.cfg"
  xl create "/tmp/$type.cfg"
  tried "xl-$type"
done

for type in pvh pv; do
  os='<type arch="x86_64" machine="xenpvh">xenpvh</type>'
  [[ $type == pvh ]] || os='<type arch="x86_64" machine="xenpv">linux</type>'
  cat >"/tmp/$type.xml" <<XML
<domain type='xen'>
  <name>libvirt-$type</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>
  <os>$os<kernel>/job/vmlinuz</kernel><initrd>/job/initrd</initrd>
    <cmdline>console=hvc0 quiet mitigations=off</cmdline></os>
  <devices><console type='pty'><target type='xen' port='0'/></console>
    <channel type='unix'><source mode='bind' path='/run/libvirt-$type.channel'/>
      <target type='xen' name='org.lucos.agent.0'/></channel></devices>
</domain>
XML
  virsh -q -c xen:///system create "/tmp/$type.xml"
  console=/local/domain/0/backend/console/$(xl domid "libvirt-$type")/1
  [[ $(xenstore-read "$console/name") == org.lucos.agent.0 && $(xenstore-read "$console/connection") == socket ]] ||
    fails "guest libvirt-$type has no channel"
  [[ -S $(xenstore-read "$console/path") ]] || fails "nobody listens at the channel of libvirt-$type"
  tried "libvirt-$type"
done
cp /var/log/xen/console/*.log /out/
