# shellcheck shell=bash
# QEMU of a later Debian's backports beside that of the host: unpacked in the cache with all that it needs, its C library too, and not
# installed. Source after lib.sh and userland.sh.

QEMU_SUITE=trixie

# newer_qemu: prints the folder it is in. There it is started by its script qemu, which takes QEMU's options.
newer_qemu() {
  local folder
  folder=$(cache_dir qemu)/$({ echo "$QEMU_SUITE"; declare -f unpack_newer_qemu; } | sha256sum | cut -c1-16)
  with_lock newer-qemu unpack_newer_qemu "$folder" || return
  printf '%s\n' "$folder"
}

unpack_newer_qemu() {
  local target=$1 work packages package apt
  [[ ! -d $target ]] || return 0
  need_index
  note "fetching QEMU of $QEMU_SUITE-backports"
  work=$(mktemp -d "$(cache_dir qemu)/.unpack.XXXXXX")
  mkdir -p "$work"/{lists/partial,debs,result}
  # The mirror that has the host's suite has the later one. Of what is installed here apt is not told: so it wants all that QEMU needs.
  archive_sources | awk -v suite="$LUCOS_SUITE" -v later="$QEMU_SUITE" '$3 == suite {
      print "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]", $2, later, $4
      print "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]", $2, later "-backports", $4
    }' >"$work/sources.list"
  : >"$work/status"
  apt=(
    apt-get -q -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$work/lists"
    -o "Dir::State::status=$work/status" -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" -o APT::Sandbox::User=root
  )
  if ! "${apt[@]}" update >"$work/log" 2>&1; then
    tail -n 10 "$work/log" >&2
    rm -rf "$work"
    die "the index of $QEMU_SUITE-backports cannot be read"
  fi
  mapfile -t packages < <("${apt[@]}" -s --no-install-recommends -t "$QEMU_SUITE-backports" install qemu-system-x86 2>"$work/log" |
    sed -nE 's/^Inst ([^ ]+) .*\(([^ ]+) .*/\1=\2/p')
  ((${#packages[@]})) || { cat "$work/log" >&2; rm -rf "$work"; die "$QEMU_SUITE-backports has no QEMU"; }
  if ! (cd "$work/debs" && "${apt[@]}" download "${packages[@]}") >>"$work/log" 2>&1; then
    tail -n 10 "$work/log" >&2
    rm -rf "$work"
    die "apt-get could not download QEMU: ${packages[*]}"
  fi
  for package in "$work"/debs/*.deb; do dpkg-deb -x "$package" "$work/result"; done
  # Its own loader: the host's C library is older than what this has been linked with.
  cat >"$work/result/qemu" <<'SCRIPT'
#!/bin/bash
root=$(cd "$(dirname "$0")" && pwd)
libraries=$root/usr/lib/x86_64-linux-gnu
export QEMU_MODULE_DIR=$libraries/qemu
exec "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" "$root/usr/bin/qemu-system-x86_64" \
  -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" -L "$root/usr/lib/ipxe/qemu" "$@"
SCRIPT
  chmod 0755 "$work/result/qemu"
  "$work/result/qemu" --version >"$work/log" 2>&1 || { cat "$work/log" >&2; rm -rf "$work"; die "the unpacked QEMU does not start"; }
  mv "$work/result" "$target"
  rm -rf "$work"
}
