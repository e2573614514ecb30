/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every observer says at its end: one line, and 0 for fixed, 10 for flawed. Anything else
 * means that it could not tell.
 */
#ifndef OBSERVE_H
#define OBSERVE_H

#define _GNU_SOURCE /* hence this is the first include of an observer */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fixed(const char *what)
{
	printf("FIXED: %s\n", what);
	return 0;
}

static int flawed(const char *what)
{
	printf("FLAWED: %s\n", what);
	return 10;
}

static int cannot_tell(const char *what)
{
	printf("CANNOT TELL: %s: %s\n", what, strerror(errno));
	return 20;
}

/* The verdict where the fix turns success into one error. */
__attribute__((unused)) static int refused_with(long result, int error, const char *what)
{
	if (result >= 0)
		return flawed(what);
	return errno == error ? fixed(what) : cannot_tell(what);
}

/* Gives up all privilege for good. */
__attribute__((unused)) static int become_nobody(void)
{
	return setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534);
}

#endif
