#!/bin/bash
# Runs the contract of a guest (tests marked @Contract) inside a host of vm-images: packs what was built, its tests and a
# kit of guests and bundles, boots the host, runs, and leaves reports in tests/target/hosts/HOST.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=../vm-images/lib.sh
. "$top/vm-images/lib.sh"

usage() {
  cat <<'USAGE'
usage: tests/hosts.sh [options] [here|kvm-host|xen-host]...     both hosts of vm-images if none is named; here is this machine
  --all              all of the contract; its core without
  --figures          what each host costs, in one table: here, too, if none is named
  --classes PATTERN  only classes whose full name fits this regular expression
  --guests KINDS     in the Xen host: pvh, pv or pvh,pv (default)
  --limit MINUTES    for the tests in one host (default 30, with --all 150)
The program must be built (mvn package); a host's reports are in tests/target/hosts.
USAGE
}

tag=contract-core classes='.*' kinds=pvh,pv limit='' hosts=()
while (($#)); do
  if [[ $1 == --*=* ]]; then set -- "${1%%=*}" "${1#*=}" "${@:2}"; fi
  case $1 in
    --all) tag=contract ;;
    --figures) tag=figures ;;
    --classes) classes=$2; shift ;;
    --guests) kinds=$2; shift ;;
    --limit) limit=$2; shift ;;
    -h | --help) usage; exit ;;
    -*) usage >&2; die "unknown option $1" ;;
    *) hosts+=("$1") ;;
  esac
  shift
