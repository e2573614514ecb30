// SPDX-License-Identifier: GPL-2.0-only
/* Attaches a packet filter to a TCP socket, as a user without privileges. */
#include "../observe.h"
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

int main(void)
{
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, 0xffff);
	struct sock_fprog program = {.len = 1, .filter = &all};
	int tcp = socket(AF_INET, SOCK_STREAM, 0);

	if (tcp < 0 || become_nobody())
		return cannot_tell("socket of an unprivileged user");
	return refused_with(setsockopt(tcp, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), EPERM,
			    "a filter on a TCP socket set by an unprivileged user");
}
