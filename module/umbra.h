/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The core's structures: the VM, its memslots and its vCPUs; each field says which lock
 * guards it.
 *
 * Lock order: um_vms_lock (vm.c) > vm->lock > vcpu->mutex > vm->slots_lock >
 * vm->srcu (read) > mmap_lock > vm->mmu_lock.
 */
#ifndef UM_UMBRA_H
#define UM_UMBRA_H

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>

#include "../uapi/umbra.h"
#include "clock.h"
#include "coalesced.h"
#include "dirty.h"
#include "irq.h"
#include "msrs.h"
#include "policy.h"
#include "space.h"
#include "stats.h"
#include "types.h"

#define UM_MAX_VCPUS	1024
#define UM_MAX_VCPU_ID	4096
#define UM_MAX_SLOTS	32764	/* of each address space */
/* A caller may ask for a slot that is larger than an allocation can be: that is its ENOMEM only. */
#define UM_GFP_BULK	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)
#define UM_NR_BACKENDS	3	/* indexed by UM_BACKEND_*; 0 unused */

struct paging_desc;
struct um_cpuid;
struct um_emul;
struct um_mmu_ops;
struct um_vcpu;
struct um_vm;
struct walk_ops;

/*
 * One range of guest memory. Immutable once published (a change publishes a new one),
 * except the tracking counts (vm->mmu_lock) and the dirty bitmap (atomic bits).
 */
struct um_memslot {
	gfn_t base_gfn;		/* with its address space: space.h */
	u64 npages;
	hva_t hva;
	u32 id;			/* kvm_userspace_memory_region.slot */
	u32 flags;		/* KVM_MEM_* */
	unsigned long *dirty;	/* if it logs, without a ring: one bit a page; dirty.c */
	/* per gfn: how many shadowed guest tables live there; NULL without shadow. mmu_lock */
	u16 *track;
	void *priv[UM_NR_BACKENDS];	/* a backend's own per-slot data, from mmu ops slot_init */
};

/*
 * All slots of a VM, sorted by base_gfn; replaced as a whole under slots_lock, read
 * under vm->srcu. There is room for @capacity.
 */
struct um_memslots {
	u64 generation;		/* from 1 on; 0 serves as "none" */
	unsigned int count, capacity;
	/* a hint: index of the slot found last; racy, so checked before use */
	unsigned int last;
	struct um_memslot *slot[];
};

struct um_vm {
	refcount_t users;	/* the VM's fd, each vCPU's fd */
	struct mm_struct *mm;	/* whose memory the slots name; pinned by mmgrab */
	struct mutex lock;	/* creation of vCPUs, backend choice, enable_cap state */
	struct mutex slots_lock;
	struct srcu_struct srcu;
	struct um_memslots __rcu *slots;
	struct um_memslots *slots_spare;	/* for the next change; slots_lock */
	struct xarray slot_ids;			/* the slots by id; slots_lock */
	struct xarray vcpus;	/* by vcpu->id; written under lock */
	unsigned int nr_vcpus;

	/* Memory virtualisation. */
	u32 backend;		/* UM_BACKEND_*: the VM's choice; fixed once a vCPU exists */
	/* active backends; set under mmu_lock, never unset before destroy */
	const struct um_mmu_ops *mmu[UM_NR_BACKENDS];
	void *mmu_priv[UM_NR_BACKENDS];			/* their VM-wide data */
	/* guards the backends' tables: parallel faults read, all else writes */
	rwlock_t mmu_lock;
	struct mmu_notifier mn;
	/* notifier sequence: bumped under mmu_lock when an invalidation ends */
	unsigned long mmu_seq;
	long mmu_invalidating;	/* invalidations in progress; mmu_lock */
	hva_t inval_start, inval_end;	/* what they span; mmu_lock */
	bool mm_gone;		/* the notifier's release ran; mmu_lock */
	/* being deleted: out of slots, perhaps still mapped; mmu_lock */
	struct um_memslot *retiring;

