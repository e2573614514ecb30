// SPDX-License-Identifier: GPL-2.0-only
/*
 * getpid() answered by a function that does the same: what it costs to be replaced, and nothing
 * else. lucos and the kernel's own livepatch both take this file.
 */
#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched.h>

static long same_getpid(const struct pt_regs *unused)
{
	return task_tgid_vnr(current);
}

static struct klp_func same_functions[] = {
	{ .old_name = "__x64_sys_getpid", .new_func = same_getpid },
	{ }
};

static struct klp_object same_objects[] = {
	{ .funcs = same_functions },
	{ }
};

static struct klp_patch same_patch = {
	.mod = THIS_MODULE,
	.objs = same_objects,
};

static int same_init(void)
{
	return klp_enable_patch(&same_patch);
}

static void same_exit(void)
{
}

module_init(same_init);
module_exit(same_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
