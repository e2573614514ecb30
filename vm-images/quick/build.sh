#!/bin/bash
# Makes a quick guest: a stock Debian kernel and a busybox initramfs. Prints release=, version=, kernel=, initrd=, modules=.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../kernels.sh
. "$(dirname "$0")/../kernels.sh"

usage() {
  cat <<'USAGE'
usage: quick/build.sh [options]
  --flavour F       cloud-amd64 (default), amd64 or rt-amd64
  --series S        6.1, 6.12, ...; the newest of all without it
  --release R       exactly this kernel release, as uname -r prints it
  --version V       exactly this version of the Debian package
  --module NAME     adds this kernel module and those it needs, and loads it at boot; may be repeated
  --file HOST=GUEST adds a file under this path, keeping its mode; may be repeated
  --list            prints the kernels there are ("VERSION RELEASE", newest first) and makes nothing
USAGE
}

flavour=cloud-amd64 series='' release='' version='' list='' modules=() files=()
while (($#)); do
  if [[ $1 == --*=* ]]; then set -- "${1%%=*}" "${1#*=}" "${@:2}"; fi
  case $1 in
    --flavour) flavour=$2; shift ;;
    --series) series=$2; shift ;;
    --release) release=$2; shift ;;
    --version) version=$2; shift ;;
    --module) modules+=("$2"); shift ;;
    --file) files+=("$2"); shift ;;
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

archive() { # archive FOLDER: its content as an uncompressed cpio archive, equal for equal content
  (cd "$1" && find . -exec touch -h -d @0 {} + && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --reproducible --quiet)
}

build_base() {
  local target=$1 work
  [[ ! -s $target ]] || return 0
  note "building the quick initramfs"
  work=$(mktemp -d)
  mkdir -p "$work/root/bin" "$work/root/dev"
  install -m 0755 "$(dpkg-query -L busybox-static | grep -m1 -E '/bin/busybox$')" "$work/root/bin/busybox"
  install -m 0755 "$LUCOS_IMAGES/quick/init" "$work/root/init"
  # The kernel opens /dev/console for init before init can mount anything.
  mknod -m 0600 "$work/root/dev/console" c 5 1
  archive "$work/root" >"$target.$$"
  chmod 0644 "$target.$$"
  mv "$target.$$" "$target"
  rm -rf "$work"
}

add_files() { # add_files FOLDER: what --module and --file ask for
  local root=$1 pair file target
  if ((${#modules[@]})); then
    local to=$root/lib/modules/$release
    module_files "$kernel_folder" "${modules[@]}" >"$root.modules"
    while read -r file; do
      mkdir -p "$to/$(dirname "$file")"
      # busybox takes plain modules only.
      case $file in
        *.xz) xz -dc "$kernel_folder/modules/$file" >"$to/${file%.xz}" ;;
        *) cp "$kernel_folder/modules/$file" "$to/$file" ;;
      esac
    done <"$root.modules"
    cp "$kernel_folder"/modules/modules.{builtin,order} "$to/"
    cp "$kernel_folder"/modules/modules.builtin.modinfo "$to/" 2>/dev/null || true
    depmod -b "$root" "$release"
    mkdir -p "$root/etc"
    printf '%s\n' "${modules[@]}" >"$root/etc/modules"
  fi
  for pair in ${files[@]+"${files[@]}"}; do
    [[ $pair == *=/* ]] || die "--file wants HOST=/GUEST, not $pair"
    file=${pair%%=*} target=$root${pair#*=}
    mkdir -p "$(dirname "$target")"
    cp -L --preserve=mode "$file" "$target"
  done
}

build_with_extras() {
  local images=$1 base=$2 work target
  work=$(mktemp -d)
  mkdir "$work/root"
  add_files "$work/root"
  archive "$work/root" >"$work/extra"
  target=$images/quick-$(cat "$base" "$work/extra" | sha256sum | cut -c1-16).cpio
  if [[ -s $target ]]; then
    touch "$target"
  else
    # The kernel unpacks archives that follow one another as one.
    cat "$base" "$work/extra" >"$target.$$"
    chmod 0644 "$target.$$"
    mv "$target.$$" "$target"
  fi
  rm -rf "$work"
  printf '%s\n' "$target"
}

need_packages busybox-static cpio kmod xz-utils
chosen=$(choose_kernel "$flavour" "$series" "$release" "$version")
read -r version release <<<"$chosen"
kernel_folder=$(unpacked_kernel "$version" "$release")

images=$(cache_dir images)
# Archives with extras are as many as there were sets of extras: old ones go.
find "$images" -name 'quick-*.cpio' -mtime +14 -delete
recipe=$({ dpkg-query -W busybox-static cpio; cat "$LUCOS_IMAGES/quick/init" "$LUCOS_IMAGES/quick/build.sh"; } | sha256sum | cut -c1-16)
initrd=$images/quick-base-$recipe.cpio
with_lock quick-base build_base "$initrd"
touch "$initrd"
if ((${#modules[@]} + ${#files[@]})); then initrd=$(build_with_extras "$images" "$initrd"); fi

cat <<RESULT
release=$release
version=$version
kernel=$kernel_folder/vmlinuz
initrd=$initrd
modules=$kernel_folder/modules
RESULT