	gpa_t tss_addr;		/* KVM_SET_TSS_ADDR; lock */
	gpa_t identity_map;	/* KVM_SET_IDENTITY_MAP_ADDR; lock */
	struct um_dirty_vm dirty;
	struct um_vm_irq irq;
	struct um_vm_policy policy;
	struct um_coalesced coalesced;
	struct um_msr_filter __rcu *msr_filter;	/* NULL: none; lock, read under srcu */
	bool dead;		/* a hardware or invariant failure: every KVM_RUN answers EIO */
	atomic_t audit_ops, audit_due;	/* audit.c */
	u64 max_shadow_pages;	/* KVM_SET_NR_MMU_PAGES, 0 = automatic */
	u32 tsc_khz;		/* of new vCPUs */
	/* of the latest TSC write from userspace, 0: none yet; READ_ONCE, WRITE_ONCE */
	u64 tsc_offset;
	struct um_vm_clock clock;
	struct um_vm_stats stats;

	pid_t pid;		/* of its creator; names it in statistics */
	struct list_head list;	/* of all VMs; vm.c's lock */
	struct work_struct free_work;
};

/*
 * Which parts of the guest's state the caches in um_vcpu hold (avail) or must be
 * written back (dirty).
 */
enum um_state {
	UM_ST_RIP	= 1u << 0,
	UM_ST_RSP	= 1u << 1,
	UM_ST_RFLAGS	= 1u << 2,
	UM_ST_CR0	= 1u << 3,
	UM_ST_CR3	= 1u << 4,
	UM_ST_CR4	= 1u << 5,
	UM_ST_EFER	= 1u << 6,
	UM_ST_SEGS	= 1u << 7,
	UM_ST_DTABLES	= 1u << 8,	/* GDTR, IDTR */
	UM_ST_DR7	= 1u << 9,
	UM_ST_PDPTR	= 1u << 10,
	UM_ST_INTR	= 1u << 11,	/* interruptibility: sti_block, movss_block, nmi_block */
	UM_ST_SYSENTER	= 1u << 12,
	UM_ST_PAT	= 1u << 13,
	/* mmu_ctl or root: controls and the root are rewritten at the next entry */
	UM_ST_MMU	= 1u << 14,
	UM_ST_TSC	= 1u << 15,
	/* cs_l and cpl; read-only, SEGS has the truth when it is cached */
	UM_ST_MODE	= 1u << 16,
	UM_ST_DEBUGCTL	= 1u << 17,
	UM_ST_ROOT	= 1u << 18,	/* root alone has changed, to one of the same kind */
	UM_ST_ALL	= (1u << 19) - 1,
};

/* vcpu->requests, handled before the next entry. */
enum um_request {
	UM_REQ_TLB_FLUSH,	/* every translation of this vCPU */
	UM_REQ_RELOAD_ROOT,	/* the backend's root was invalidated: mmu->load_root() */
	UM_REQ_EVENT,		/* look for an event to inject */
	UM_REQ_TRIPLE_FAULT,
	UM_REQ_RING_FULL,	/* userspace has to empty the vCPU's dirty ring */
	UM_REQ_IOAPIC_EOI,	/* userspace's IOAPIC has to hear of the end of an interrupt */
	UM_REQ_KICK,		/* leave the guest, nothing else */
	UM_REQ_AUDIT,		/* tables have changed: um_audit() */
	UM_REQ_STEPPED,		/* an instruction was emulated under userspace's single step */
	UM_REQ_CLOCK,		/* the guest's clock page is out of date */
	UM_REQ_STEAL,		/* and its stolen time */
	UM_REQ_MSR_FILTER,	/* the hardware's bitmap is out of date */
	UM_REQ_SMI,		/* one has come */
};

/* vcpu->mode: pairs with um_kick_vcpu(). */
enum um_vcpu_mode { UM_OUTSIDE_GUEST, UM_IN_GUEST_MODE };

/* A pending exception; the DR6/CR2 side effect is applied when it is delivered. */
struct um_exception {
	bool pending;
	/* handed to hardware; comes back from the IDT-vectoring information if not delivered */
	bool injected;
	bool has_error;
	bool soft;		/* INT3 or INTO: needs the instruction length */
	u8 vector;
	u8 insn_len;
	u32 error;
	bool has_payload;
	u64 payload;		/* #PF: CR2; #DB: DR6 bits */
};

