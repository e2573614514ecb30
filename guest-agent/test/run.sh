#!/bin/bash
# run.sh AGENT: the agent's answers to the golden requests are the golden answers; it lives through what a host may do.
# run.sh AGENT --write: takes the answers it gives now for golden.
set -euo pipefail
cd "$(dirname "$0")/.."
agent=$1

# What differs from run to run: process numbers, times, and the order in which probes end.
settled() {
  sed -E -e 's/"milliseconds":[0-9]+/"milliseconds":0/' -e 's/"ok":\{"pid":[0-9]+\}/"ok":{"pid":4711}/' \
    -e 's/"pid":[0-9]+,"limit"/"pid":4711,"limit"/' | sort -t: -k2n
}

fail() {
  printf 'run.sh: %s\n' "$*" >&2
  exit 1
}

answers=$(timeout 60 "$agent" --stdio --root frames/root <frames/requests | settled)
if [[ ${2:-} == --write ]]; then printf '%s\n' "$answers" >frames/answers; fi
diff -u frames/answers <(printf '%s\n' "$answers") || fail "answers differ from the golden ones"

# The size that is promised, and no library beside it.
(($(stat -c %s "$agent") < 2 << 20)) || fail "the agent is larger than 2 MiB"
if readelf -d "$agent" | grep -q NEEDED; then fail "the agent needs libraries"; fi

# The end of the input is the end of the agent, also in the midst of a line, and behind a line that never ends.
printf '{"id":1,"do":"pi' | timeout 20 "$agent" --stdio | cmp - /dev/null || fail "half a line was answered"
head -c 3000000 /dev/zero | tr '\0' '{' | timeout 20 "$agent" --stdio | grep -q too-long || fail "a long line was taken"
head -c 2000000 /dev/urandom | timeout 60 "$agent" --stdio >/dev/null || fail "random bytes ended it"

# A host that may not run programs.
printf '{"id":1,"do":"probe","kind":"command","words":["/bin/true"],"limit":1000}\n' |
  timeout 20 "$agent" --stdio --no-commands | grep -q forbidden || fail "a program was run"

# A program that the host brings along is run once, without a file: here the agent itself.
# bring PROGRAM WORDS...: the requests that run it twice
bring() {
  local size offset id=1
  size=$(stat -c %s "$1")
  for ((offset = 0; offset < size; offset += 16383, id++)); do
    printf '{"id":%d,"do":"program","offset":%d,"total":%d,"bytes":"%s"}\n' "$id" "$offset" "$size" \
      "$(tail -c +$((offset + 1)) "$1" | head -c 16383 | base64 -w 0)"
    sleep 0.01 # at most 16 at once
  done
  printf '{"id":9000,"do":"probe","kind":"program","words":["it","--version"],"limit":20000}\n'
  sleep 2
  printf '{"id":9001,"do":"probe","kind":"program","words":["it","--version"],"limit":20000}\n'
}
bring "$agent" | timeout 60 "$agent" --stdio >target/brought
grep -q '"id":9000,.*"exited","code":0,.*"lucos-agent [0-9.]*\\n"' target/brought || fail "a program of the host's did not run"
grep -q '"id":9001,.*"refused","code":2,' target/brought || fail "a program of the host's stayed"
if grep -vE '"id":9001|"passed":true' target/brought; then fail "a part was not taken"; fi
printf '{"id":1,"do":"program","offset":0,"total":2,"bytes":"bG8="}\n' |
  timeout 20 "$agent" --stdio --no-commands | grep -q forbidden || fail "a program was taken"

# What a host was about to have run goes when the next one says hello.
{
  printf '{"id":1,"do":"program","offset":0,"total":2,"bytes":"bG8="}\n'
  sleep 0.5
  printf '{"id":2,"do":"hello","protocols":[1]}\n'
  sleep 0.5
  printf '{"id":3,"do":"probe","kind":"program","words":["it"],"limit":20000}\n'
} | timeout 20 "$agent" --stdio >target/next
grep -q '"id":3,.*"refused","code":2,' target/next || fail "a program of the host before stayed: $(<target/next)"

