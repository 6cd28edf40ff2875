// SPDX-License-Identifier: GPL-2.0
/*
 * The table of memory backends, and calls that go to every active one. vm->lock guards
 * activation; each fan-out names its lock in mmu.h.
 */
#include <linux/cpu.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <asm/cpufeature.h>

#include "audit.h"
#include "mmu.h"

static const struct um_mmu_ops *const um_backends[UM_NR_BACKENDS] = {
	[UM_BACKEND_EPT] = &ept_mmu_ops,
	[UM_BACKEND_SHADOW] = &shadow_mmu_ops,
};

static u32 um_available __ro_after_init;

static char *um_nx_huge_pages = "auto";
module_param_named(nx_huge_pages, um_nx_huge_pages, charp, 0444);
MODULE_PARM_DESC(nx_huge_pages,
		 "large pages are not executable: auto (where the CPU has the iTLB multihit erratum), on, off");

bool um_nx_huge __ro_after_init;

static void __init um_choose_nx_huge(void)
{
	if (sysfs_streq(um_nx_huge_pages, "auto"))
		um_nx_huge = boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) && !cpu_mitigations_off();
	else
		um_nx_huge = !sysfs_streq(um_nx_huge_pages, "off");
}

static void um_mmu_unload(u32 end)
{
	u32 id;

	for (id = 1; id < end; id++)
		if (um_backends[id]->unload)
			um_backends[id]->unload();
}

int __init um_mmu_init(void)
{
	u32 id;
	int error;

	um_choose_nx_huge();
	for (id = 1; id < UM_NR_BACKENDS; id++) {
		if (!um_backends[id]->available || um_backends[id]->available())
			um_available |= BIT(id);
		error = um_backends[id]->load ? um_backends[id]->load() : 0;
		if (error) {
			um_mmu_unload(id);
			return error;
		}
	}
	return 0;
}

void um_mmu_exit(void)
{
	um_mmu_unload(UM_NR_BACKENDS);
}

u32 um_backend_mask(void)
{
	return um_available;
}

u32 um_backend_by_name(const char *name)
{
	u32 id;

	for (id = 1; id < UM_NR_BACKENDS; id++)
		if (sysfs_streq(name, um_backends[id]->name))
			return id;
	return 0;
}

const struct um_mmu_ops *um_backend_ops(u32 backend)
{
	return backend < UM_NR_BACKENDS ? um_backends[backend] : NULL;
}

int um_mmu_activate(struct um_vm *vm, u32 id)
{
	const struct um_mmu_ops *ops = um_backends[id];
	int error;

	if (vm->mmu[id])
		return 0;
	if (ops->vm_init) {
		error = ops->vm_init(vm);
		if (error)
			return error;
	}
	error = um_slots_add_backend(vm, ops);
	if (error && ops->vm_destroy)
		ops->vm_destroy(vm);
	return error;
}

void um_mmu_destroy(struct um_vm *vm)
{
	u32 id;

	for (id = 1; id < UM_NR_BACKENDS; id++)
		if (vm->mmu[id] && vm->mmu[id]->vm_destroy)
			vm->mmu[id]->vm_destroy(vm);
}

bool um_mmu_unmap(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end)
{
	bool flush = false;
	u32 id;

	for (id = 1; id < UM_NR_BACKENDS; id++)
		if (vm->mmu[id])
			flush |= vm->mmu[id]->unmap(vm, slot, start, end);
	um_audit_vm(vm);
	return flush;
}

bool um_mmu_wrprotect(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end)
{
	bool flush = false;
	u32 id;

	for (id = 1; id < UM_NR_BACKENDS; id++)
		if (vm->mmu[id])
			flush |= vm->mmu[id]->wrprotect(vm, slot, start, end);
	um_audit_vm(vm);
	return flush;
}

bool um_mmu_rearm(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end)
{
	const struct um_mmu_ops *ops;
	bool flush = false;
	u32 id;

	for (id = 1; id < UM_NR_BACKENDS; id++) {
		ops = vm->mmu[id];
		if (ops)
			flush |= (ops->rearm ? ops->rearm : ops->wrprotect)(vm, slot, start, end);
	}
	return flush;
}

bool um_mmu_collapse(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end)
{
	bool flush = false;
	u32 id;

	for (id = 1; id < UM_NR_BACKENDS; id++)
		if (vm->mmu[id] && vm->mmu[id]->collapse)
			flush |= vm->mmu[id]->collapse(vm, slot, start, end);
	return flush;
}

bool um_mmu_age(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end, bool clear)
{
	bool young = false;
	u32 id;

	for (id = 1; id < UM_NR_BACKENDS; id++)
		if (vm->mmu[id])
			young |= vm->mmu[id]->age(vm, slot, start, end, clear);
	um_audit_vm(vm);
	return young;
}

void um_mmu_zap_all(struct um_vm *vm)
{
	u32 id;

	for (id = 1; id < UM_NR_BACKENDS; id++)
		if (vm->mmu[id])
			vm->mmu[id]->zap_all(vm);
	um_audit_vm(vm);
}

/*
 * The caller has vm->srcu: a backend that becomes active meanwhile has nothing cached
 * of these bytes.
 */
void um_mmu_gpa_written(struct um_vm *vm, gpa_t gpa, size_t len)
{
	const struct um_mmu_ops *ops;
	u32 id;

	for (id = 1; id < UM_NR_BACKENDS; id++) {
		ops = READ_ONCE(vm->mmu[id]);
		if (ops && ops->gpa_written)
			ops->gpa_written(vm, gpa, len);
	}
	um_audit_vm(vm);
}