struct um_events {
	struct um_exception exc;
	bool irq_injected;	/* an external or soft interrupt is being delivered */
	bool irq_soft;
	u8 irq_vector, irq_insn_len;
	bool nmi_injected;
	bool armed;		/* the hardware holds one of these for the next entry */
	u8 nmi_pending;		/* 0..2 */
	bool smi_pending, smm_inside_nmi;
};

/*
 * What the vCPU's backend asks of the entry controls; the VMX code never asks which
 * backend it is.
 */
struct um_mmu_ctl {
	u32 intercepts;		/* UM_IC_* */
	u32 pf_mask, pf_match;	/* page-fault error-code mask and match */
	bool pf_bit;		/* exception-bitmap bit 14 */
};

#define UM_IC_CR3	BIT(0)	/* MOV to CR3 exits; GUEST_CR3 is the backend's root */
#define UM_IC_INVLPG	BIT(1)
#define UM_IC_PF	BIT(2)	/* page faults exit as pf_* say */
#define UM_IC_EPT	BIT(3)	/* enable EPT; root is an EPT root */
#define UM_IC_UNPAGED	BIT(4)	/* unrestricted guest: PG and PE may be 0 in hardware */
#define UM_IC_PAGING	BIT(5)	/* CR0.PG, WP and CR4's paging bits are host-owned */
#define UM_IC_PML	BIT(6)	/* the CPU notes what it writes: um_dirty_logged() */

/* The root that the hardware walks, and its tag. */
struct um_root {
	hpa_t hpa;		/* of the top table; UM_INVALID_HPA: none loaded */
	u16 tag;		/* VPID under which its translations are cached; 0 without VPID */
	u8 levels;		/* of the hardware's walk: EPT 4 or 5; shadow 3 (PAE), 4 or 5 */
	/* EPT and UM_IC_CR3: hardware's CR3, a 32-bit table of 4 MiB pages */
	u32 cr3;
};

/* A plain IN or OUT in flight between KVM_RUN calls; emulator_io.c. */
struct um_pio {
	u64 rip;
	u8 size, insn_len;
};

struct um_vcpu {
	/* The entry path's own lines come first. */
	u64 gpr[UM_NR_GPRS];	/* RSP's slot is valid as UM_ST_RSP says */
	u64 rip, rflags;
	u64 cr0, cr2, cr3, cr4, cr8, efer;	/* as the guest sees them */
	u32 avail, dirty;	/* UM_ST_*; dirty implies avail */
	u32 mode;		/* enum um_vcpu_mode */
	unsigned long requests;	/* bits of enum um_request; atomic */
	struct um_vm *vm;
	const struct um_mmu_ops *mmu;	/* the backend that serves this vCPU now */
	struct um_mmu_ctl mmu_ctl;
	struct um_root root;
	int cpu;		/* on which the hardware state is loaded, -1: none */
	bool loaded;		/* between um_vcpu_load() and put; preempt notifier is registered */
	/* its thread while that wants a CPU and has none; read under RCU */
	struct task_struct *preempted;
	bool fpu_loaded;

	gpa_t space;		/* space.h: not 0 in system-management mode */
	bool cs_l;
	u8 cpl;
	struct kvm_segment segs[UM_NR_SEGS];
	struct kvm_dtable gdt, idt;
	u64 pdpte[4];		/* PAE: architectural registers; gpa bits and P */
	u64 db[4], dr6, dr7;
	bool sti_block, movss_block, nmi_block;	/* UM_ST_INTR */
	struct um_events ev;
	struct um_msrs msr;
	u64 tsc_offset, tsc_ratio;
	u32 tsc_khz;
	struct um_pv pv;
	u64 xcr0;
	u32 pkru;		/* the guest's, while the CPU holds the host's */

	u32 id, index;
	struct mutex mutex;	/* one vCPU ioctl at a time */
	struct task_struct *task;	/* who holds it */
	struct um_dirty_ring *ring;	/* dirty_ring.c; NULL without one */
	struct kvm_run *run;	/* page 0 of the mmap */
	void *pio_page;		/* page 1: KVM_PIO_PAGE_OFFSET */
	struct preempt_notifier pn;
	struct fpu_guest fpu;
	sigset_t sigset;
	bool sigset_active;
	u32 mp_state;
	struct um_vcpu_irq irq;
	u32 guest_debug;	/* KVM_GUESTDBG_* */
	u64 guest_db[4], guest_dr7;	/* what KVM_SET_GUEST_DEBUG asked */

