// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lock is held by one process and another sleeps on it. A third had been woken for it and dies
 * before it could take it or mark it contended: the kernel must pass its wake-up on.
 */
#include "../observe.h"
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

struct shared {
	struct robust_list_head head;
	struct robust_list pending;
	uint32_t word;
	int sleeping;
};

int main(void)
{
	struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec limit = {.tv_sec = 4};
	pid_t waiter, dying;
	int status;

	if (s == MAP_FAILED)
		return cannot_tell("mmap");
	s->word = getpid(); /* held by this process, FUTEX_WAITERS not set */
	waiter = fork();
	if (waiter == 0) {
		s->sleeping = 1;
		_exit(syscall(SYS_futex, &s->word, FUTEX_WAIT, s->word, &limit, NULL, 0) ? 1 : 0);
	}
	while (!*(volatile int *)&s->sleeping)
		usleep(1000);
	usleep(300000);
	dying = fork();
	if (dying == 0) {
		s->head.list.next = &s->head.list;
		s->head.futex_offset = (char *)&s->word - (char *)&s->pending;
		s->head.list_op_pending = &s->pending;
		_exit(syscall(SYS_set_robust_list, &s->head, sizeof s->head) ? 1 : 0);
	}
	if (waiter < 0 || dying < 0 || waitpid(dying, &status, 0) < 0 || status)
		return cannot_tell("a process with a pending robust futex");
	if (waitpid(waiter, &status, 0) < 0 || !WIFEXITED(status))
		return cannot_tell("waiting");
	return WEXITSTATUS(status) ? flawed("the sleeper was not woken") : fixed("the sleeper was woken");
}
