#!/bin/bash
# Runs the contract of a guest (tests marked @Contract) inside a host of vm-images: packs what was built, its tests and a
# kit of guests and bundles, boots the host, runs, and leaves reports in tests/target/hosts/HOST.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=../vm-images/lib.sh
. "$top/vm-images/lib.sh"

usage() {
  cat <<'USAGE'
usage: tests/hosts.sh [options] [kvm-host|xen-host]...     both if none is named
  --all              all of the contract; its core without
  --classes PATTERN  only classes whose full name fits this regular expression
  --limit MINUTES    for the tests in one host (default 30, with --all 90)
The program must be built (mvn package); a host's reports are in tests/target/hosts.
USAGE
}

tag=contract-core classes='.*' limit='' hosts=()
while (($#)); do
  if [[ $1 == --*=* ]]; then set -- "${1%%=*}" "${1#*=}" "${@:2}"; fi
  case $1 in
    --all) tag=contract ;;
    --classes) classes=$2; shift ;;
    --limit) limit=$2; shift ;;
    -h | --help) usage; exit ;;
    -*) usage >&2; die "unknown option $1" ;;
    *) hosts+=("$1") ;;
  esac
  shift
done
((${#hosts[@]})) || hosts=(kvm-host xen-host)
if [[ -z $limit ]]; then
  limit=30
  if [[ $tag == contract ]]; then limit=90; fi
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

# pack JOB: what a host needs to run the tests: jars and classes, the scripts that boot guests, recipes, kit.
pack() {
  local job=$1 path entry number=0 names=() words
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
  (cd "$top" && git ls-files -z vm-images kernel-patches | tar --null -T - -cf - --ignore-failed-read) | tar -C "$job/tree" -xf -
  note "preparing guests and bundles for a host that can build nothing (minutes, the first time)"
  (cd "$top/tests" && java -XX:TieredStopAtLevel=1 ${LUCOS_FIXES:+-Dlucos.fixes="$LUCOS_FIXES"} -cp "$path" \
    org.lucos.tests.hosts.HostKit "$job/kit")
}

# kvm_job JOB: runs the contract under libvirt's QEMU with KVM.
kvm_job() {
  local job=$1
  pack "$job"
  printf '%s\n' "$tag" "$classes" >"$job/what"
  cp "$top/tests/run-in-kvm-host.sh" "$job/run"
}

# xen_job JOB: stock guests come up; with --all or --classes the contract's tests run in dom0, with PVH guests.
xen_job() {
  local job=$1 built
  if [[ $tag == contract || $classes != '.*' ]]; then
    pack "$job"
    printf '%s\n' "$tag" "$classes" >"$job/what"
    cp "$top/tests/run-in-xen-host.sh" "$job/run"
    return
  fi
  built=$("$top/vm-images/quick/build.sh" --series 6.1 --file "$top/vm-images/xen-host/tick.sh=/init")
  mkdir -p "$job"
  cp "$(sed -n 's/^kernel=//p' <<<"$built")" "$job/vmlinuz"
  cp "$(sed -n 's/^initrd=//p' <<<"$built")" "$job/initrd"
  cp "$top/vm-images/xen-host/try.sh" "$job/run"
}

failed=0 summary=()
for host in "${hosts[@]}"; do
  begun=$SECONDS
  out=$top/tests/target/hosts/$host
  rm -rf "$out"
  mkdir -p "$out"
  case $host in
    kvm-host) kvm_job "$work/$host" ;;
    xen-host) xen_job "$work/$host" ;;
    *) die "no such host: $host" ;;
  esac
  note "running ${tag/contract-core/the core of the contract} in $host"
  status=0
  "$top/vm-images/hosts.sh" --limit "$limit" --memory 6144 "$host" "$work/$host" "$out" || status=$?
  counts=$(grep -hoE 'Tests run: [0-9].*' "$out/console.log" | tail -n 1 || true)
  [[ -n $counts ]] || counts="$(grep -c ' PASSED ' "$out/console.log" || true) guests came up"
  verdict=passed
  ((status == 0)) || failed=1 verdict="failed (status $status)"
  summary+=("$host: $verdict, $counts ($((SECONDS - begun)) s)")
  rm -rf "${work:?}/$host"
done
printf '\n'
printf '%s\n' "${summary[@]}"
exit $failed
