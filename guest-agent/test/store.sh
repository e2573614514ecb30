#!/bin/bash
# Answers on standard output what standard input asks of XenStore, for the test of how a channel is found. All numbers
# are of 32 bits, the lowest byte first; texts here are shorter than 256 bytes.
# message TYPE TEXT
message() { printf "\\x$(printf %02x "$1")\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\x$(printf %02x ${#2})\\0\\0\\0%s" "$2"; }
while read -r type _ _ length < <(head -c 16 | od -An -v -tu4) && [[ -n $length ]]; do
  path=$(head -c "$length" | tr -d '\0')
  case $type:$path in
    2:device/console/1/name) message 2 org.example.other.0 ;;
    2:device/console/2/name) message 2 org.lucos.agent.0 ;;
    *) message 16 ENOENT ;;
  esac
done
