/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The debug audit (parameter audit=N): before an entry, every N operations of a VM that change
 * tables, each backend's structures are checked as a whole against the memslots, the guest's tables
 * and the host's mapping. Off it costs a NOP for each operation.
 */
#ifndef UM_AUDIT_H
#define UM_AUDIT_H

#include <linux/jump_label.h>
#include "umbra.h"

DECLARE_STATIC_KEY_FALSE(um_audit_key);

/**
 * struct um_audit - one look at a VM; slots_lock and mmu_lock (for write) are held
 * @vm: the VM
 * @backend: whose structures are being looked at
 * @gfn: what a broken rule is told of: a guest frame,
 * @level: a level of tables
 * @entry: and the entry there, or the role of the table
 * @mark: equal for no two looks
 * @table_bytes: found so far, of what stats.mmu_table_bytes counts
 * @broken: how many rules were found broken
 * @report: print them
 */
struct um_audit {
	struct um_vm *vm;
	const char *backend;
	gfn_t gfn;
	unsigned int level;
	u64 entry;
	unsigned long mark;
	u64 table_bytes;
	unsigned int broken;
	bool report;
};

/**
 * struct um_audit_leaf - a translation of guest memory, as hardware has it
 * @gfn: the first page, which has the frame @pfn
 * @pfn: see @gfn
 * @level: its size
 * @writable: the guest may write it
 * @dirty: and nobody notes when it does: it has to be in the dirty log, if there is one
 */
struct um_audit_leaf {
	gfn_t gfn;
	u64 pfn;
	unsigned int level;
	bool writable, dirty;
};

void um_audit_broken(struct um_audit *a, const char *rule);
void um_audit_leaf(struct um_audit *a, const struct um_audit_leaf *leaf);
void um_audit_frame(struct um_audit *a, struct um_memslot *slot, const struct um_audit_leaf *leaf);
bool um_audit_logged(const struct um_memslot *slot, const struct um_audit_leaf *leaf);
void um_audit_due(struct um_vm *vm, struct um_vcpu *vcpu);
void um_audit(struct um_vcpu *vcpu);

/* What the next rules are about. */
static inline void um_audit_at(struct um_audit *a, gfn_t gfn, unsigned int level, u64 entry)
{
	a->gfn = gfn;
	a->level = level;
	a->entry = entry;
}

/* True, and told, if @rule does not hold. */
static inline bool um_audit_rule(struct um_audit *a, bool holds, const char *rule)
{
	if (unlikely(!holds))
		um_audit_broken(a, rule);
	return !holds;
}

/* @vcpu has perhaps changed tables: an audit is due before its next entry. Any context. */
static inline void um_audit_vcpu(struct um_vcpu *vcpu)
{
	if (static_branch_unlikely(&um_audit_key))
		um_audit_due(vcpu->vm, vcpu);
}

/* The same for somebody else: any vCPU of @vm that is about to enter. */
static inline void um_audit_vm(struct um_vm *vm)
{
	if (static_branch_unlikely(&um_audit_key))
		um_audit_due(vm, NULL);
}

/* Before an entry. Sleeps. */
static inline void um_audit_serve(struct um_vcpu *vcpu)
{
	if (um_request_check(vcpu, UM_REQ_AUDIT))
		um_audit(vcpu);
}

#endif
