# shellcheck shell=bash
# Shared by the image recipes and the top-level scripts: messages, packages, cache, libvirt daemons, accelerator.
# Source it from a bash script that has set -euo pipefail.

LUCOS_IMAGES=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LUCOS_CACHE=${LUCOS_CACHE:-/var/cache/lucos}
LUCOS_RUN=${LUCOS_RUN:-/run/lucos}
LUCOS_URI=${LUCOS_URI:-qemu:///system}

# note TEXT...: progress for people, on stderr, so that stdout stays for results.
note() { printf '%s\n' "$*" >&2; }

# die TEXT...: ends the script with one sentence.
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# cache_dir NAME: makes a directory of the cache and prints its path. QEMU runs as another user: it must read there.
cache_dir() {
  local dir=$LUCOS_CACHE/$1
  (umask 022 && mkdir -p "$dir") || die "cannot create the cache folder $dir; run as root or set LUCOS_CACHE"
  printf '%s\n' "$dir"
}

# with_lock NAME COMMAND...: runs the command while no other process holds the lock NAME of the cache. The command
# runs in a subshell, and so do not set variables in it.
with_lock() {
  local lock
  lock=$(cache_dir locks)/$1
  shift
  (
    flock 9
    "$@" 9>&-
  ) 9>"$lock"
}

# need_packages NAME...: installs those Debian packages that are not there; reads the index anew only if that fails.
need_packages() {
  local package missing=()
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  ((EUID == 0)) || die "these Debian packages are missing: ${missing[*]}; install them or run as root"
  note "installing ${missing[*]}"
  with_lock apt install_packages "${missing[@]}"
}

install_packages() {
  local log
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  local install=(apt-get -q -y --no-install-recommends install "$@")
  if ! "${install[@]}" >"$log" 2>&1 </dev/null; then
    if ! { apt-get -q update && "${install[@]}"; } >>"$log" 2>&1 </dev/null; then
      tail -n 30 "$log" >&2
      rm -f "$log"
      die "apt-get could not install: $*"
    fi
  fi
  rm -f "$log"
}

# need_index: the package index must be there, and not old, before kernels can be looked up in it: a fresh container has
# none, an image may lack that of the security updates, which apt does not tell. Read once an hour at most.
need_index() {
  local stamp
  stamp=$(cache_dir index)/looked-at
  [[ -n $(find "$stamp" -mmin -60 2>/dev/null) && -n $(any_index) ]] && return 0
  if ((EUID == 0)); then
    note "reading the package index"
    with_lock apt apt-get -q update >/dev/null || [[ -n $(any_index) ]] || die "apt-get update failed"
  else
    [[ -n $(any_index) ]] || die "apt has no package index; run apt-get update"
  fi
  touch "$stamp"
}

any_index() { find /var/lib/apt/lists -name '*_Packages*' -print -quit 2>/dev/null; }

# need_build_tools: what builds lucos, and what lucos builds patches with.
need_build_tools() {
  need_packages openjdk-17-jdk-headless maven \
    gcc libc6-dev make flex bison bc libelf-dev libssl-dev dwarves rsync cpio kmod patch xz-utils zstd
}

need_hypervisor() {
  need_packages qemu-system-x86 libvirt-daemon libvirt-daemon-driver-qemu libvirt-daemon-system libvirt-clients
}

libvirt_answers() { virsh -q -c "$LUCOS_URI" uri >/dev/null 2>&1; }

# start_libvirt: makes the system libvirt daemon answer. Where there is no systemd, the daemons started here are
# remembered, so that stop_libvirt ends those and no others.
start_libvirt() {
  need_hypervisor
  admit_to_kvm
  libvirt_answers || with_lock libvirt start_libvirt_daemons
}

start_libvirt_daemons() {
  libvirt_answers && return 0
  ((EUID == 0)) || die "libvirtd does not answer at $LUCOS_URI; start it or run as root"
  note "starting libvirtd"
  if [[ -d /run/systemd/system ]]; then
    systemctl start virtlogd.socket libvirtd.socket 2>/dev/null || systemctl start libvirtd
  else
    mkdir -p "$LUCOS_RUN"
    pgrep -x virtlogd >/dev/null || start_daemon virtlogd
    pgrep -x libvirtd >/dev/null || start_daemon libvirtd
  fi
  local waited
  for ((waited = 0; waited < 150; waited++)); do
    libvirt_answers && return 0
    sleep 0.2
  done
  die "libvirtd was started and does not answer at $LUCOS_URI; see /var/log/libvirt"
}

# admit_to_kvm: gives /dev/kvm the owner that Debian's device manager gives it, where none runs. With a device that
# root can open and QEMU's user cannot, libvirt probes QEMU anew before each guest, which takes a minute.
admit_to_kvm() {
  [[ -c /dev/kvm && ! -d /run/systemd/system && ! -d /run/udev ]] || return 0
  [[ $(stat -c '%G %a' /dev/kvm) == 'root 600' ]] || return 0
  if ((EUID == 0)) && getent group kvm >/dev/null; then chgrp kvm /dev/kvm && chmod 0660 /dev/kvm; fi
}

start_daemon() {
  "$1" -d -p "$LUCOS_RUN/$1.pid" 8>&- 9>&- </dev/null >/dev/null 2>&1 || die "$1 does not start; see /var/log/libvirt"
}

# use_libvirt: start_libvirt for a script that will call stop_libvirt; the shared lock on descriptor 8 tells others
# that the daemons are in use.
use_libvirt() {
  mkdir -p "$LUCOS_RUN"
  exec 8>"$LUCOS_RUN/libvirt.users"
  flock -s 8
  start_libvirt
}

# stop_libvirt: ends the daemons that start_libvirt started, if no guest runs and no other script uses them.
stop_libvirt() {
  flock -x -n 8 2>/dev/null || return 0
  with_lock libvirt stop_libvirt_daemons
  flock -u 8
}

# Waits until they have ended: who starts them next would take one that is there for one that stays.
stop_libvirt_daemons() {
  local daemon file pid waited
  [[ -e $LUCOS_RUN/libvirtd.pid && -z $(virsh -q -c "$LUCOS_URI" list --name 2>/dev/null) ]] || return 0
  for daemon in libvirtd virtlogd; do
    file=$LUCOS_RUN/$daemon.pid
    if [[ -s $file ]] && pgrep -x -F "$file" "$daemon" >/dev/null 2>&1; then
      pid=$(<"$file")
      kill "$pid"
      for ((waited = 0; waited < 100; waited++)); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
      done
    fi
    rm -f "$file"
  done
}

# accelerator KERNEL INITRD: prints kvm or tcg. A /dev/kvm that opens proves nothing (a nested host may have no hardware
# virtualization to give): a guest with this kernel must come up. The answer is kept for this host.
accelerator() {
  if [[ -n ${LUCOS_ACCEL:-} ]]; then
    printf '%s\n' "$LUCOS_ACCEL"
  elif [[ ! -c /dev/kvm ]]; then
    printf 'tcg\n'
  else
    with_lock accelerator probed_accelerator "$@"
  fi
}

probed_accelerator() {
  local key file answer=tcg
  key=$({ uname -a; qemu-system-x86_64 --version; cat /proc/sys/kernel/random/boot_id; } | sha256sum | cut -c1-16)
  file=$(cache_dir accelerator)/$key
  if [[ ! -s $file ]]; then
    note "trying whether KVM runs here"
    if "$LUCOS_IMAGES/boot.sh" --name "lucos-probe-$$" --kernel "$1" --initrd "$2" --accelerator kvm --probe >/dev/null 2>&1
    then answer=kvm; fi
    printf '%s\n' "$answer" >"$file.$$"
    mv "$file.$$" "$file"
  fi
  cat "$file"
}
