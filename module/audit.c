// SPDX-License-Identifier: GPL-2.0
/*
 * When an audit is due, what it holds still meanwhile, what becomes of a broken rule, and the rules
 * that every backend's translations obey. A look holds vm->slots_lock and, for write, vm->mmu_lock;
 * vm->audit_ops and audit_due are atomic.
 *
 * Only vCPU threads look, before an entry: there the VM's own mm is at hand, and what userspace
 * announced with its ioctls (KVM_SET_SREGS) has reached the tables.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/moduleparam.h>
#include <linux/pgtable.h>

#include "audit.h"
#include "hw.h"
#include "mmu.h"

#define UM_AUDIT_LOOKS		3
#define UM_AUDIT_PAUSE_US	1000
#define UM_AUDIT_PRINTED	8	/* broken rules of one look that are printed */

DEFINE_STATIC_KEY_FALSE(um_audit_key);

static unsigned int um_audit_interval;
static atomic_long_t um_audit_marks;

static int um_param_audit_set(const char *val, const struct kernel_param *kp)
{
	int ret = param_set_uint(val, kp);

	if (ret)
		return ret;
	if (um_audit_interval)
		static_branch_enable(&um_audit_key);
	else
		static_branch_disable(&um_audit_key);
	return 0;
}

static const struct kernel_param_ops um_param_audit_ops = {
	.set = um_param_audit_set,
	.get = param_get_uint,
};
module_param_cb(audit, &um_param_audit_ops, &um_audit_interval, 0644);
MODULE_PARM_DESC(audit,
		 "check all tables of a VM after every so many changes of them (default: 0, never)");

void um_audit_due(struct um_vm *vm, struct um_vcpu *vcpu)
{
	unsigned int interval = READ_ONCE(um_audit_interval);
	unsigned long i;

	if (interval > 1 && atomic_inc_return(&vm->audit_ops) % interval)
		return;
	atomic_set(&vm->audit_due, 1);
	if (vcpu) {
		um_make_request(vcpu, UM_REQ_AUDIT);
		return;
	}
	/* Without a kick: who is in its guest looks when it has left it. */
	xa_for_each(&vm->vcpus, i, vcpu)
		um_make_request(vcpu, UM_REQ_AUDIT);
}

void um_audit_broken(struct um_audit *a, const char *rule)
{
	if (a->report && a->broken < UM_AUDIT_PRINTED)
		pr_err("audit: %s: %s (gfn %#llx, level %u, entry %#llx)\n", a->backend, rule,
		       a->gfn, a->level, a->entry);
	a->broken++;
}

/* How the host maps a page now. */
struct um_audit_host {
	u64 pfn;
	unsigned int level;
	bool writable;
};

static bool host_leaf(struct um_audit_host *h, hva_t hva, unsigned int level, u64 pfn, u64 flags)
{
	h->level = level;
	h->pfn = pfn + ((hva >> UM_PAGE_SHIFT) & (um_level_pages(level) - 1));
	h->writable = flags & _PAGE_RW;
	return (flags & (_PAGE_PRESENT | _PAGE_USER)) == (_PAGE_PRESENT | _PAGE_USER);
}

/* Interrupts are off, which keeps the tables from being freed. False: nothing is mapped there. */
static bool host_walk(struct mm_struct *mm, hva_t hva, struct um_audit_host *h)
{
	pgd_t pgd = READ_ONCE(*pgd_offset(mm, hva));
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;
	pte_t pte;

	if (pgd_none(pgd))
		return false;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		return false;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (pud_none(pud) || !pud_present(pud))
		return false;
	if (pud_leaf(pud))
		return host_leaf(h, hva, UM_LEVEL_1G, pud_pfn(pud), pud_flags(pud));
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (pmd_none(pmd) || !pmd_present(pmd))
		return false;
	if (pmd_leaf(pmd))
		return host_leaf(h, hva, UM_LEVEL_2M, pmd_pfn(pmd), pmd_flags(pmd));
	pte = READ_ONCE(*pte_offset_kernel(&pmd, hva));
	if (pte_none(pte) || !pte_present(pte))
		return false;
	return host_leaf(h, hva, UM_LEVEL_4K, pte_pfn(pte), pte_flags(pte));
}

/*
 * Before Linux takes away or reduces a mapping it calls the notifier, which waits for mmu_lock: but
 * for what is being invalidated already, the host's tables allow what ours do.
 */
static bool is_invalidated(const struct um_vm *vm, hva_t start, hva_t end)
{
	return vm->mmu_invalidating && end > vm->inval_start && start < vm->inval_end;
}