done
if ((!${#hosts[@]})); then
  hosts=(kvm-host xen-host)
  if [[ $tag == figures ]]; then hosts=(here "${hosts[@]}"); fi
fi
if [[ -z $limit ]]; then
  limit=30
  if [[ $tag == contract ]]; then limit=150; fi
fi

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
  stop_libvirt
  rm -rf "${work:?}"
}
work=$(mktemp -d "$(cache_dir hosts)/job.XXXXXX")
trap clean_up EXIT

# class_path: of the tests, as Maven resolves it.
class_path() {
  (cd "$top" && mvn -q -B -ntp -pl tests -am test-compile dependency:build-classpath \
    -Dmdep.outputFile=target/classpath -Dmdep.includeScope=test >"$work/maven.log" 2>&1) || {
    tail -n 30 "$work/maven.log" >&2
    die "the tests cannot be compiled"
  }
  printf '%s:%s\n' "$top/tests/target/test-classes" "$(<"$top/tests/target/classpath")"
}

# pack: fills $work/packed, once, with what a host needs to run the tests: jars and classes, the scripts that boot guests, recipes, kit.
pack() {
  local job=$work/packed path entry number=0 names=() words
  [[ ! -d $job ]] || return 0
  path=$(class_path)
  mkdir -p "$job/lib" "$job/tree/tests/target"
  IFS=: read -r -a words <<<"$path"
  for entry in "${words[@]}"; do
    # Order matters, and modules' folders have one name.
    number=$((number + 1))
    names+=("$number-$(basename "$entry")")
    cp -a "$entry" "$job/lib/${names[-1]}"
  done
  printf '%s\n' "${names[@]}" >"$job/names"
  printf '%s\n' "$tag" "$classes" "$kinds" >"$job/what"
  (cd "$top" && git ls-files -z vm-images kernel-patches | tar --null -T - -cf - --ignore-failed-read) | tar -C "$job/tree" -xf -
  note "preparing guests and bundles for hosts that can build nothing (minutes, the first time)"
  (cd "$top/tests" && java -XX:TieredStopAtLevel=1 ${LUCOS_FIXES:+-Dlucos.fixes="$LUCOS_FIXES"} -cp "$path" \
    org.lucos.tests.hosts.HostKit "$job/kit")
}

# job HOST FOLDER: what the host is to run: in the KVM host with guests of libvirt's QEMU, in dom0 with PVH and PV ones. Before all of
# the contract, stock guests come up under Xen, PV ones too.
job() {
  local host=$1 job=$2 built
  pack
  cp -al "$work/packed" "$job"
  cp "$top/tests/run-in-$host.sh" "$job/run"
  if [[ $host == xen-host && $tag == contract && $classes == '.*' ]]; then
    built=$("$top/vm-images/quick/build.sh" --series 6.1 --file "$top/vm-images/xen-host/tick.sh=/init")
    cp "$(sed -n 's/^kernel=//p' <<<"$built")" "$job/vmlinuz"
    cp "$(sed -n 's/^initrd=//p' <<<"$built")" "$job/initrd"
    cp "$top/vm-images/xen-host/try.sh" "$job/try"
  fi
}

# emulated HOST OUT: has the host run its job; once more if the host hung.
emulated() {
  local host=$1 out=$2 status=0
  local command=("$top/vm-images/hosts.sh" --limit "$limit" --memory 6144 "$host" "$work/$host" "$out")
  "${command[@]}" || status=$?
  if ((status == 75)); then # says hosts.sh
    note "once more, since an emulated host hangs now and then"
    mv "$out/console.log" "$work/hung.log"
    status=0
    "${command[@]}" || status=$?
    mv "$work/hung.log" "$out/console-of-the-one-that-hung.log"
  fi
  return "$status"
}

# here OUT: the same tests on this machine.
here() {
  local path
  path=$(class_path) || return
  use_libvirt
  (cd "$top/tests" && java -Xmx1g -cp "$path" org.lucos.tests.hosts.HostTests "$1/reports" "$tag" "$classes") | tee "$1/console.log"
}

# said HOST: all that it said.
said() { tr -d '\r' <"$top/tests/target/hosts/$1/console.log"; }

# counts HOST: how many tests were run, for each kind of guest.
counts() {
  said "$1" | awk '
    / lucos-guests: / { kind = $NF ": " }
    match($0, /Tests run: [0-9].*/) { all = all (all == "" ? "" : "; ") kind substr($0, RSTART) }
    END { print all == "" ? "no tests counted" : all }'
}

# table HOST...: the figures that each has said.
table() {
  local host
  printf '\nmilliseconds, median (most)\n'
  for host in "$@"; do
    said "$host" | awk -v host="$host" '
      / lucos-guests: / { kind = " " $NF }
      sub(/^ *[0-9]* *FIGURE/, "FIGURE") { print host kind "|" $0 }'
  done | awk -F'|' '
    $2 ~ /FIGURES$/ { if (!($1 in place)) host[++columns] = $1; place[$1] = $3; next }
    { if (!($3 in seen)) { seen[$3] = 1; name[++rows] = $3 } figure[$3, $1] = $4 " (" $5 ")" }
    END {
      printf "%-34s", ""
      for (c = 1; c <= columns; c++) printf "%-22s", host[c]
      for (r = 1; r <= rows; r++) {
        printf "\n%-34s", name[r]
        for (c = 1; c <= columns; c++) printf "%-22s", ((name[r], host[c]) in figure) ? figure[name[r], host[c]] : "-"
      }
      printf "\n"
      for (c = 1; c <= columns; c++) printf "%s: %s\n", host[c], place[host[c]]
    }'
}

what="the core of the contract"
case $tag in
  contract) what="the contract" ;;
  figures) what="what measures" ;;
esac
failed=0 summary=()
for host in "${hosts[@]}"; do
  [[ $host == here || -f $top/tests/run-in-$host.sh ]] || die "no such host: $host"
  begun=$SECONDS status=0
  out=$top/tests/target/hosts/$host
  rm -rf "$out"
  mkdir -p "$out"
  if [[ $host == here ]]; then
    note "running $what on this machine"
    here "$out" || status=$?
  else
    job "$host" "$work/$host"
    note "running $what in $host"
    emulated "$host" "$out" || status=$?
    rm -rf "${work:?}/$host"
  fi
  verdict=passed
  ((status == 0)) || failed=1 verdict="failed (status $status)"
  summary+=("$host: $verdict, $(counts "$host") ($((SECONDS - begun)) s)")
done
if [[ $tag == figures ]]; then table "${hosts[@]}"; fi
printf '\n'
printf '%s\n' "${summary[@]}"
exit $failed
