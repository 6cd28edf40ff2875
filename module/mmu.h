/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Seam: a memory backend. ept/ and mmu_shadow/ each offer one const table; the core and vmx/ know
 * nothing else of them.
 *
 * Everything a backend holds can be rebuilt from the memslots and the guest's own tables, so it can
 * be thrown away at any time. Tables are freed only after the flush that makes them unreachable.
 */
#ifndef UM_MMU_H
#define UM_MMU_H

#include "umbra.h"
#include "walk.h"

struct um_audit;

/* What a fault came to. */
enum um_fault_result {
	UM_FAULT_RETRY,		/* mapped, or a race was lost: run the guest again */
	UM_FAULT_EMULATE,	/* no slot, one or memory that is read-only, a tracked table */
	UM_FAULT_GUEST,		/* the guest's own: queue #PF with fault->gva and fault->pfec */
	UM_FAULT_ERROR,		/* KVM_RUN ends with fault->err */
};

/**
 * struct um_fault - one page fault or EPT violation
 * @gva: linear address; valid if @gva_valid, always for a page fault
 * @gpa: guest-physical address; valid if @gpa_valid. An EPT violation brings it, for a page fault
 *	the backend fills it in when it answers EMULATE
 * @pfec: PFEC_P, PFEC_W, PFEC_U and PFEC_I of the access as hardware gave them; the guest's own
 *	error code when the answer is GUEST
 * @gva_valid: see @gva
 * @gpa_valid: see @gpa
 * @smap_override: a supervisor's access with EFLAGS.AC = 1, which SMAP lets through
 * @err: negative errno when the answer is ERROR: -EFAULT, -ENOMEM, -EINTR or -ENOENT; -EHWPOISON:
 *	the process is to get SIGBUS for the page at @gpa
 */
struct um_fault {
	gva_t gva;
	gpa_t gpa;
	u32 pfec;
	bool gva_valid, gpa_valid, smap_override;
	int err;
};

/* Reasons for paging_changed(). */
#define UM_PG_CR0	BIT(0)	/* PG or WP */
#define UM_PG_CR3	BIT(1)
#define UM_PG_CR4	BIT(2)	/* PSE PAE PGE PCIDE SMEP SMAP PKE LA57 */
#define UM_PG_EFER	BIT(3)	/* NXE or LMA */
#define UM_PG_CPUID	BIT(4)	/* MAXPHYADDR, 1 GiB pages or features */
#define UM_PG_NOFLUSH	BIT(5)	/* CR3 bit 63: the PCID's translations may stay */
#define UM_PG_ALL	(UM_PG_CR0 | UM_PG_CR3 | UM_PG_CR4 | UM_PG_EFER | UM_PG_CPUID)

/**
 * struct um_mmu_ops - a memory backend
 * @name: as the parameter mmu= spells it
 * @id: UM_BACKEND_*
 *
 * @available: can this CPU run it (hw_caps)? Called once, at load. NULL: always
 * @load: the module is being loaded; 0 or errno. NULL: nothing to do
 * @unload: no VM is left, nor will be
 * @vm_init: allocate VM-wide data into vm->mmu_priv[id]; vm->lock held, no vCPU uses it yet.
 *	0 or -ENOMEM
 * @vm_destroy: free everything; no vCPU and no notifier callback can run any more
 * @vcpu_init: the same for vcpu->mmu_priv[id]; vm->lock held
 * @vcpu_destroy: the same for vcpu->mmu_priv[id]; the vCPU does not run
 * @slot_init: per-slot data into slot->priv[id]; slots_lock held, the slot is not visible yet, or
 *	the backend not active. 0 or -ENOMEM. NULL: none
 * @slot_destroy: free slot->priv[id]; the slot is unreachable and unmapped
 *
 * @fault: serve @f. Loaded, interrupts on, vm->srcu held; sleeps
 * @fault_fast: the same in the inner loop, interrupts off. True: the access can be tried again.
 *	False: nothing was done, ask @fault. No lock but by trylock, no user memory. NULL: never
 * @load_root: make vcpu->root and vcpu->mmu_ctl those of the guest's paging state now, building a
 *	root if need be; mark UM_ST_MMU dirty. Before an entry, after UM_REQ_RELOAD_ROOT. Loaded,
 *	vm->srcu held; sleeps. 0 or errno
 * @paging_changed: the guest's paging state changed as @what (UM_PG_*) says; the caches in the vCPU
 *	are new. May request UM_REQ_RELOAD_ROOT, which may switch vcpu->mmu. Sleeps not
 * @cr3_fast: MOV to CR3 in the inner loop, interrupts off. True: its root was cached and is loaded,
 *	vcpu->cr3 too. False: nothing is done. No lock but by trylock. NULL: CR3 is not intercepted
 * @invlpg: the guest invalidated the address @gva, or with @all everything that it may have cached.
 *	Loaded. @fast: in the inner loop, no lock but by trylock; false then says: ask outside.
 *	NULL: neither INVLPG nor INVPCID is intercepted
 * @gpa_written: somebody other than the guest's own instruction wrote @len bytes at @gpa; vm->srcu
 *	held, mmu_lock not held. NULL: no guest table is shadowed
 * @doubt: userspace may have written guest tables unseen: at each KVM_RUN, and (@tick) when the
 *	host took an interrupt. Loaded, sleeps not. NULL: nothing is kept that this makes wrong
 *
 * @unmap: drop every translation of the gfns [@start, @end) of @slot, NULL: where none is, and the
 *	backend is EPT. These six: mmu_lock held for write. The first four answer true: the caller
 *	flushes every vCPU before it drops the lock
 * @wrprotect: take the right to write from them
 * @rearm: have the next write to each of them logged: it faults, or the CPU runs with UM_IC_PML and
 *	notes it. NULL: as @wrprotect
 * @collapse: drop the small leaves of @slot, which does not log any more, where the host's mapping
 *	allows a large one: the next fault installs it. NULL: nothing to gain
 * @age: were they accessed? With @clear forget it. The answer is no request to flush
 * @zap_all: drop everything, and flush it (a slot deleted or moved, the mm gone)
 *
 * @audit: check all structures (audit.h). mmu_lock held for write, slots_lock held, in a thread of
 *	the VM's. NULL: nothing to check
 */
