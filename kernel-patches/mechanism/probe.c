// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes one system call and prints what came of it, for the "try" lines of edit scripts.
 * Arguments are numbers, "null", "buffer" (zeros, 4 KiB) or "unmapped".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static const struct {
	const char *name;
	long number;
} calls[] = {
	{"getrlimit", SYS_getrlimit}, {"times", SYS_times},
	{"sethostname", SYS_sethostname}, {"setdomainname", SYS_setdomainname},
	{"settimeofday", SYS_settimeofday}, {"setsid", SYS_setsid},
	{"getcpu", SYS_getcpu}, {"setitimer", SYS_setitimer},
	{"msgrcv", SYS_msgrcv},
};

static unsigned buffer[1024];

static long argument(const char *word)
{
	if (!strcmp(word, "null"))
		return 0;
	if (!strcmp(word, "buffer"))
		return (long)buffer;
	if (!strcmp(word, "unmapped"))
		return 0x10000;
	return strtol(word, NULL, 0);
}

static int report(long result)
{
	printf("result=%ld error=%d buffer=%u\n", result, result < 0 ? errno : 0, buffer[0]);
	return 0;
}

int main(int argc, char **argv)
{
	long a[6] = {0};
	struct sysinfo info;
	int i, queue, ends[2];

	if (argc < 2)
		return 2;
	for (i = 2; i < argc && i < 8; i++)
		a[i - 2] = argument(argv[i]);
	if (!strcmp(argv[1], "sysinfo")) {
		if (sysinfo(&info))
			return 1;
		printf("procs=%d\n", info.procs);
		return 0;
	}
	if (!strcmp(argv[1], "pipe-read")) {
		/* a byte waits in the pipe: nothing sleeps here */
		if (pipe(ends) || write(ends[1], "x", 1) != 1 || a[0] > (long)sizeof buffer * 2)
			return 1;
		return report(syscall(SYS_read, ends[0], malloc(a[0]), a[0]));
	}
	if (!strcmp(argv[1], "wait-for-message")) {
		queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
		if (queue < 0)
			return 1;
		printf("queue=%d\n", queue);
		fflush(stdout);
		return report(syscall(SYS_msgrcv, queue, buffer, 8L, 0L, 0L));
	}
	for (i = 0; i < (int)(sizeof calls / sizeof *calls); i++)
		if (!strcmp(argv[1], calls[i].name))
			return report(syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]));
	fprintf(stderr, "probe: unknown call %s\n", argv[1]);
	return 2;
}
