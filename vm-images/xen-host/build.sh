#!/bin/bash
# Makes a Xen host: the hypervisor and a Debian dom0 with xl, libvirt's libxl driver and a JRE. hosts.sh boots it. Prints
# release=, version=, hypervisor=, kernel=, initrd=, disk=.
set -euo pipefail
# shellcheck source=../host-image.sh
. "$(dirname "$0")/../host-image.sh"

xen=4.17
# shellcheck disable=SC2034 # host_image reads them
{
  packages=(
    "xen-utils-$xen" xen-utils-common xenstore-utils libxenforeignmemory1 libxencall1
    qemu-system-xen # serves channels into guests
    libvirt-daemon libvirt-daemon-driver-xen libvirt-clients
    openjdk-17-jre-headless busybox-static kmod iproute2 procps psmisc socat
  )
  # The plain kernel: the cloud one has not all that a dom0 needs. Block backends are for guests with disks.
  flavour=amd64
  modules=(crc32c_generic ext4 virtio_blk virtio_pci xen-privcmd xen-evtchn xenfs xen-gntdev xen-gntalloc loop xen-blkback)
}

configure() { # configure ROOT
  # This driver gives up without a user of its own, and the daemon with it.
  rm -f "$1"/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so
  # The emulated processor has no VME, which even the oldest model of libvirt's asks for: no model would fit.
  sed -i '/vme/d' "$1/usr/share/libvirt/cpu_map/x86_486.xml"
  mkdir -p "$1/var/log/xen/console" "$1/var/log/libvirt"
  printf 'XENCONSOLED_ARGS=--log=guest\n' >>"$1/etc/default/xen"
}

add_parts() { # add_parts FOLDER: QEMU's multiboot loader wants the plain ELF
  local package=xen-hypervisor-$xen-amd64 deb version
  version=$(apt-cache policy "$package" | awk '/Candidate:/ { print $2 }')
  deb=$(download_package "$package" "$version")
  dpkg-deb --fsys-tarfile "$deb" | tar -xO "./boot/xen-$xen-amd64.gz" | gzip -dc >"$1/xen.elf"
}

host_image xen-host
printf 'hypervisor=%s\n' "${image:?}/xen.elf"