/* Rules of a frame: it is what the host has at @leaf->gfn of @slot. */
void um_audit_frame(struct um_audit *a, struct um_memslot *slot, const struct um_audit_leaf *leaf)
{
	hva_t hva = um_slot_hva(slot, leaf->gfn);
	struct um_audit_host h;
	unsigned long flags;
	bool mapped;

	if (is_invalidated(a->vm, hva, hva + (um_level_pages(leaf->level) << UM_PAGE_SHIFT)))
		return;
	local_irq_save(flags);
	mapped = host_walk(a->vm->mm, hva, &h);
	local_irq_restore(flags);
	if (um_audit_rule(a, mapped, "the host maps the page"))
		return;
	um_audit_rule(a, h.pfn == leaf->pfn, "the frame is the one that the host maps");
	um_audit_rule(a, h.level >= leaf->level, "a leaf is not larger than the host's");
	um_audit_rule(a, h.writable || !leaf->writable, "what is writable is so for the host");
}

/* Is a page of the leaf a shadowed table? */
static bool any_tracked(struct um_memslot *slot, const struct um_audit_leaf *leaf)
{
	u64 i, pages = um_level_pages(leaf->level);

	for (i = 0; slot->track && i < pages; i++)
		if (um_tracked(slot, leaf->gfn + i))
			return true;
	return false;
}

/* While the slot logs, are all of the leaf's pages in the log? */
bool um_audit_logged(const struct um_memslot *slot, const struct um_audit_leaf *leaf)
{
	u64 first = leaf->gfn - slot->base_gfn, end = first + um_level_pages(leaf->level);

	return !slot->dirty || find_next_zero_bit(slot->dirty, end, first) == end;
}

static void audit_writable(struct um_audit *a, struct um_memslot *slot,
			   const struct um_audit_leaf *leaf)
{
	um_audit_rule(a, !(slot->flags & KVM_MEM_READONLY), "a read-only slot is not writable");
	um_audit_rule(a, !any_tracked(slot, leaf), "a write-tracked page is not writable");
	um_audit_rule(a, !leaf->dirty || um_audit_logged(slot, leaf),
		      "what is writable is in the dirty log");
}

/* The rules of a translation, whoever has it. */
void um_audit_leaf(struct um_audit *a, const struct um_audit_leaf *leaf)
{
	struct um_memslot *slot = um_slot_find(a->vm, leaf->gfn);
	u64 pages = um_level_pages(leaf->level);

	if (um_audit_rule(a, slot, "what is mapped lies in a memslot"))
		return;
	if (um_audit_rule(a, leaf->gfn + pages <= slot->base_gfn + slot->npages,
			  "a leaf does not leave its memslot"))
		return;
	um_audit_rule(a, !((leaf->gfn | leaf->pfn) & (pages - 1)), "a leaf is aligned");
	um_audit_frame(a, slot, leaf);
	if (leaf->writable)
		audit_writable(a, slot, leaf);
}

/* slots_lock held. How many rules are broken. */
static unsigned int look(struct um_vm *vm, bool report)
{
	struct um_audit a = { .vm = vm, .report = report };
	u32 id;

	a.mark = atomic_long_inc_return(&um_audit_marks);
	write_lock(&vm->mmu_lock);
	vm->stats.audits++;
	for (id = 1; id < UM_NR_BACKENDS && !vm->mm_gone; id++) {
		if (!vm->mmu[id] || !vm->mmu[id]->audit)
			continue;
		a.backend = vm->mmu[id]->name;
		vm->mmu[id]->audit(&a);
	}
	um_audit_at(&a, 0, 0, a.table_bytes);
	um_audit_rule(&a, vm->mm_gone || a.table_bytes == vm->stats.mmu_table_bytes,
		      "mmu_table_bytes is the sum of all tables");
	write_unlock(&vm->mmu_lock);
	return a.broken;
}

/*
 * Other vCPUs may be between two steps that no lock joins, as an emulated write and
 * gpa_written(): only what is wrong each time is wrong.
 */
static unsigned int look_again(struct um_vm *vm)
{
	unsigned int broken, n = 1;

	do {
		broken = look(vm, n == UM_AUDIT_LOOKS);
		if (broken && n < UM_AUDIT_LOOKS)
			usleep_range(UM_AUDIT_PAUSE_US, 2 * UM_AUDIT_PAUSE_US);
	} while (broken && n++ < UM_AUDIT_LOOKS);
	return broken;
}

/*
 * @vcpu is about to enter. Sleeps. Who changes the slots is between two states, and says so again
 * when it is done.
 */
void um_audit(struct um_vcpu *vcpu)
{
	struct um_vm *vm = vcpu->vm;
	unsigned int broken;

	if (!mutex_trylock(&vm->slots_lock))
		return;
	broken = atomic_xchg(&vm->audit_due, 0) ? look_again(vm) : 0;
	mutex_unlock(&vm->slots_lock);
	if (!broken)
		return;
	vm->stats.audit_broken += broken;
	um_vm_kill(vm, "the audit found a broken rule");
}
