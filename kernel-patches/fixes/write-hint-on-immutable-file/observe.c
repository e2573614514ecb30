// SPDX-License-Identifier: GPL-2.0-only
/* Sets a write lifetime hint on a file that may not be changed. */
#include "../observe.h"
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

int main(void)
{
	char directory[] = "/tmp/observeXXXXXX", path[64];
	int flags = FS_IMMUTABLE_FL, result, fd;
	uint64_t hint = RWH_WRITE_LIFE_SHORT;

	if (!mkdtemp(directory) || mount("none", directory, "tmpfs", 0, NULL))
		return cannot_tell("a tmpfs");
	snprintf(path, sizeof path, "%s/file", directory);
	fd = open(path, O_CREAT | O_RDONLY, 0600);
	if (fd < 0 || ioctl(fd, FS_IOC_SETFLAGS, &flags))
		result = cannot_tell("an immutable file");
	else
		result = refused_with(fcntl(fd, F_SET_RW_HINT, &hint), EPERM, "a write hint on an immutable file");
	close(fd);
	umount2(directory, MNT_DETACH);
	rmdir(directory);
	return result;
}
