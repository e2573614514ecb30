// SPDX-License-Identifier: GPL-2.0-only
/*
 * A livepatch written by hand: what /proc/uptime says is replaced as a whole, and callbacks tell
 * the kernel log. The kernel's own livepatch takes this file as well.
 */
#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/timekeeping.h>

static int example_reads;

static int example_uptime_proc_show(struct seq_file *m, void *v)
{
	example_reads++;
	seq_printf(m, "lucos example: up for %lld seconds, read %d times\n",
		   (long long)ktime_get_boottime_seconds(), example_reads);
	return 0;
}

static int example_starts(struct klp_object *obj)
{
	pr_info("lucos example: %s is to be patched\n", obj->mod ? obj->name : "vmlinux");
	return 0;
}

static void example_ended(struct klp_object *obj)
{
	pr_info("lucos example: %s is as before\n", obj->mod ? obj->name : "vmlinux");
}

static struct klp_func example_functions[] = {
	{ .old_name = "uptime_proc_show", .new_func = example_uptime_proc_show },
	{ }
};

static struct klp_object example_objects[] = {
	{
		.funcs = example_functions,
		.callbacks = { .pre_patch = example_starts, .post_unpatch = example_ended },
	},
	{ }
};

static struct klp_patch example_patch = {
	.mod = THIS_MODULE,
	.objs = example_objects,
};

static int example_init(void)
{
	return klp_enable_patch(&example_patch);
}

static void example_exit(void)
{
}

module_init(example_init);
module_exit(example_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