	struct um_cpuid *cpuid;	/* cpuid.c; never NULL after creation */
	u8 maxphyaddr;		/* the guest's, from its CPUID */
	void *mmu_priv[UM_NR_BACKENDS];	/* the backends' per-vCPU data */
	struct um_emul *emul;	/* emulator.c's state; allocated on first use */

	/*
	 * The rest of an operation that userspace must take part in: called at the next
	 * KVM_RUN. 1: go on, 0: exit to userspace again, <0: errno.
	 */
	int (*complete)(struct um_vcpu *vcpu);
	struct um_pio pio;
	struct um_vcpu_stats stats;
};

/* dev.c */
/* the nodes /dev/<name>, <name>-ept and <name>-shadow; 0 or errno, says why */
int um_dev_init(const char *name);
void um_dev_exit(void);
long um_check_extension(long cap);	/* KVM_CHECK_EXTENSION on the device and on a VM */

/* debugfs.c */
void um_debugfs_init(const char *name);
void um_debugfs_exit(void);

/* stats.c: KVM_GET_STATS_FD: fd or errno */
long um_vm_stats_fd(struct um_vm *vm);
long um_vcpu_stats_fd(struct um_vcpu *vcpu);

/* vm.c */
int um_vm_init(void);
void um_vm_exit(void);				/* waits until the last VM is freed */
unsigned int um_vm_count(void);
/* no vCPU enters its guest after this (shutdown). Sleeps */
void um_vm_stop_all(void);
/* new VM's fd or errno; backend 0: the module's default */
long um_vm_create(u32 backend);
void um_vm_get(struct um_vm *vm);
void um_vm_put(struct um_vm *vm);
void um_vm_queue_free(struct um_vm *vm);	/* from the MMU notifier: atomic context */
/* hardware or invariant failure: WARN_ONCE, vm->dead */
void um_vm_kill(struct um_vm *vm, const char *why);
void um_make_request(struct um_vcpu *vcpu, enum um_request req);
/*
 * Set @req on every vCPU and have those in guest mode leave it; waits until they did
 * when @wait. Any context that may IPI.
 */
void um_request_all(struct um_vm *vm, enum um_request req, bool wait);
void um_flush_remote_tlbs(struct um_vm *vm);	/* UM_REQ_TLB_FLUSH on all, and wait */
void um_kick_vcpu(struct um_vcpu *vcpu);

/* vcpu_create.c */
long um_vcpu_create(struct um_vm *vm, u32 id);	/* fd or errno; takes vm->lock */
void um_vcpu_destroy(struct um_vcpu *vcpu);

/* vcpu.c */
extern struct preempt_ops um_preempt_ops;
long um_vcpu_run(struct um_vcpu *vcpu);		/* KVM_RUN; vcpu->mutex held */
/* hardware state onto this CPU; until um_vcpu_put() */
void um_vcpu_load(struct um_vcpu *vcpu);
void um_vcpu_put(struct um_vcpu *vcpu);
void um_fpu_get(struct um_vcpu *vcpu);		/* the guest's FPU registers into the CPU */
void um_fpu_put(struct um_vcpu *vcpu);

/* spin.c: @vcpu spins for another of its VM; may give up the CPU. Loaded, sleeps */
void um_spin(struct um_vcpu *vcpu);

/* vcpu_ioctl.c: the vCPU's file operations */
extern const struct file_operations um_vcpu_fops;
/* vm_ioctl.c */
extern const struct file_operations um_vm_fops;

