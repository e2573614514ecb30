/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For authors of lucos patches: callbacks and shadow variables. Names and semantics are those of
 * Linux livepatch; kernel-patches/PATCHING.md explains them with examples.
 *
 * A changed C file says #include "lucos.h" and, at file level, one or more of
 *
 *	LUCOS_PRE_PATCH(fn)	int fn(struct klp_object *)	before functions are switched; not 0: nothing is
 *	LUCOS_POST_PATCH(fn)	void fn(struct klp_object *)	after they are switched
 *	LUCOS_PRE_UNPATCH(fn)	void fn(struct klp_object *)	before they are switched back
 *	LUCOS_POST_UNPATCH(fn)	void fn(struct klp_object *)	after that; also if pre_patch succeeded and the
 *						patch was given up
 *
 * at most one of each for vmlinux and for each module. They run in process context, on a task that
 * is about to return to user mode: they may sleep, but that task waits for them.
 */
#ifndef LUCOS_H
#define LUCOS_H

#include <linux/compiler.h>
#include <linux/livepatch.h>
#include <linux/types.h>

struct module;

#if !IS_ENABLED(CONFIG_LIVEPATCH)
/* A guest without livepatch has no shadow variables: a patch that uses them does not link. */
struct klp_object {
	const char *name;
	struct module *mod;
};

typedef int (*klp_shadow_ctor_t)(void *obj, void *shadow_data, void *ctor_data);
typedef void (*klp_shadow_dtor_t)(void *obj, void *shadow_data);

void *klp_shadow_get(void *obj, unsigned long id);
void *klp_shadow_alloc(void *obj, unsigned long id, size_t size, gfp_t gfp_flags,
		       klp_shadow_ctor_t ctor, void *ctor_data);
void *klp_shadow_get_or_alloc(void *obj, unsigned long id, size_t size, gfp_t gfp_flags,
			      klp_shadow_ctor_t ctor, void *ctor_data);
void klp_shadow_free(void *obj, unsigned long id, klp_shadow_dtor_t dtor);
void klp_shadow_free_all(unsigned long id, klp_shadow_dtor_t dtor);
#endif

#define LUCOS_PRE_PATCH(fn)	LUCOS_CALLBACK_(pre_patch, 1, LUCOS_OBJECT_, fn, LUCOS_ANSWER_)
#define LUCOS_POST_PATCH(fn)	LUCOS_CALLBACK_(post_patch, 2, LUCOS_OBJECT_, fn, LUCOS_SILENT_)
#define LUCOS_PRE_UNPATCH(fn)	LUCOS_CALLBACK_(pre_unpatch, 3, LUCOS_OBJECT_, fn, LUCOS_SILENT_)
#define LUCOS_POST_UNPATCH(fn)	LUCOS_CALLBACK_(post_unpatch, 4, LUCOS_OBJECT_, fn, LUCOS_SILENT_)

/* ---- what the macros are made of; no concern of patch authors ---- */

/*
 * How far a callback has got, kept in the patch module for whoever comes to look: the controller may
 * have died meanwhile. The tool reads this layout (CallbackSlot in patcher/transaction).
 */
struct lucos_callback {
	u32 state;		/* 0: has not run, 1: has begun, 2: has returned */
	s32 result;		/* what pre_patch returned */
	u32 enabled;		/* of post_unpatch: it is due though there is no pre_patch */
	u32 kind;
	int (*run)(struct module *mod);
	void *function;
};

#ifdef MODULE
#define LUCOS_OBJECT_ KBUILD_MODNAME
#else
#define LUCOS_OBJECT_ NULL
#endif

#define LUCOS_ANSWER_(call) (call)
#define LUCOS_SILENT_(call) ({ call; 0; })

#define LUCOS_CALLBACK_(kind_, number, object, fn, how)						\
	static int lucos_run_##kind_(struct module *mod);					\
	static struct klp_object lucos_object_##kind_						\
		__section(".data.lucos.objects") = { .name = (object) };			\
	static struct lucos_callback lucos_callback_##kind_					\
		__used __section(".data.lucos.callbacks") = {					\
		.kind = (number), .run = lucos_run_##kind_, .function = (fn)			\
	};											\
	static noinline int lucos_run_##kind_(struct module *mod)				\
	{											\
		struct lucos_callback *slot = &lucos_callback_##kind_;				\
												\
		lucos_object_##kind_.mod = mod;							\
		WRITE_ONCE(slot->state, 1);							\
		WRITE_ONCE(slot->result, how(fn(&lucos_object_##kind_)));			\
		barrier();									\
		WRITE_ONCE(slot->state, 2);							\
		return slot->result;								\
	}

#endif
