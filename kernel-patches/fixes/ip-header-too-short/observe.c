// SPDX-License-Identifier: GPL-2.0-only
/* Sends an IP packet whose header claims to be 16 bytes long through a raw socket. */
#include "../observe.h"
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <sys/socket.h>

int main(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct iphdr packet = {.version = 4, .ihl = 4, .ttl = 1, .daddr = htonl(INADDR_LOOPBACK)};
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	if (raw < 0)
		return cannot_tell("raw socket");
	return refused_with(sendto(raw, &packet, sizeof packet, 0, (struct sockaddr *)&to, sizeof to),
			    EINVAL, "sending a packet with a header of 16 bytes");
}