/* state.c and cr.c: registers as the guest sees them. Callers have the vCPU loaded. */
void um_state_init(void);	/* at load, after hw_init(): what vCPUs are offered */
int um_set_cr0(struct um_vcpu *vcpu, u64 cr0);	/* 0, or 1: the guest gets #GP(0) */
int um_set_cr3(struct um_vcpu *vcpu, u64 cr3);
int um_set_cr4(struct um_vcpu *vcpu, u64 cr4);
int um_set_cr8(struct um_vcpu *vcpu, u64 cr8);
int um_set_efer(struct um_vcpu *vcpu, u64 efer);
int um_set_xcr0(struct um_vcpu *vcpu, u32 index, u64 val);
int um_set_dr(struct um_vcpu *vcpu, unsigned int nr, u64 val);	/* 0, 1 = #GP(0), 2 = #UD */
u64 um_get_dr(struct um_vcpu *vcpu, unsigned int nr);
int um_load_pdptes(struct um_vcpu *vcpu, u64 cr3);	/* read and check; 0, or 1 = #GP */
void um_vcpu_reset(struct um_vcpu *vcpu);	/* architectural state after RESET */
void um_vcpu_init(struct um_vcpu *vcpu);	/* and after INIT; vm->srcu held */
void um_fill_paging_desc(struct um_vcpu *vcpu, struct paging_desc *d);

/* cpuid.c */
int um_cpuid_init(struct um_vcpu *vcpu);
void um_cpuid_destroy(struct um_vcpu *vcpu);
/* the instruction, on the vCPU's registers; inner loop: no lock, bounded */
void um_cpuid(struct um_vcpu *vcpu);
/* Does the guest's CPUID have any bit of @mask in @reg (CPUID_EAX..CPUID_EDX)? */
bool um_cpuid_has(struct um_vcpu *vcpu, u32 leaf, u32 subleaf, int reg, u32 mask);
u64 um_cr4_guest_allowed(struct um_vcpu *vcpu);	/* CR4 bits that the guest's CPUID offers */

/*
 * msr.c: 0; else the guest gets #GP(0), UM_MSR_UNKNOWN: there is no such MSR. @host: userspace
 * asks (KVM_GET/SET_MSRS), so read-only MSRs may be written.
 */
int um_msr_read(struct um_vcpu *vcpu, u32 index, u64 *val, bool host);
int um_msr_write(struct um_vcpu *vcpu, u32 index, u64 val, bool host);

/* event.c: guest-visible failures */
void um_queue_exception(struct um_vcpu *vcpu, u8 vector);
void um_queue_exception_err(struct um_vcpu *vcpu, u8 vector, u32 error);
void um_queue_pf(struct um_vcpu *vcpu, gva_t gva, u32 error);
void um_queue_db(struct um_vcpu *vcpu, u64 dr6_bits);
void um_queue_gp(struct um_vcpu *vcpu);		/* #GP(0) */
void um_queue_soft(struct um_vcpu *vcpu, u8 vector, u8 insn_len);	/* INT3 */
/*
 * Past an emulated instruction: RIP += len, STI and MOV-SS blocking end, TF traps.
 * 1: go on, 0: debug exit.
 */
int um_skip_insn(struct um_vcpu *vcpu, unsigned int len);

/* memslot.c; callers hold vm->srcu (read) or slots_lock */
struct um_memslot *um_slot_find(struct um_vm *vm, gfn_t gfn);
long um_slot_set(struct um_vm *vm, const struct kvm_userspace_memory_region *r);
int um_slots_init(struct um_vm *vm);
void um_slots_destroy(struct um_vm *vm);	/* nobody can reach the VM any more */
struct um_memslots *um_slots(struct um_vm *vm);	/* all of them; srcu or slots_lock */
struct um_memslot *um_slot_by_id(struct um_vm *vm, u32 id);	/* slots_lock */
u64 um_slots_pages(struct um_vm *vm);		/* guest memory in pages; takes slots_lock */
/*
 * Give every slot what backend @ops keeps in it; vm->lock held, @ops is not active yet.
 * 0 or -ENOMEM, undone
 */
int um_slots_add_backend(struct um_vm *vm, const struct um_mmu_ops *ops);

static inline bool um_slot_id_valid(u32 id)
{
	return id >> UM_SLOT_SPACE_SHIFT < UM_NR_SPACES && (u16)id < UM_MAX_SLOTS;
}

static inline bool um_slot_logs(const struct um_memslot *slot)
{
	return slot->flags & KVM_MEM_LOG_DIRTY_PAGES;
}

static inline hva_t um_slot_hva(const struct um_memslot *slot, gfn_t gfn)
{
	return slot->hva + ((gfn - slot->base_gfn) << UM_PAGE_SHIFT);
}

