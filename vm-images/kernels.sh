# shellcheck shell=bash
# Debian's kernel packages: which there are, and one of them unpacked in the cache. Source after lib.sh.

# kernel_offers FLAVOUR [SERIES]: one line "VERSION RELEASE" for each kernel image that the package index offers or the
# cache still holds, newest first. FLAVOUR is amd64, cloud-amd64 or rt-amd64; SERIES as in 6.1.
kernel_offers() {
  local flavour=$1 series=${2:-} release
  need_index
  series=${series//./\\.}
  # The patch level is a must: linux-image-6.12-amd64 is an empty package that depends on the newest.
  release="${series:-[0-9]+\\.[0-9]+}\\.[0-9][0-9a-z.+~]*(-[0-9]+)?-$flavour"
  {
    all_kernel_offers
    find "$(cache_dir debs)" -name 'linux-image-*_*.deb' -printf '%f\n' |
      sed -nE 's/^linux-image-([^_]+)_([^_]+)_amd64\.deb$/\2 \1/p'
  } | grep -E "^[^ ]+ $release\$" | sort -u | sort -k1,1Vr -k2,2Vr || true
}

# The index takes two seconds to read: the answer is kept until the index changes.
all_kernel_offers() {
  local file names
  file=$(cache_dir index)/kernels-$(stat -c %n%Y /var/lib/apt/lists /var/lib/apt/lists/*_*Packages* | sha256sum | cut -c1-16)
  if [[ ! -s $file ]]; then
    mapfile -t names < <(apt-cache pkgnames linux-image- | grep -E '^linux-image-[0-9]+\.[0-9]+\.[0-9].*-amd64$')
    apt-cache madison "${names[@]}" | sed -nE 's/^ *linux-image-([^ ]+) +\| +([^ ]+) +\|.*/\2 \1/p' | sort -u >"$file.$$"
    mv "$file.$$" "$file"
  fi
  cat "$file"
}

# choose_kernel FLAVOUR SERIES RELEASE VERSION: prints "VERSION RELEASE" of the newest offer that fits; SERIES, RELEASE
# and VERSION may be empty.
choose_kernel() {
  local flavour=$1 series=$2 release=$3 version=$4 chosen
  if [[ -n $release ]]; then
    flavour=$(sed -nE 's/^.*[0-9]-((cloud-|rt-)?amd64)$/\1/p' <<<"$release")
    [[ -n $flavour ]] || die "not a release of a Debian amd64 kernel: $release"
    series=$(cut -d. -f1,2 <<<"$release")
  fi
  chosen=$(kernel_offers "$flavour" "$series" |
    awk -v r="$release" -v v="$version" '(r == "" || $2 == r) && (v == "" || $1 == v) && !n++')
  [[ -n $chosen ]] || die "no kernel package offers: flavour=${flavour:-any} series=${series:-any}" \
    "release=${release:-any} version=${version:-any}; quick/build.sh --list shows what there is"
  printf '%s\n' "$chosen"
}

# download_package PACKAGE VERSION: prints the path of the package file in the cache.
download_package() {
  with_lock "deb-$1" fetch_package "$1" "$2"
}

fetch_package() {
  local package=$1 version=$2 debs found
  debs=$(cache_dir debs)
  found=$(find "$debs" -maxdepth 1 -name "${package}_${version//:/%3a}_*.deb" -print -quit)
  if [[ -z $found ]]; then
    note "downloading $package $version"
    local work
    work=$(mktemp -d "$debs/.download.XXXXXX")
    # The unprivileged download user of apt may not write here; the packages are verified in either case.
    if ! (cd "$work" && apt-get -q -o APT::Sandbox::User=root download "$package=$version" >log 2>&1); then
      tail -n 5 "$work/log" >&2
      rm -rf "$work"
      die "apt-get could not download $package $version"
    fi
    rm "$work/log"
    chmod 0644 "$work"/*.deb
    mv "$work"/*.deb "$debs/"
    rmdir "$work"
    found=$(find "$debs" -maxdepth 1 -name "${package}_${version//:/%3a}_*.deb" -print -quit)
  fi
  printf '%s\n' "$found"
}

# unpacked_kernel VERSION RELEASE: prints a folder of the cache that holds vmlinuz, config and modules/ (the release's
# own module folder, modules.dep included).
unpacked_kernel() {
  with_lock "kernel-$2" unpack_kernel "$1" "$2"
}

unpack_kernel() {
  local version=$1 release=$2 kernels target deb work modules
  kernels=$(cache_dir kernels)
  target=$kernels/${release}_$version
  if [[ ! -d $target ]]; then
    need_packages kmod xz-utils
    deb=$(download_package "linux-image-$release" "$version")
    note "unpacking linux-image-$release $version"
    work=$(mktemp -d "$kernels/.unpack.XXXXXX")
    dpkg-deb -x "$deb" "$work"
    modules=$work/lib/modules/$release
    if [[ ! -d $modules ]]; then
      mkdir -p "$work/lib/modules"
      mv "$work/usr/lib/modules/$release" "$modules"
    fi
    depmod -b "$work" "$release"
    mkdir "$work/result"
    mv "$work/boot/vmlinuz-$release" "$work/result/vmlinuz"
    mv "$work/boot/config-$release" "$work/result/config"
    mv "$modules" "$work/result/modules"
    chmod -R u=rwX,go=rX "$work/result"
    mv "$work/result" "$target"
    rm -rf "$work"
  fi
  printf '%s\n' "$target"
}

# module_files KERNEL_FOLDER NAME...: the files of these modules and of all they need, relative to the module folder; none
# for what is built in.
module_files() {
  local folder=$1/modules
  shift
  awk -v wanted="$*" -v builtin="$folder/modules.builtin" '
    function canon(path) { sub(/.*\//, "", path); sub(/\.ko.*/, "", path); gsub(/-/, "_", path); return path }
    { file = $1; sub(/:$/, "", file); name = canon(file); path[name] = file; $1 = ""; needs[name] = $0 }
    END {
      while ((getline line < builtin) > 0) done[canon(line)] = 1
      n = split(wanted, queue, " ")
      for (i = 1; i <= n; i++) {
        name = canon(queue[i])
        if (name in done) continue
        done[name] = 1
        if (!(name in path)) { missing = missing " " queue[i]; continue }
        print path[name]
        m = split(needs[name], more, " ")
        for (j = 1; j <= m; j++) queue[++n] = more[j]
      }
      if (missing != "") { print "no such module in this kernel package:" missing > "/dev/stderr"; exit 1 }
    }' "$folder/modules.dep"
}
