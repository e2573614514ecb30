// SPDX-License-Identifier: GPL-2.0-only
/* Asks a datagram socket where its urgent data is; it has none. */
#include "../observe.h"
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(void)
{
	int mark, unix_socket = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (unix_socket < 0)
		return cannot_tell("socket");
	return refused_with(ioctl(unix_socket, SIOCATMARK, &mark), EOPNOTSUPP, "SIOCATMARK on a datagram socket");
}
