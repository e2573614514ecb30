# shellcheck shell=dash disable=SC2086
# Runs in the guest, started by the driver: one request a line, one answer a line.
stty raw -echo isig
w=$(mktemp -d)
trap : INT
answer() {
  printf '\n@lucos:%s:%s:' "$1" "$(cat $w/status)"
  gzip -c <$w/out | base64 -w0
  printf :
  gzip -c <$w/err | base64 -w0
  printf ':end\n'
}
printf '\n@lucos:ready\n'
while :; do
  IFS=' ' read -r verb id text || { sleep 0.1; continue; }
  case $verb in
    run)
      echo "$text" | base64 -d >$w/command
      sh $w/command </dev/null >$w/out 2>$w/err
      echo $? >$w/status
      answer $id ;;
    again) answer $id ;;
    '') printf '\n@lucos:ready\n' ;;
  esac
done
