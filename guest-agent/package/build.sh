#!/bin/bash
# Makes target/lucos-agent_VERSION_amd64.deb from target/lucos-agent. The same inputs give the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
export SOURCE_DATE_EPOCH=1767225600
version=$(sed -n 's/^#define AGENT_VERSION "\(.*\)"$/\1/p' src/agent.h)
package=target/lucos-agent_${version}_amd64.deb
root=target/package
rm -rf "$root"
install -D -m 755 target/lucos-agent "$root/usr/sbin/lucos-agent"
install -D -m 644 package/lucos-agent.service "$root/lib/systemd/system/lucos-agent.service"
install -D -m 755 package/lucos-agent.initramfs-hook "$root/usr/share/initramfs-tools/hooks/lucos-agent"
install -D -m 644 package/copyright "$root/usr/share/doc/lucos-agent/copyright"
install -d "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: lucos-agent
Version: $version
Architecture: amd64
Maintainer: lucos <lucos@localhost>
Section: admin
Priority: optional
Installed-Size: $(du -sk --apparent-size "$root/usr" "$root/lib" | awk '{ sum += $1 } END { print sum }')
Description: guest agent of lucos
 Tells the controller on the host of this virtual machine what only the inside
 can see: health, the kernel's log, what keeps a function busy. Live patching
 works without it.
CONTROL
for script in postinst prerm; do install -m 755 "package/$script" "$root/DEBIAN/$script"; done
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz --build "$root" "$package.new" >/dev/null
mv -f "$package.new" "$package" # somebody may be reading the one before
rm -rf "$root"
printf 'package=%s\n' "$PWD/$package"