struct um_mmu_ops {
	const char *name;
	u32 id;
	bool (*available)(void);
	int (*load)(void);
	void (*unload)(void);
	int (*vm_init)(struct um_vm *vm);
	void (*vm_destroy)(struct um_vm *vm);
	int (*vcpu_init)(struct um_vcpu *vcpu);
	void (*vcpu_destroy)(struct um_vcpu *vcpu);
	int (*slot_init)(struct um_vm *vm, struct um_memslot *slot);
	void (*slot_destroy)(struct um_vm *vm, struct um_memslot *slot);
	enum um_fault_result (*fault)(struct um_vcpu *vcpu, struct um_fault *f);
	bool (*fault_fast)(struct um_vcpu *vcpu, struct um_fault *f);
	int (*load_root)(struct um_vcpu *vcpu);
	void (*paging_changed)(struct um_vcpu *vcpu, u32 what);
	bool (*cr3_fast)(struct um_vcpu *vcpu, u64 cr3);
	bool (*invlpg)(struct um_vcpu *vcpu, gva_t gva, bool all, bool fast);
	void (*gpa_written)(struct um_vm *vm, gpa_t gpa, size_t len);
	void (*doubt)(struct um_vcpu *vcpu, bool tick);
	bool (*unmap)(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end);
	bool (*wrprotect)(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end);
	bool (*rearm)(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end);
	bool (*collapse)(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end);
	bool (*age)(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end, bool clear);
	void (*zap_all)(struct um_vm *vm);
	void (*audit)(struct um_audit *a);
};

extern bool um_nx_huge;		/* a large leaf may not be executable; set at load */

extern const struct um_mmu_ops ept_mmu_ops;
extern const struct um_mmu_ops shadow_mmu_ops;

/*
 * Make backend @id active in @vm (a shadow VM's unpaged vCPUs run on EPT); vm->lock held, sleeps.
 * 0, also if it is already, or -ENOMEM.
 */
int um_mmu_activate(struct um_vm *vm, u32 id);

void um_mmu_destroy(struct um_vm *vm);	/* free all tables; nobody can reach the VM any more */

/*
 * Does hardware note the guest's writes? The CPU does it for EPT alone, so not if a vCPU may run on
 * another backend. Does not change once a vCPU exists.
 */
static inline bool um_mmu_pml(const struct um_vm *vm)
{
	return hw_caps.pml && vm->backend == UM_BACKEND_EPT;
}

/*
 * Call an op of every active backend, under the op's own lock. True: one of them answered so.
 */
bool um_mmu_unmap(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end);
bool um_mmu_wrprotect(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end);
bool um_mmu_rearm(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end);
bool um_mmu_collapse(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end);
bool um_mmu_age(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end, bool clear);
void um_mmu_zap_all(struct um_vm *vm);
void um_mmu_gpa_written(struct um_vm *vm, gpa_t gpa, size_t len);

/* apicv.c: where no memslot is, vm->irq.apic_page belongs at @gfn. mmu_lock held. */
bool um_apicv_page_here(const struct um_vm *vm, gfn_t gfn);

#endif
