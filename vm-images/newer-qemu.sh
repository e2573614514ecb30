# shellcheck shell=bash
# QEMU of Debian's backports beside that of the host: unpacked in the cache, not installed. Source after lib.sh and userland.sh.

# newer_qemu: prints the folder it is in. There it is started by its script qemu, which takes QEMU's options.
newer_qemu() {
  local folder
  folder=$(cache_dir qemu)/$(declare -f unpack_newer_qemu | sha256sum | cut -c1-16)
  with_lock newer-qemu unpack_newer_qemu "$folder" || return
  printf '%s\n' "$folder"
}

unpack_newer_qemu() {
  local target=$1 work sources packages package apt
  [[ ! -d $target ]] || return 0
  need_packages qemu-system-x86
  need_index
  note "fetching a newer QEMU from $LUCOS_SUITE-backports"
  sources=$(archive_sources)
  work=$(mktemp -d "$(cache_dir qemu)/.unpack.XXXXXX")
  mkdir -p "$work"/{lists/partial,debs,result}
  # The mirror that has the suite has its backports. Who can install packages need not be told, and is not changed by this.
  {
    printf '%s\n' "$sources"
    awk -v suite="$LUCOS_SUITE" '$3 == suite { $3 = suite "-backports"; print }' <<<"$sources"
  } | sed 's|^deb |deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] |' >"$work/sources.list"
  apt=(
    apt-get -q -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$work/lists"
    -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" -o APT::Sandbox::User=root
  )
  if ! "${apt[@]}" update >"$work/log" 2>&1; then
    tail -n 10 "$work/log" >&2
    rm -rf "$work"
    die "the index of $LUCOS_SUITE-backports cannot be read"
  fi
  # What installing would fetch is what QEMU needs and this host lacks.
  mapfile -t packages < <("${apt[@]}" -s --no-install-recommends install "qemu-system-x86/$LUCOS_SUITE-backports" |
    sed -nE 's/^Inst ([^ ]+) .*\(([^ ]+) .*/\1=\2/p')
  ((${#packages[@]})) || die "$LUCOS_SUITE-backports has no other QEMU than this host"
  if ! (cd "$work/debs" && "${apt[@]}" download "${packages[@]}") >>"$work/log" 2>&1; then
    tail -n 10 "$work/log" >&2
    rm -rf "$work"
    die "apt-get could not download QEMU: ${packages[*]}"
  fi
  for package in "$work"/debs/*.deb; do dpkg-deb -x "$package" "$work/result"; done
  cat >"$work/result/qemu" <<'SCRIPT'
#!/bin/bash
root=$(cd "$(dirname "$0")" && pwd)
export LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu QEMU_MODULE_DIR=$root/usr/lib/x86_64-linux-gnu/qemu
exec "$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" \
  -L "$root/usr/lib/ipxe/qemu" -L /usr/share/seabios -L /usr/lib/ipxe/qemu "$@"
SCRIPT
  chmod 0755 "$work/result/qemu"
  "$work/result/qemu" --version >"$work/log" 2>&1 || { cat "$work/log" >&2; die "the unpacked QEMU does not start"; }
  mv "$work/result" "$target"
  rm -rf "$work"
}
