#!/bin/bash
# A second libvirt host on this machine: its own process, mount, network and UTS namespaces, libvirt daemon, /run, /etc/libvirt
# and /var/lib/libvirt; programs, caches and /tmp are this machine's. It ends with standard input, and its guests with it.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

usage() {
  cat <<'USAGE'
usage: host.sh DIR     DIR/run becomes the host's /run; a short path, or Unix sockets do not fit
Prints connection= (for virsh -c) and pid= (for nsenter -t PID -m -p -n -u) when the daemon answers.
USAGE
}

inside() {
  local dir=$1 private
  mount --make-rprivate /
  mkdir -p "$dir/run/libvirt" "$dir/run/lock" "$dir/etc"
  mount --bind "$dir/run" /run
  mount --bind "$dir/etc" /etc/libvirt
  for private in /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
    mkdir -p "$private"
    mount -t tmpfs -o mode=755 tmpfs "$private"
  done
  hostname "lucos-$(basename "$dir")"
  ip link set lo up 2>/dev/null || true
  cat >/etc/libvirt/qemu.conf <<'CONF'
user="root"
group="root"
dynamic_ownership=0
remember_owner=0
security_driver="none"
namespaces=[]
cgroup_controllers=[]
stdio_handler="file"
CONF
  # Two hosts with one UUID do not migrate to each other.
  printf 'unix_sock_group="root"\nauth_unix_rw="none"\nhost_uuid="%s"\n' "$(cat /proc/sys/kernel/random/uuid)" \
    >/etc/libvirt/libvirtd.conf
  libvirtd </dev/null >"$dir/libvirtd.log" 2>&1 &
  cat >/dev/null
}

case ${1:-} in
  '' | -h | --help) usage; exit ;;
  --inside) inside "$2"; exit ;;
esac

((EUID == 0)) || die "namespaces need root"
need_hypervisor
dir=$(mkdir -p "$1" && cd "$1" && pwd)
connection="qemu+unix:///system?socket=$dir/run/libvirt/libvirt-sock"
exec 3<&0
unshare --mount --pid --net --uts --fork --mount-proc --kill-child bash "$0" --inside "$dir" <&3 >"$dir/host.log" 2>&1 &
holder=$!
trap 'kill "$holder" 2>/dev/null || true' EXIT
for ((waited = 0; waited < 300; waited++)); do
  if virsh -q -c "$connection" uri >/dev/null 2>&1; then break; fi
  kill -0 "$holder" 2>/dev/null || { cat "$dir/host.log" >&2; die "the host does not start"; }
  sleep 0.2
done
virsh -q -c "$connection" uri >/dev/null || { cat "$dir/host.log" "$dir/libvirtd.log" >&2; die "libvirtd does not answer"; }
printf 'connection=%s\npid=%s\n' "$connection" "$(pgrep -P "$holder")"
wait "$holder"
