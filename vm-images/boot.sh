#!/bin/bash
# Boots a guest as a transient libvirt domain. Prints name=, accelerator=, console=, terminal=, log=.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

usage() {
  cat <<'USAGE'
usage: boot.sh [options] [-- BUILD-OPTIONS]   boots a guest
       boot.sh --destroy NAME...     ends guests and removes what was kept for them
       boot.sh --destroy-stale       ends guests whose owner process is gone
  --name NAME         domain name, lucos-... (default lucos-PID)
  --image I           quick (default) or debian: I/build.sh is run with the options after --
  --kernel F --initrd F [--disk F]   instead of --image: what a build.sh has printed
                      the disk is never written to: the guest runs on a throw-away overlay
  --files DIR         the guest finds this folder's content as a tar archive on its last disk (/dev/vdb; of a quick guest /dev/vda)
  --agent             with a virtio-serial port for the guest's agent (org.lucos.agent.0)
  --tools             with one for qemu-guest-agent (org.qemu.guest_agent.0), which the Debian image has
  --vcpus N           1 to 16 (default 1)
  --in-turn           emulated vCPUs take turns on one thread: with a thread each, QEMU 7.2 may go on running code that
                      one of them has replaced while another was translating it
  --counted           emulated, its clocks go by instructions: each takes a nanosecond, whatever the host does
  --memory MIB        default 512
  --append WORDS      added to the kernel command line
  --accelerator A     kvm or tcg; found by trying without it
  --owner PID         process this guest belongs to (see --destroy-stale)
  --tied              keeps running; the guest is destroyed when standard input ends or this process dies
  --probe             waits for the guest's sign of life and ends it; fails if there is none
  --xml               prints the domain XML and starts nothing
The shell for people is on the first serial port: virsh console NAME, or socat -,raw,echo=0 UNIX-CONNECT:(terminal).
Programs talk to the root shell on the second one (console); its socket takes one client at a time.
USAGE
}

name=lucos-$$ kernel='' initrd='' disk='' image=quick files='' vcpus=1 memory=512 append='' channels=() turns='' counted='' accelerator='' owner='' mode=boot names=() build=()
while (($#)); do
  if [[ $1 == --*=* ]]; then set -- "${1%%=*}" "${1#*=}" "${@:2}"; fi
  case $1 in
    --name) name=$2; shift ;;
    --kernel) kernel=$2; shift ;;
    --initrd) initrd=$2; shift ;;
    --disk) disk=$2; shift ;;
    --image) image=$2; shift ;;
    --files) files=$2; shift ;;
    --vcpus) vcpus=$2; shift ;;
    --memory) memory=$2; shift ;;
    --append) append=$2; shift ;;
    --agent) channels+=(org.lucos.agent.0) ;;
    --tools) channels+=(org.qemu.guest_agent.0) ;;
    --in-turn) turns=1 ;;
    --counted) counted=1 accelerator=tcg ;;
    --accelerator) accelerator=$2; shift ;;
    --owner) owner=$2; shift ;;
    --tied) mode=tied ;;
    --probe) mode=probe ;;
    --xml) mode=xml ;;
    --destroy) mode=destroy; shift; names=("$@"); break ;;
    --destroy-stale) mode=stale ;;
    --) shift; build=("$@"); break ;;
    -h | --help) usage; exit ;;
    *) usage >&2; die "unknown option $1" ;;
  esac
  shift
done

virsh_quietly() { virsh -q -c "$LUCOS_URI" "$@"; }

guest_names() { virsh_quietly list --all --name | grep '^lucos-' || true; }

destroy() {
  [[ $1 == lucos-* ]] || die "not a guest of lucos: $1"
  virsh_quietly destroy "$1" >/dev/null 2>&1 || true
  rm -rf "${LUCOS_RUN:?}/$1" "${LUCOS_CACHE:?}/overlays/$1"
}

# An owner is a process id and its start time, so that a later process with the same id is not taken for it.
owner_mark() { awk '{ sub(/.*\) /, ""); print $20 }' "/proc/$1/stat" 2>/dev/null; }

destroy_stale() {
  local folder guest pid mark
  for folder in "$LUCOS_RUN"/lucos-*/; do
    [[ -s $folder/owner ]] || continue
    guest=$(basename "$folder")
    read -r pid mark <"$folder/owner"
    [[ $(owner_mark "$pid") == "$mark" ]] || destroy "$guest"
  done
}

