# shellcheck shell=bash disable=SC2154 # packages, flavour and modules come from who sources this
# Images of hosts: machines with a hypervisor of their own, which hosts.sh boots. Source it from HOST/build.sh and set there:
# packages, flavour (of the kernel), modules (to be loaded at boot, in this order), configure ROOT, which changes what the
# packages have made, and, if there is more than kernel, initrd and disk, add_parts FOLDER. HOST/services.sh runs before a job.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=kernels.sh
. "$LUCOS_IMAGES/kernels.sh"
# shellcheck source=userland.sh
. "$LUCOS_IMAGES/userland.sh"

# host_image NAME: makes NAME's image where the cache has none, sets image to its folder and prints release=, version=,
# kernel=, initrd=, disk=.
host_image() {
  local name=$1 images archive chosen release version recipe
  ((EUID == 0)) || die "building the image of a host needs root"
  need_packages busybox-static cpio kmod xz-utils e2fsprogs
  chosen=$(choose_kernel "$flavour" 6.1 '' '')
  read -r version release <<<"$chosen"
  images=$(cache_dir images)
  find "$images" -maxdepth 1 -name "$name-*" -mtime +30 -exec rm -rf {} +
  archive=$(userland "$name" "${packages[@]}")
  recipe=$({
    echo "$archive ${modules[*]}"
    declare -f configure build_host host_initrd
    declare -f add_parts || true
    cat "$LUCOS_IMAGES"/host-{init,initrd}.sh
    cat "$LUCOS_IMAGES/$name/services.sh" 2>/dev/null || true
  } | sha256sum | cut -c1-16)
  image=$images/$name-$recipe-${release}_$version
  with_lock "$name" build_host "$name" "$image" "$archive" "$version" "$release"
  touch "$image"
  cat <<RESULT
release=$release
version=$version
kernel=$image/vmlinuz
initrd=$image/initrd
disk=$image/disk.raw
RESULT
}

build_host() {
  local name=$1 target=$2 archive=$3 version=$4 release=$5 kernel work started=$SECONDS size
  [[ ! -d $target ]] || return 0
  kernel=$(unpacked_kernel "$version" "$release")
  note "building the image of $name with $release"
  work=$(mktemp -d "$(cache_dir images)/.$name.XXXXXX")
  mkdir "$work/root" "$work/image"
  tar -C "$work/root" -xf "$archive" --exclude='./dev/*'
  rm -rf "$work"/root/etc/apt/sources.list* "$work"/root/var/lib/apt/lists/* "$work"/root/var/cache/apt/*
  : >"$work/root/etc/machine-id"
  printf '127.0.0.1 localhost %s\n' "$name" >"$work/root/etc/hosts"
  printf '%s\n' "$name" >"$work/root/etc/hostname"
  mkdir -p "$work/root/job" "$work/root/out"
  install -m 0755 "$LUCOS_IMAGES/host-init.sh" "$work/root/sbin/lucos-host"
  if [[ -e $LUCOS_IMAGES/$name/services.sh ]]; then install -m 0755 "$LUCOS_IMAGES/$name/services.sh" "$work/root/sbin/lucos-services"; fi
  configure "$work/root"
  host_initrd "$kernel" "$release" "$work/initrd" >"$work/image/initrd"
  cp "$kernel/vmlinuz" "$work/image/vmlinuz"
  if declare -F add_parts >/dev/null; then add_parts "$work/image"; fi
  size=$(du -sm "$work/root" | cut -f1)
  # Room for what jobs write; never more than that is kept, since hosts.sh lets them write to a throw-away layer.
  truncate -s $((size * 5 / 4 + 1024))M "$work/image/disk.raw"
  mke2fs -q -t ext4 -O ^has_journal -E lazy_itable_init=1,nodiscard -d "$work/root" "$work/image/disk.raw"
  mv "$work/image" "$target"
  rm -rf "$work"
  note "image of $name built in $((SECONDS - started)) s"
}

# host_initrd KERNEL_FOLDER RELEASE FOLDER: an archive of busybox and the modules, to be loaded in this order.
host_initrd() {
  local kernel=$1 release=$2 root=$3 file to
  to=$root/lib/modules/$release
  mkdir -p "$root"/{bin,dev,etc,proc,sys,host} "$to"
  install -m 0755 "$(dpkg-query -L busybox-static | grep -m1 -E '/bin/busybox$')" "$root/bin/busybox"
  install -m 0755 "$LUCOS_IMAGES/host-initrd.sh" "$root/init"
  mknod -m 0600 "$root/dev/console" c 5 1
  module_files "$kernel" "${modules[@]}" >"$root.modules"
  while read -r file; do
    mkdir -p "$to/$(dirname "$file")"
    case $file in
      *.xz) xz -dc "$kernel/modules/$file" >"$to/${file%.xz}" ;;
      *) cp "$kernel/modules/$file" "$to/$file" ;;
    esac
  done <"$root.modules"
  cp "$kernel"/modules/modules.{builtin,order} "$to/"
  cp "$kernel"/modules/modules.builtin.modinfo "$to/" 2>/dev/null || true
  depmod -b "$root" "$release"
  printf '%s\n' "${modules[@]}" >"$root/etc/modules"
  (cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1)
}
