/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Seam: a memory backend. ept/ and mmu_shadow/ each offer one const table; the core and vmx/ know nothing else of them.
 *
 * Everything a backend holds can be rebuilt from the memslots and the guest's own tables, so it can be thrown away at
 * any time. Tables are freed only after the flush that makes them unreachable.
 */
#ifndef UM_MMU_H
#define UM_MMU_H

#include "umbra.h"
#include "walk.h"

/* What a fault came to. */
enum um_fault_result {
	UM_FAULT_RETRY,		/* mapped (or raced): run the guest again */
	UM_FAULT_EMULATE,	/* no memory there (MMIO), a read-only slot written, or a tracked table written: emulate the access */
	UM_FAULT_GUEST,		/* the guest's own fault: #PF with fault->pfec and fault->gva is to be queued */
	UM_FAULT_ERROR,		/* fault->err is the errno for KVM_RUN (EFAULT, ENOMEM...) */
};

/**
 * struct um_fault - one page fault or EPT violation
 * @gva: linear address; shadow: always, EPT: if gva_valid
 * @gpa: EPT: the address that faulted; shadow: filled by the walk, for EMULATE
 * @pfec: PFEC_W, PFEC_U, PFEC_I and PFEC_P as the hardware gave them; replaced by the guest's own code for GUEST
 * @smap_override: EFLAGS.AC = 1 or CPL 3
 * @err: for ERROR
 */
struct um_fault {
	gva_t gva;
	gpa_t gpa;
	u32 pfec;
	bool gva_valid, gpa_valid, smap_override;
	int err;
};

/* Reasons for paging_changed(). */
#define UM_PG_CR0	(1u << 0)	/* PG or WP */
#define UM_PG_CR3	(1u << 1)
#define UM_PG_CR4	(1u << 2)	/* PSE PAE PGE PCIDE SMEP SMAP PKE LA57 */
#define UM_PG_EFER	(1u << 3)	/* NXE or LMA */
#define UM_PG_CPUID	(1u << 4)	/* MAXPHYADDR, 1 GiB pages or features */
#define UM_PG_NOFLUSH	(1u << 5)	/* CR3 was loaded with bit 63: the PCID's translations may stay */
#define UM_PG_ALL	(UM_PG_CR0 | UM_PG_CR3 | UM_PG_CR4 | UM_PG_EFER | UM_PG_CPUID)

/**
 * struct um_mmu_ops - a memory backend
 * @name: as the parameter mmu= spells it
 * @id: UM_BACKEND_*
 *
 * @vm_init: allocate VM-wide data into vm->mmu_priv[id]; vm->lock held, no vCPU is using it yet. 0 or -ENOMEM
 * @vm_destroy: free everything; no vCPU and no notifier callback can run any more
 * @vcpu_init, @vcpu_destroy: the same for vcpu->mmu_priv[id]
 * @slot_init: per-slot data into slot->priv[id]; slots_lock held, the slot is not visible yet. NULL: none
 * @slot_destroy: the slot is unreachable and unmapped
 * @available: this CPU can run it (hw_caps); called at load
 *
 * @fault: serve @f. Loaded, interrupts on, vm->srcu held; sleeps
 * @fault_fast: the same in the inner loop, interrupts off: true when the access can be tried again, false: nothing was
 *	done, ask @fault. Trylock only, no user memory. NULL: no fault can be served so
 * @load_root: make vcpu->root and vcpu->mmu_ctl those of the guest's present paging state, allocating a root if need
 *	be; marks UM_ST_MMU dirty. Before entry when UM_REQ_RELOAD_ROOT was set; sleeps; vm->srcu held. 0 or errno
 * @paging_changed: the guest's paging state changed as @what (UM_PG_*) says, the caches in @vcpu are new. May set
 *	vcpu->mmu to another backend and request UM_REQ_RELOAD_ROOT. Sleeps not; takes mmu_lock
 * @cr3_fast: MOV to CR3 in the inner loop, interrupts off: true when the root was cached and is loaded (vcpu->cr3 and
 *	root are updated). Trylock only. NULL: never intercepts CR3
 * @invlpg: the guest invalidated @gva (0..all of its current address space when @all). Loaded. True: done;
 *	false: only when @fast (inner loop, trylock) and it must be asked again outside
 * @gpa_written: the host's emulation wrote @len bytes at @gpa; vm->srcu held, mmu_lock not held. NULL: no guest
 *	table is shadowed
 * @unmap: drop every translation of [start, end) gfns of @slot; mmu_lock held for write. True: a remote flush is due
 *	before the lock is dropped
 * @wrprotect: make them read-only for dirty logging; the same rules
 * @age: test-and-clear accessed; true if any was. @clear false: test only
 * @zap_all: drop everything (memslot deleted or moved, mm gone, tests); mmu_lock held for write. True: flush due
 */
struct um_mmu_ops {
	const char *name;
	u32 id;
	bool (*available)(void);
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
	bool (*unmap)(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end);
	bool (*wrprotect)(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end);
	bool (*age)(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end, bool clear);
	bool (*zap_all)(struct um_vm *vm);
};

extern const struct um_mmu_ops ept_mmu_ops;
extern const struct um_mmu_ops shadow_mmu_ops;

/* Have @id's tables built for @vm (a shadow VM's unpaged vCPU runs on EPT); vm->lock held. 0 or -ENOMEM. */
int um_mmu_activate(struct um_vm *vm, u32 id);

void um_mmu_destroy(struct um_vm *vm);	/* free every backend's tables; nobody can reach the VM any more */

/* Call an op of every active backend; mmu_lock held for write where the op asks for it. True if any asks for a flush. */
bool um_mmu_unmap(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end);
bool um_mmu_wrprotect(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end);
bool um_mmu_age(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end, bool clear);
bool um_mmu_zap_all(struct um_vm *vm);
void um_mmu_gpa_written(struct um_vm *vm, gpa_t gpa, size_t len);

#endif