domain_xml() {
  local type=qemu cpu=maximum
  if [[ $accelerator == kvm ]]; then type=kvm cpu=host-passthrough; fi
  cat <<XML
<domain type='$type'${counted:+ xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'}>
  <name>$(escape "$name")</name>
  <memory unit='MiB'>$memory</memory>
  <vcpu>$vcpus</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>$(escape "$kernel")</kernel>
    <initrd>$(escape "$initrd")</initrd>
    <cmdline>$(escape "${disk:+root=/dev/vda ro }console=ttyS0 panic=-1 $append")</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <cpu mode='$cpu'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>destroy</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
$(emulator_xml)
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <serial type='unix'>
      <source mode='bind' path='$(escape "$run/terminal")'/>
      <log file='$(escape "$run/console.log")' append='off'/>
      <target port='0'/>
    </serial>
    <serial type='unix'>
      <source mode='bind' path='$(escape "$run/console")'/>
      <target port='1'/>
    </serial>
$(channels_xml)
$(disks_xml)
  </devices>
${counted:+  <qemu:commandline>
    <qemu:arg value='-icount'/><qemu:arg value='shift=0'/>
  </qemu:commandline>
}</domain>
XML
}

# libvirt has no setting for it. QEMU's user may not reach this folder, but reaches the cache.
emulator_xml() {
  [[ -z $turns || $accelerator == kvm ]] || printf '    <emulator>%s</emulator>\n' "$(escape "$LUCOS_CACHE/qemu-in-turn.sh")"
}

copy_emulator() {
  local copy=$LUCOS_CACHE/qemu-in-turn.sh
  if ! cmp -s "$LUCOS_IMAGES/qemu-in-turn.sh" "$copy"; then
    cp -p "$LUCOS_IMAGES/qemu-in-turn.sh" "$copy.$$"
    mv "$copy.$$" "$copy"
  fi
}

# libvirt chooses where the host's end is.
channels_xml() {
  local name
  for name in ${channels[@]+"${channels[@]}"}; do
    cat <<XML
    <channel type='unix'>
      <source mode='bind'/>
      <target type='virtio' name='$name'/>
    </channel>
XML
  done
}

# disk_xml FILE FORMAT DEVICE [MORE]
disk_xml() {
  cat <<XML
    <disk type='file' device='disk'>
      <driver name='qemu' type='$2' cache='unsafe'/>
      <source file='$(escape "$1")'/>
      <target dev='$3' bus='virtio'/>${4:-}
    </disk>
XML
}

disks_xml() {
  [[ -z $disk ]] || disk_xml "$overlays/disk.qcow2" qcow2 vda
  [[ -z $files ]] || disk_xml "$overlays/files.tar" raw vdb '<readonly/>'
}

make_disks() {
  [[ -n $disk$files ]] || return 0
  (umask 022 && mkdir -p "$overlays")
  [[ -z $disk ]] || {
    need_packages qemu-utils
    qemu-img create -q -f qcow2 -F raw -b "$disk" "$overlays/disk.qcow2"
  }
  [[ -z $files ]] || tar -C "$files" --owner=0 --group=0 -cf "$overlays/files.tar" .
}

escape() { sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e "s/'/\&apos;/g" <<<"$1"; }

facts() {
  cat <<FACTS
name=$name
accelerator=$accelerator
console=$run/console
terminal=$run/terminal
log=$run/console.log
FACTS
}

# wait_for_probe: the quick initramfs prints its line and powers off when told to probe.
wait_for_probe() {
  local waited
  for ((waited = 0; waited < 100; waited++)); do
    if grep -aq lucos-probe-passed "$run/console.log" 2>/dev/null; then return 0; fi
    virsh_quietly domstate "$name" >/dev/null 2>&1 || break
    sleep 0.2
  done
  grep -aq lucos-probe-passed "$run/console.log" 2>/dev/null
}

# tie: virsh ends with its standard input, the connection with virsh, and libvirt then destroys the guest.
tie() {
  { printf 'create --autodestroy %s\n' "$run/domain.xml"; cat <&3; } | virsh_quietly >"$run/virsh.log" 2>&1 &
  tied=$!
  local waited
  for ((waited = 0; waited < 300; waited++)); do
    if virsh_quietly domstate "$name" 2>/dev/null | grep -q running; then return 0; fi
    if grep -q '^error:' "$run/virsh.log"; then break; fi
    sleep 0.1
  done
  cat "$run/virsh.log" >&2
  return 1
}

case $mode in
  destroy)
    for guest in "${names[@]}"; do destroy "$guest"; done
    exit
    ;;
  stale)
    destroy_stale
    exit
    ;;
esac

[[ $name == lucos-* ]] || die "the name of a guest must begin with lucos-: $name"
run=$LUCOS_RUN/$name
overlays=$LUCOS_CACHE/overlays/$name
need_hypervisor
if [[ -z $kernel ]]; then
  [[ -x $LUCOS_IMAGES/$image/build.sh ]] || die "no such image: $image"
  built=$("$LUCOS_IMAGES/$image/build.sh" ${build[@]+"${build[@]}"})
  kernel=$(sed -n 's/^kernel=//p' <<<"$built")
  initrd=$(sed -n 's/^initrd=//p' <<<"$built")
  disk=$(sed -n 's/^disk=//p' <<<"$built")
fi
[[ -z $counted || $accelerator == tcg ]] || die "--counted is for --accelerator tcg"
[[ -n $initrd ]] || die "--kernel needs --initrd"
[[ $mode != probe ]] || append="$append lucos.probe"
if [[ $mode != xml ]]; then start_libvirt; fi
[[ -n $accelerator ]] || accelerator=$(accelerator "$kernel" "$initrd")
if [[ $mode == xml ]]; then
  domain_xml
  exit
fi

if virsh_quietly domstate "$name" >/dev/null 2>&1; then die "there is a guest $name already"; fi

# QEMU's user must reach the sockets; the daemon makes them itself, as root.
(umask 022 && mkdir -p "$run")
if [[ -n $owner ]]; then printf '%s %s\n' "$owner" "$(owner_mark "$owner")" >"$run/owner"; fi
make_disks
[[ -z $turns ]] || copy_emulator
domain_xml >"$run/domain.xml"
case $mode in
  boot)
    virsh_quietly create "$run/domain.xml" >/dev/null || { destroy "$name"; die "libvirt refuses the guest $name"; }
    facts
    ;;
  tied)
    trap 'destroy "$name"' EXIT
    tied=''
    # A background job's own standard input is /dev/null.
    exec 3<&0
    tie || die "libvirt refuses the guest $name"
    facts
    wait "$tied"
    ;;
  probe)
    trap 'destroy "$name"' EXIT
    virsh_quietly create "$run/domain.xml" >/dev/null
    wait_for_probe
    ;;
esac
