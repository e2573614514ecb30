// SPDX-License-Identifier: GPL-2.0-only
/* Locks the audit configuration until the next boot and then asks to trim its trees. */
#include "../observe.h"
#include <linux/audit.h>
#include <linux/netlink.h>
#include <sys/socket.h>

static int ask(int link, int type, const void *data, size_t size)
{
	struct {
		struct nlmsghdr header;
		char data[sizeof(struct audit_status)];
	} request = {.header = {.nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = type,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK}};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[256];
	} answer;

	memcpy(request.data, data, size);
	if (send(link, &request, request.header.nlmsg_len, 0) < 0)
		return -errno;
	do {
		if (recv(link, &answer, sizeof answer, 0) < 0)
			return -errno;
	} while (answer.header.nlmsg_type != NLMSG_ERROR);
	return answer.error.error;
}

int main(void)
{
	struct audit_status locked = {.mask = AUDIT_STATUS_ENABLED, .enabled = 2};
	int link = socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
	int result;

	if (link < 0)
		return cannot_tell("audit socket");
	result = ask(link, AUDIT_SET, &locked, sizeof locked);
	errno = -result;
	if (result && result != -EPERM) /* EPERM: locked already */
		return cannot_tell("locking the audit configuration");
	result = ask(link, AUDIT_TRIM, "", 0);
	errno = -result;
	return refused_with(result, EPERM, "trimming a locked audit configuration");
}