# Nothing stays of a program that leaves others behind.
printf '{"id":1,"do":"probe","kind":"command","words":["/bin/sh","-c","sleep 987654 & echo $!"],"limit":20000}\n' >target/leaves
left=$(timeout 60 "$agent" --stdio <target/leaves | sed -E 's/.*"output":"([0-9]+).*/\1/')
for _ in {1..100}; do [[ -e /proc/$left ]] || break; sleep 0.1; done
[[ ! -e /proc/$left ]] || fail "process $left was left behind"

# In a guest of Xen's the wire is the console whose name XenStore has; it has said all that was asked, in raw bytes.
root=target/xen-root
rm -rf "$root"
mkdir -p "$root"/sys/bus/xen/devices/{console-0,console-1,console-2,console-two,vbd-51712} "$root/dev/xen"
socat "PTY,link=$root/dev/xen/xenbus,raw,echo=0" EXEC:test/store.sh &
store=$!
socat "PTY,link=$root/dev/hvc2" "UNIX-LISTEN:$root/host" &
wire=$!
for _ in {1..100}; do [[ -S $root/host && -e $root/dev/xen/xenbus ]] && break; sleep 0.1; done
"$agent" --root "$root" &
xen_agent=$!
hellos() { local n; for n in {1..20}; do printf '\n{"id":%d,"do":"hello","protocols":[1]}\n' "$n"; sleep 1; done; }
answered=$(hellos | timeout 20 socat - "UNIX-CONNECT:$root/host" 2>/dev/null | grep -m 1 -F '"ok":' || true)
kill "$xen_agent" "$store" "$wire" 2>/dev/null || true
wait "$xen_agent" "$store" "$wire" 2>/dev/null || true
[[ $answered == '{"id":'*',"ok":{"protocol":1,'* ]] || fail "no answer over a channel of Xen's, but: $answered"

# Memory does not grow with what was asked: the confined half's, after 2,000 and after 100,000 more messages.
mkfifo target/in.$$ target/out.$$
trap 'rm -f target/in.$$ target/out.$$' EXIT
"$agent" --stdio --root frames/root <target/in.$$ >target/out.$$ &
parent=$!
exec 3>target/in.$$ 4<target/out.$$
rm -f target/in.$$ target/out.$$
memory() { awk '/^VmRSS/ { print $2 }' "/proc/$(pgrep -P "$parent")/status"; }
count() { local n; for ((n = 0; n < $1; n++)); do read -r <&4 || return 1; done; }
# send COUNT: that many requests of five kinds, and as many answers
send() {
  awk -v n="$1" 'BEGIN { for (i = 1; i <= n; i++) {
    if (i % 500 == 0) print "{\"id\":" i ",\"do\":\"facts\"}"
    else if (i % 501 == 0) print "{\"id\":" i ",\"do\":\"quiescence\",\"functions\":[\"do_sys_poll\"]}"
    else if (i % 3 == 0) print "{\"id\":" i ",\"do\":\"kernel-log\"}"
    else if (i % 7 == 0) print "no json " i
    else print "{\"id\":" i ",\"do\":\"ping\"}" } }' >&3 &
  count "$1" || fail "the agent stopped answering"
  wait $!
}
send 2000
before=$(memory)
send 100000
after=$(memory)
exec 3>&- 4<&-
wait "$parent" || fail "the agent did not end well"
printf 'memory of the agent: %s KiB after 2,000 messages, %s KiB after 100,000 more\n' "$before" "$after"
((after <= before + 64)) || fail "memory grows"
printf 'agent: golden frames, hostile input, processes left, memory: passed (%s bytes)\n' "$(stat -c %s "$agent")"
