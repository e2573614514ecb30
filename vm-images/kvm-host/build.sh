#!/bin/bash
# Makes a KVM host: Debian's cloud kernel with libvirt, QEMU and a JRE. hosts.sh boots it. Prints release=, version=,
# kernel=, initrd=, disk=.
set -euo pipefail
# shellcheck source=../host-image.sh
. "$(dirname "$0")/../host-image.sh"

# shellcheck disable=SC2034 # host_image reads them
{
  packages=(
    qemu-system-x86 libvirt-daemon libvirt-daemon-driver-qemu libvirt-daemon-system libvirt-clients
    openjdk-17-jre-headless busybox-static kmod iproute2 procps psmisc socat
    gcc libc6-dev make libcapstone4 binutils apparmor
  )
  flavour=cloud-amd64
  modules=(crc32c_generic ext4 virtio_blk virtio_pci kvm_amd)
}

configure() { # configure ROOT
  # QEMU's user reaches the disk that a job comes on, and its cache.
  printf '%s\n' 'security_driver="apparmor"' 'remember_owner=0' 'namespaces=[]' 'cgroup_controllers=[]' >>"$1/etc/libvirt/qemu.conf"
}

host_image kvm-host
