#!/bin/bash
# QEMU for libvirt (see boot.sh --in-turn): where libvirt asks for emulation, all vCPUs share one thread.
words=("$@")
for ((i = 1; i < $#; i++)); do
  if [[ ${words[i - 1]} == -accel && ${words[i]} == tcg ]]; then words[i]=tcg,thread=single; fi
done
exec qemu-system-x86_64 "${words[@]}"
