// SPDX-License-Identifier: GPL-2.0-only
/* Asks a process that has exited for one of its descriptors. */
#include "../observe.h"
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

int main(void)
{
	siginfo_t info;
	pid_t child = fork();
	int pidfd;

	if (child < 0)
		return cannot_tell("fork");
	if (child == 0)
		_exit(0);
	pidfd = syscall(SYS_pidfd_open, child, 0);
	if (pidfd < 0 || waitid(P_PID, child, &info, WEXITED | WNOWAIT))
		return cannot_tell("a pidfd of a zombie");
	if (syscall(SYS_pidfd_getfd, pidfd, 0, 0) >= 0)
		return cannot_tell("a dead process gave a descriptor");
	if (errno == EBADF)
		return flawed("a dead process is searched for descriptors (EBADF)");
	return errno == ESRCH ? fixed("a dead process has no descriptors (ESRCH)") : cannot_tell("pidfd_getfd");
}
