# shellcheck shell=bash
# A userland of Debian packages, as a tar archive in the cache. Source after lib.sh.

LUCOS_SUITE=bookworm

# archive_sources: the host's own sources of Debian itself; no mirror is named here.
archive_sources() {
  # shellcheck disable=SC2016 # apt expands these
  apt-get indextargets --format '$(ORIGIN) deb $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
    awk -v suite="$LUCOS_SUITE" '$1 == "Debian" && index($4, suite) == 1 { $1 = ""; print substr($0, 2) }' | sort -u
}

# host_proxy: mmdebstrap does not read the host's apt configuration.
host_proxy() {
  apt-config dump --no-empty | sed -nE 's/^(Acquire::https?::Proxy) "(.*)";$/--aptopt=\1 "\2"/p'
}

# userland NAME PACKAGE...: prints the path of an archive with these packages and what they need.
userland() {
  local name=$1 archive
  shift
  # The function as the shell has read it: a change of a comment is no change of the recipe.
  archive=$(cache_dir images)/$name-userland-$({ echo "$LUCOS_SUITE $*"; declare -f build_userland; } | sha256sum | cut -c1-16).tar
  with_lock "$name-userland" build_userland "$name" "$archive" "$@" || return
  touch "$archive"
  printf '%s\n' "$archive"
}

build_userland() {
  local name=$1 target=$2 sources work include proxy started=$SECONDS
  shift 2
  [[ ! -s $target ]] || return 0
  need_packages mmdebstrap
  need_index
  sources=$(archive_sources)
  [[ -n $sources ]] || die "apt has no source of Debian's $LUCOS_SUITE; add one and run apt-get update"
  mapfile -t proxy < <(host_proxy)
  work=$(mktemp -d "$(cache_dir images)/.userland.XXXXXX")
  note "building the userland of $name (a minute or two)"
  include=$(IFS=,; printf '%s' "$*")
  # The JRE's package fails without the folder that the excluded manual pages would have made.
  # shellcheck disable=SC2016 # mmdebstrap's shell expands it
  if ! mmdebstrap --quiet --variant=minbase --mode=root --include="$include" --skip=check/empty \
    --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' ${proxy[@]+"${proxy[@]}"} \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --essential-hook='mkdir -p "$1/usr/share/man/man1"' \
    "$LUCOS_SUITE" "$work/root.tar" - <<<"$sources" >"$work/log" 2>&1
  then
    tail -n 30 "$work/log" >&2
    rm -rf "$work"
    die "mmdebstrap failed"
  fi
  mv "$work/root.tar" "$target"
  rm -rf "$work"
  note "userland of $name built in $((SECONDS - started)) s"
}
