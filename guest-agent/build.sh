#!/bin/bash
# Makes the agent and its package, if they are not there or older than their sources. Prints agent= and package=.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=../vm-images/lib.sh
. ../vm-images/lib.sh
need_packages gcc libc6-dev make libjansson-dev
with_lock guest-agent make -s package >&2
printf 'agent=%s\npackage=%s\n' "$PWD/target/lucos-agent" "$(ls "$PWD"/target/lucos-agent_*_amd64.deb)"
