// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends one signal to a process group of which one member lives in a user namespace of its own.
 * Root is nobody there; the other members must still see that root sent it.
 */
#include "../observe.h"
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define MEMBERS 3
#define FOREIGN 1 /* the one in the middle: someone comes after it in whatever order */

struct shared {
	volatile int ready[MEMBERS];
	volatile int sender[MEMBERS];
};

static void member(struct shared *s, int index)
{
	struct timespec limit = {.tv_sec = 5};
	siginfo_t info = {0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->ready[index] = index == FOREIGN && unshare(CLONE_NEWUSER) ? -1 : 1;
	s->sender[index] = sigtimedwait(&set, &info, &limit) == SIGUSR1 ? (int)info.si_uid : -1;
	_exit(0);
}

int main(void)
{
	struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t group = 0, child;
	int i;

	if (s == MAP_FAILED)
		return cannot_tell("mmap");
	for (i = 0; i < MEMBERS; i++) {
		child = fork();
		if (child < 0)
			return cannot_tell("fork");
		if (child == 0) {
			setpgid(0, group);
			member(s, i);
		}
		if (i == 0)
			group = child;
		setpgid(child, group);
		while (!s->ready[i])
			usleep(1000);
		if (s->ready[i] < 0)
			return cannot_tell("a user namespace");
	}
	if (kill(-group, SIGUSR1))
		return cannot_tell("kill");
	while (wait(NULL) > 0)
		;
	for (i = 0; i < MEMBERS; i++)
		printf("member %d%s was told that user %d sent it\n", i, i == FOREIGN ? " (foreign)" : "", s->sender[i]);
	for (i = 0; i < MEMBERS; i++)
		if (s->sender[i] < 0)
			return cannot_tell("a member got no signal");
	for (i = 0; i < MEMBERS; i++)
		if (i != FOREIGN && s->sender[i] != 0)
			return flawed("members of the group are told a wrong sender");
	return fixed("every member is told the right sender");
}
