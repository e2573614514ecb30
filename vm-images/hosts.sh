#!/bin/bash
# Boots a host (kvm-host, xen-host) as an emulated machine, has it run a job, and brings back what the job made.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=userland.sh
. "$LUCOS_IMAGES/userland.sh"
# shellcheck source=newer-qemu.sh
. "$LUCOS_IMAGES/newer-qemu.sh"

usage() {
  cat <<'USAGE'
usage: hosts.sh [options] HOST JOB OUT
  HOST             kvm-host or xen-host: its image is built if the cache has none
  JOB              folder that the host has as /job, writable, but nothing of that comes back; bash /job/run is run in it as root
  OUT              folder for what the job leaves in /out; also console.log, all that the host has said
  --limit MINUTES  what the job may take (default 20)
  --memory MIB     the machine's (default 4096); dom0 of xen-host has a good third of it
  --vcpus N        default 1 for kvm-host, 2 for xen-host
  --append WORDS   added to the command line of the host's kernel
The exit status is the job's (124: over its limit), or 75: the host hung or ended before the job did.
What the job prints is printed, with the host's seconds before it. There is no network in the host.
USAGE
}

limit=20 memory=4096 vcpus='' append='' words=()
while (($#)); do
  if [[ $1 == --*=* ]]; then set -- "${1%%=*}" "${1#*=}" "${@:2}"; fi
  case $1 in
    --limit) limit=$2; shift ;;
    --memory) memory=$2; shift ;;
    --vcpus) vcpus=$2; shift ;;
    --append) append=$2; shift ;;
    -h | --help) usage; exit ;;
    -*) usage >&2; die "unknown option $1" ;;
    *) words+=("$1") ;;
  esac
  shift
done
((${#words[@]} == 3)) || { usage >&2; die "wants HOST JOB OUT"; }
((EUID == 0)) || die "the images of hosts are built by root"
host=${words[0]} job=${words[1]} out=${words[2]}
[[ -x $LUCOS_IMAGES/$host/build.sh ]] || die "no such host: $host"
[[ -f $job/run ]] || die "the job has no file run: $job"
# A host says every 10 s that it lives; where others compute too, a minute may pass.
silence=180 hung=75
command_line="console=ttyS0 quiet panic=-1 mitigations=off lucos.limit=$((limit * 60)) $append"

built=$("$LUCOS_IMAGES/$host/build.sh")
part() { sed -n "s/^$1=//p" <<<"$built"; }

machine=(
  -accel 'tcg,thread=multi,tb-size=512' -m "$memory" -nodefaults -display none -no-reboot -serial stdio
)
case $host in
  xen-host)
    # Debian 12's own QEMU, 7.2: under 10.0 a PVH guest powers itself off. Of the processor models this one has all that
    # Xen wants and no AVX, with which dom0's registers are corrupted without a word; rdrand is no good either.
    need_packages qemu-system-x86
    qemu=(qemu-system-x86_64)
    dom0=$((memory * 3 / 8))
    : "${vcpus:=2}"
    machine+=(
      -smp "$vcpus"
      -cpu 'qemu64,+svm,+npt'
      -kernel "$(part hypervisor)"
      -append "dom0_mem=${dom0}M,max:${dom0}M dom0_max_vcpus=$vcpus console=com1 com1=115200,8n1 spec-ctrl=no xpti=false"
      -initrd "$(part kernel) ${command_line/ttyS0/hvc0},$(part initrd)"
    )
    ;;
  kvm-host)
    # QEMU before 10.2 changes a processor's pending interrupts in VMRUN without the lock, and so loses some: the host's kernel stalls.
    # An interrupt that is injected into a guest is there for a second time (11.1, too) if another processor wants this one to stop before
    # the guest exits: a guest whose programs never sleep then ends soon, or the host with it. So there is no other processor.
    qemu=("$(newer_qemu)/qemu")
    : "${vcpus:=1}"
    machine+=(
      -smp "$vcpus"
      -machine q35 -cpu 'max,+svm'
      -kernel "$(part kernel)" -initrd "$(part initrd)" -append "$command_line"
    )
    ;;
esac

# shellcheck disable=SC2317 # the trap calls it
stop() {
  trap '' INT TERM
  if [[ -n ${machine_pid:-} ]]; then
    kill "$machine_pid" 2>/dev/null || true
    wait "$machine_pid" 2>/dev/null || true
  fi
  rm -rf "$work"
}
work=$(mktemp -d "$(cache_dir hosts)/$host.XXXXXX")
trap stop EXIT
trap 'exit 130' INT TERM
mkdir -p "$out"
: >"$out/console.log"

truncate -s $(($(du -sm "$job" | cut -f1) * 5 / 4 + 2048))M "$work/job.raw"
mke2fs -q -t ext4 -O ^has_journal -E lazy_itable_init=1,nodiscard -d "$job" "$work/job.raw"
truncate -s 1G "$work/out.raw"
drive() { machine+=(-drive "file=$1,if=virtio,format=raw,cache=unsafe${2:-}"); }
drive "$(part disk)" ,snapshot=on
drive "$work/job.raw"
drive "$work/out.raw"

note "booting $host ($("${qemu[@]}" --version | head -n 1))"
mkfifo "$work/console"
TMPDIR=$work "${qemu[@]}" "${machine[@]}" <<<'' >"$work/console" 2>"$work/qemu.log" &
machine_pid=$!

verdict='' begun=$SECONDS heard=$SECONDS up=''
exec 4<"$work/console"
while :; do
  if IFS= read -r -t 5 -u 4 line; then
    line=${line%$'\r'}
    printf '%6d %s\n' $((SECONDS - begun)) "$line" >>"$out/console.log"
    case $line in
      *'lucos-host: alive '*) heard=$SECONDS ;;
      *'lucos-host: up '*) up=1 heard=$SECONDS; note "$host is up after $((SECONDS - begun)) s" ;;
      *'lucos-host: job ended'*) up='' heard=$SECONDS; note "$host: ${line#*lucos-host: } ($((SECONDS - begun)) s)" ;;
      *'lucos-host: off'*) break ;;
      *) [[ -z $up ]] || printf '%6d %s\n' $((SECONDS - begun)) "$line" ;;
    esac
  elif (($? <= 128)); then
    verdict="$host ended before its job did: $(tail -n 3 "$work/qemu.log")"
    break
  fi
  if ((SECONDS - heard > silence)); then
    verdict="$host hangs: no sign of life for $silence s"
    break
  fi
done

if [[ -z $verdict ]]; then
  mkdir "$work/result"
  if tar -C "$work/result" -xf "$work/out.raw" && [[ -s $work/result/status ]]; then
    cp -a "$work/result/out/." "$out/"
    exit "$(<"$work/result/status")"
  fi
  verdict="$host has left no result"
fi
note "$verdict; its last words (all are in $out/console.log):"
tail -n 15 "$out/console.log" >&2
exit $hung
