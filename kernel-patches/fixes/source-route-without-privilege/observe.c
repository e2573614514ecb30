// SPDX-License-Identifier: GPL-2.0-only
/* Asks for a source route on a socket, as a user without privileges. */
#include "../observe.h"
#include <netinet/in.h>
#include <sys/socket.h>

int main(void)
{
	/* loose source route, 7 bytes, first address at 4: 127.0.0.1; then end of list */
	unsigned char options[8] = {131, 7, 4, 127, 0, 0, 1, 0};
	int udp = socket(AF_INET, SOCK_DGRAM, 0);

	if (udp < 0 || become_nobody())
		return cannot_tell("socket of an unprivileged user");
	return refused_with(setsockopt(udp, IPPROTO_IP, IP_OPTIONS, options, sizeof options), EPERM,
			    "a source route set by an unprivileged user");
}
