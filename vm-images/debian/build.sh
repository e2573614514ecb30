#!/bin/bash
# Makes a Debian 12 guest with a stock kernel package. Prints release=, version=, kernel=, initrd=, disk=.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../kernels.sh
. "$(dirname "$0")/../kernels.sh"
# shellcheck source=../userland.sh
. "$(dirname "$0")/../userland.sh"

# What a small server runs, and what tests and demonstrations use inside.
packages=(
  systemd-sysv udev dbus libpam-systemd login passwd
  cron rsyslog openssh-server systemd-timesyncd qemu-guest-agent
  kmod procps iproute2 iputils-ping python3-minimal stress-ng
  linux-base initramfs-tools zstd
)

usage() {
  cat <<'USAGE'
usage: debian/build.sh [options]
  --flavour F       cloud-amd64 (default), amd64 or rt-amd64
  --series S        6.1, 6.12, ...; the newest of all without it
  --release R       exactly this kernel release, as uname -r prints it
  --version V       exactly this version of the Debian package
  --list            prints the kernels there are ("VERSION RELEASE", newest first) and makes nothing
USAGE
}

flavour=cloud-amd64 series='' release='' version='' list=''
while (($#)); do
  if [[ $1 == --*=* ]]; then set -- "${1%%=*}" "${1#*=}" "${@:2}"; fi
  case $1 in
    --flavour) flavour=$2; shift ;;
    --series) series=$2; shift ;;
    --release) release=$2; shift ;;
    --version) version=$2; shift ;;
    --list) list=1 ;;
    -h | --help) usage; exit ;;
    *) usage >&2; die "unknown option $1" ;;
  esac
  shift
done

if [[ -n $list ]]; then
  kernel_offers "$flavour" ${series:+"$series"}
  exit
fi

# configure ROOT: what makes a system out of packages: names, consoles, the modules its initrd needs.
configure() {
  local root=$1 port unit
  printf 'debian\n' >"$root/etc/hostname"
  printf '127.0.0.1 localhost debian\n' >"$root/etc/hosts"
  printf '/dev/vda / ext4 errors=remount-ro 0 1\n' >"$root/etc/fstab"
  rm -f "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/* "$root/etc/apt/apt.conf.d/99mmdebstrap"
  : >"$root/etc/machine-id"
  # Root without a password on the consoles only: sshd keeps its own rule (no empty passwords).
  chroot "$root" passwd -q -d root
  for port in ttyS0 ttyS1; do
    unit=serial-getty@$port.service
    mkdir -p "$root/etc/systemd/system/$unit.d" "$root/etc/systemd/system/getty.target.wants"
    printf '[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin root --noclear --keep-baud 115200 - linux\n' \
      >"$root/etc/systemd/system/$unit.d/autologin.conf"
    ln -sf /lib/systemd/system/serial-getty@.service "$root/etc/systemd/system/getty.target.wants/$unit"
  done
  printf 'MODULES=list\nCOMPRESS=gzip\n' >"$root/etc/initramfs-tools/conf.d/lucos"
  printf 'virtio_pci\nvirtio_blk\next4\n' >>"$root/etc/initramfs-tools/modules"
}

# install_kernel ROOT DEB: as apt would, inside; the mounts live in a namespace of their own and end with it.
install_kernel() {
  cp "$2" "$1/linux-image.deb"
  # shellcheck disable=SC2016 # expanded by the inner shell
  unshare --mount --propagation private bash -euc '
    mount -t proc proc "$1/proc"
    mount -t tmpfs tmpfs "$1/dev"
    for node in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "$1/dev/${node%:*}" c 1 "${node#*:}"; done
    ln -s /proc/self/fd "$1/dev/fd"
    DEBIAN_FRONTEND=noninteractive chroot "$1" dpkg --force-unsafe-io -i /linux-image.deb
  ' install "$1"
  rm "$1/linux-image.deb"
}

build_image() {
  local target=$1 userland=$2 release=$3 version=$4 deb work started=$SECONDS
  [[ ! -d $target ]] || return 0
  need_packages e2fsprogs
  deb=$(download_package "linux-image-$release" "$version")
  note "building the Debian image with $release"
  work=$(mktemp -d "$(cache_dir images)/.debian.XXXXXX")
  mkdir "$work/root" "$work/image"
  tar -C "$work/root" -xf "$userland" --exclude='./dev/*'
  configure "$work/root"
  if ! install_kernel "$work/root" "$deb" >"$work/log" 2>&1; then
    tail -n 30 "$work/log" >&2
    rm -rf "$work"
    die "the kernel package could not be installed in the image"
  fi
  cp "$work/root/boot/vmlinuz-$release" "$work/image/vmlinuz"
  cp "$work/root/boot/initrd.img-$release" "$work/image/initrd"
  truncate -s 4G "$work/image/disk.raw"
  mke2fs -q -t ext4 -L debian -E lazy_itable_init=1,nodiscard -d "$work/root" "$work/image/disk.raw"
  chmod 0755 "$work/image"
  chmod 0644 "$work/image"/*
  mv "$work/image" "$target"
  rm -rf "$work"
  note "image built in $((SECONDS - started)) s"
}

((EUID == 0)) || die "building a Debian image needs root"
chosen=$(choose_kernel "$flavour" "$series" "$release" "$version")
read -r version release <<<"$chosen"
images=$(cache_dir images)
# What was not used for a month goes.
find "$images" -maxdepth 1 -name 'debian-*' -mtime +30 -exec rm -rf {} +
userland=$(userland debian "${packages[@]}")
# The functions as the shell has read them: a change of a comment is no change of the recipe.
recipe=$({ echo "$userland"; declare -f configure install_kernel build_image; } | sha256sum | cut -c1-16)
image=$images/debian-$recipe-${release}_$version
with_lock "debian-$release" build_image "$image" "$userland" "$release" "$version"
touch "$image"

cat <<RESULT
release=$release
version=$version
kernel=$image/vmlinuz
initrd=$image/initrd
disk=$image/disk.raw
RESULT
