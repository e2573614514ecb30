#!/bin/bash
# In dom0: starts a PVH or PV guest and keeps it for as long as standard input is open. Prints console= (a socket with the guest's
# console, for one client at a time) and log=.
set -eu

usage() {
  cat <<'USAGE'
usage: guest.sh --name NAME --kernel FILE --initrd FILE [--type pvh|pv] [--vcpus N] [--memory MIB] [--append WORDS] [--channel NAME]
USAGE
}

name='' kernel='' initrd='' type=pvh vcpus=1 memory=512 append='' channel=''
while (($#)); do
  if [[ $1 == --*=* ]]; then set -- "${1%%=*}" "${1#*=}" "${@:2}"; fi
  case $1 in
    --name) name=$2 ;;
    --kernel) kernel=$2 ;;
    --initrd) initrd=$2 ;;
    --type) type=$2 ;;
    --vcpus) vcpus=$2 ;;
    --memory) memory=$2 ;;
    --append) append=$2 ;;
    --channel) channel=$2 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift 2
done
[[ -n $name && -n $kernel && -n $initrd ]] || { usage >&2; exit 2; }

run=$(mktemp -d "/run/lucos-guest.XXXXXX")
relay=''
# shellcheck disable=SC2317 # the trap calls it
clean_up() {
  [[ -z $relay ]] || kill "$relay" 2>/dev/null || true
  xl destroy "$name" 2>/dev/null || true
  rm -rf "${run:?}"
}
trap clean_up EXIT

# Before 4.21 xl makes nothing of the first one in the list.
[[ -z $channel ]] || channel="'name=none,connection=pty','name=$channel,connection=socket,path=$run/channel'"
# Under an emulated Xen guests ended in triple faults right behind looks at the time stamp counter, when each was an exit.
cat >"$run/guest.cfg" <<CFG
name = "$name"
type = "$type"
kernel = "$kernel"
ramdisk = "$initrd"
extra = "console=hvc0 loglevel=4 panic=-1 $append"
memory = $memory
vcpus = $vcpus
tsc_mode = "native"
channel = [$channel]
on_poweroff = "destroy"
on_reboot = "destroy"
on_crash = "preserve"
CFG
xl create -q "$run/guest.cfg" >&2
id=$(xl domid "$name")
tty=''
for ((waited = 0; waited < 300; waited++)); do
  tty=$(xenstore-read "/local/domain/$id/console/tty" 2>/dev/null) && [[ -n $tty ]] && break
  sleep 0.1
done
[[ -n $tty ]] || { echo "guest.sh: no console for $name" >&2; exit 1; }
socat "UNIX-LISTEN:$run/console,fork" "FILE:$tty,raw,echo=0" >&2 &
relay=$!
while [[ ! -S $run/console ]]; do sleep 0.05; done
printf 'console=%s\nlog=%s\n' "$run/console" "/var/log/xen/console/guest-$name.log"
cat >/dev/null
