// SPDX-License-Identifier: GPL-2.0-only
/*
 * pause() by a function that does the same: a call in which tasks sleep for as long as they live.
 * lucos and the kernel's own livepatch both take this file.
 */
#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched/signal.h>

static long same_pause(const struct pt_regs *unused)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (signal_pending(current))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return -ERESTARTNOHAND;
}

static struct klp_func same_functions[] = {
	{ .old_name = "__x64_sys_pause", .new_func = same_pause },
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
