#!/bin/bash
# In the KVM host, before the job: AppArmor as Debian has it. libvirt's daemon is confined from its start, and gives the QEMU of
# each guest a profile of its own.
set -eu
mount -t securityfs securityfs /sys/kernel/security
apparmor_parser -r /etc/apparmor.d/usr.sbin.libvirtd /etc/apparmor.d/usr.lib.libvirt.virt-aa-helper
