// SPDX-License-Identifier: GPL-2.0-only
/* Makes an unnamed file on a filesystem whose user namespace has no id for the maker. */
#include "../observe.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int put(pid_t pid, const char *file, const char *text)
{
	char path[64];
	int fd, ok;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY);
	ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return !ok;
}

int main(void)
{
	char directory[] = "/tmp/observeXXXXXX", path[64], byte = 0;
	int up[2], down[2], result;
	pid_t child;

	if (!mkdtemp(directory) || chmod(directory, 0755) || pipe(up) || pipe(down))
		return cannot_tell("preparing");
	child = fork();
	if (child == 0) {
		byte = unshare(CLONE_NEWUSER | CLONE_NEWNS) ? 'n' : 'y';
		if (write(up[1], &byte, 1) != 1 || read(down[0], &byte, 1) != 1)
			_exit(1);
		/* user 1000 of the outside is root in here, and nobody else is anybody */
		byte = setresgid(0, 0, 0) || setresuid(0, 0, 0) ||
				       mount("none", directory, "tmpfs", 0, NULL) ? 'n' : 'y';
		if (write(up[1], &byte, 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	if (child < 0 || read(up[0], &byte, 1) != 1 || byte != 'y')
		return cannot_tell("a user namespace");
	result = put(child, "uid_map", "0 1000 1") || put(child, "gid_map", "0 1000 1");
	if (result || write(down[1], &byte, 1) != 1 || read(up[0], &byte, 1) != 1 || byte != 'y') {
		kill(child, SIGKILL);
		return cannot_tell("a tmpfs in a user namespace");
	}
	snprintf(path, sizeof path, "/proc/%d/root%s", child, directory);
	result = open(path, O_TMPFILE | O_RDWR, 0600);
	result = refused_with(result, EOVERFLOW, "an unnamed file of a user the filesystem does not know");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	rmdir(directory);
	return result;
}
