// SPDX-License-Identifier: GPL-2.0-only
/* Sets the clock of a new time namespace to an offset of minus one nanosecond, said as 2^64 - 1. */
#include "../observe.h"
#include <fcntl.h>
#include <sched.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

int main(void)
{
	static const char offset[] = "monotonic 1000 18446744073709551615\n";
	int file;

	if (unshare(CLONE_NEWTIME))
		return cannot_tell("a new time namespace");
	file = open("/proc/self/timens_offsets", O_WRONLY);
	if (file < 0)
		return cannot_tell("/proc/self/timens_offsets");
	return refused_with(write(file, offset, sizeof offset - 1), EINVAL, "an offset with nanoseconds out of range");
}