/* track.c; callers hold vm->srcu */
/*
 * Count a shadowed guest table at @gfn in or out; mmu_lock held for write. Who counts
 * in write-protects @gfn in every backend.
 */
void um_track_add(struct um_vm *vm, struct um_memslot *slot, gfn_t gfn);
void um_track_remove(struct um_vm *vm, struct um_memslot *slot, gfn_t gfn);
bool um_tracked(struct um_memslot *slot, gfn_t gfn);

/* notifier.c */
/* registers the MMU notifier on current->mm; 0 or errno */
int um_notifier_init(struct um_vm *vm);
/* Unregister without waiting; @vm->free_work is queued when no callback can run any more. */
void um_notifier_put(struct um_vm *vm);
void um_notifier_exit(void);			/* at unload: no callback runs any more */

/* guest_mem.c */
/* sleeps; vm->srcu held; 0 or -EFAULT */
int um_read_guest(struct um_vm *vm, gpa_t gpa, void *data, size_t len);
/* also dirty log, not gpa_written */
int um_write_guest(struct um_vm *vm, gpa_t gpa, const void *data, size_t len);
/* never sleeps: -EFAULT if not mapped */
int um_read_guest_atomic(struct um_vm *vm, gpa_t gpa, void *data, size_t len);
/*
 * Replace @size (4 or 8) bytes if equal to @old: 0, 1 changed meanwhile, -EFAULT.
 * Sleeps. Marks dirty.
 */
int um_cmpxchg_guest(struct um_vm *vm, gpa_t gpa, unsigned int size, u64 old, u64 new);
/* ctx = struct um_vm *: the guest walk over this VM's memory; sleeps */
extern const struct walk_ops um_walk_ops;

/* emulator.c: binds emulate/ to a vCPU */
/*
 * Emulate the instruction at RIP. 1: done, re-enter; 0: to userspace (MMIO, PIO,
 * error); <0 errno.
 */
int um_emulate(struct um_vcpu *vcpu, gpa_t fault_gpa, bool gpa_valid);
/*
 * A write to the tracked page table at @gpa that cannot be emulated: forget the shadow tables, so
 * that the guest can do it itself. False if that is not the case, or does not help.
 */
bool um_give_back(struct um_vcpu *vcpu, gpa_t gpa);
/* emulator_real.c: um_interpreted() is true; they answer like um_emulate(). */
int um_interpret(struct um_vcpu *vcpu);		/* instructions, until there is other work */
int um_interpret_event(struct um_vcpu *vcpu);	/* deliver what waits in vcpu->ev, if it may */
/* IN/OUT without string: answers like um_emulate(). */
int um_pio(struct um_vcpu *vcpu, u16 port, unsigned int size, bool in, unsigned int insn_len);
/* Translate as the guest would (KVM_TRANSLATE, emulator): WALK_* with A/D set when @set_ad. */
int um_gva_to_gpa(struct um_vcpu *vcpu, gva_t gva, u32 pfec, bool set_ad, gpa_t *gpa,
		  u32 *error_code);
void um_emul_destroy(struct um_vcpu *vcpu);

/* An internal error for userspace: fills run, returns 0. */
int um_exit_internal_error(struct um_vcpu *vcpu, u32 suberror, unsigned int ndata, const u64 *data);

/* cpuid.c and msr.c: ioctls of the device; 0 or errno */
long um_get_supported_cpuid(struct kvm_cpuid2 __user *user);
long um_get_emulated_cpuid(struct kvm_cpuid2 __user *user);
long um_get_msr_index_list(struct kvm_msr_list __user *user, bool feature);
long um_get_feature_msrs(struct kvm_msrs __user *user);	/* number of MSRs read */

/* mmu.c and main.c */
extern u32 um_default_backend;	/* parameter mmu= as UM_BACKEND_* */
int um_mmu_init(void);		/* ask each backend whether this CPU can run it; 0 or errno */
void um_mmu_exit(void);
u32 um_backend_mask(void);	/* backends that this CPU can run: bit n = UM_BACKEND_n */
u32 um_backend_by_name(const char *name);	/* UM_BACKEND_*, 0: unknown */
const struct um_mmu_ops *um_backend_ops(u32 backend);

#include "pfn.h"
#include "state.h"

#endif
