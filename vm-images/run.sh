#!/bin/bash
# Runs a shell command as root in a guest that boot.sh has booted, over its second serial port.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

usage() {
  cat <<'USAGE'
usage: run.sh [--timeout SECONDS] NAME COMMAND
Prints what the command writes and ends with its status. The time limit (default 120 s) includes waiting for a guest that is
still booting. Output comes when the command is over; standard input is empty.
USAGE
}

limit=120
while (($#)); do
  case $1 in
    --timeout) limit=$2; shift 2 ;;
    --timeout=*) limit=${1#*=}; shift ;;
    -h | --help) usage; exit ;;
    *) break ;;
  esac
done
(($# == 2)) || { usage >&2; exit 64; }
name=$1 command=$2 socket=$LUCOS_RUN/$1/console
[[ -S $socket ]] || die "no such guest: $name"
need_packages socat
end=$((SECONDS + limit))

coproc PORT { exec socat - "UNIX-CONNECT:$socket"; }
port=$PORT_PID
# shellcheck disable=SC2064 # the process of now
trap "kill $port 2>/dev/null || true" EXIT

# next SECONDS: the next line into $line, or what there is of it; false if it does not end in time.
next() {
  kill -0 "$port" 2>/dev/null || die "the guest $name closed its console"
  IFS= read -r -t "$1" line <&"${PORT[0]}"
}

# hears SECONDS: whether the loop says that it is ready; what came last is in $line.
hears() {
  while next "$1"; do
    [[ $line != *@lucos:ready* ]] || return 0
  done
  return 1
}

# The shell is replaced by a loop that takes one request a line. Nothing but newlines is sent before there is a prompt: a port
# that is flooded while the guest boots loses interrupts. A loop that is there already answers a newline.
loop=$(base64 -w0 "$LUCOS_IMAGES/console-loop.sh")
while :; do
  ((SECONDS < end)) || die "the guest $name does not answer within $limit s; see $LUCOS_RUN/$name/console.log"
  printf '\n' >&"${PORT[1]}"
  if hears 0.5; then break; fi
  if [[ $line =~ [#$]\ ($'\e[6n')?$ ]]; then
    # shellcheck disable=SC2016 # the guest's shell expands it
    printf 'exec sh -c "$(echo %s | base64 -d)"\n' "$loop" >&"${PORT[1]}"
    if hears 10; then break; fi
  fi
done

printf 'run %s %s\n' "$$" "$(base64 -w0 <<<"$command")" >&"${PORT[1]}"
answer="@lucos:$$:([0-9]+):([A-Za-z0-9+/=]*):([A-Za-z0-9+/=]*):end"
while ((SECONDS < end)); do
  next $((end - SECONDS)) || break
  if [[ $line =~ $answer ]]; then
    base64 -d <<<"${BASH_REMATCH[3]}" | gzip -dc >&2
    base64 -d <<<"${BASH_REMATCH[2]}" | gzip -dc
    exit "${BASH_REMATCH[1]}"
  fi
done
printf '\003\n' >&"${PORT[1]}"
die "not over within $limit s in $name: $command"
