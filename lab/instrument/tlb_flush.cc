// SPDX-License-Identifier: GPL-2.0
/* The cost model's invalidations (SDM "Operations that Invalidate Cached Mappings"). */
#include "tlb.h"

static void forget_last(struct tlb *tlb)
{
	tlb->last[0].valid = tlb->last[1].valid = false;
}

template <class predicate> static void erase_leaves(struct tlb *tlb, predicate match)
{
	for (unsigned int i = 0; i < PAGE_SIZES; i++) {
		tlb->first[0][i].erase(match);
		tlb->first[1][i].erase(match);
		tlb->second[i].erase(match);
	}
	forget_last(tlb);
}

template <class predicate> static void erase_tables(struct lru<struct tlb_entry> *caches,
						    predicate match)
{
	for (unsigned int i = 0; i < TABLE_LEVELS; i++)
		caches[i].erase(match);
}

/* Linear and combined mappings, these for every EP4TA. */
static bool is_of(const struct tlb_entry &e, Bit32u vpid, Bit32u pcid)
{
	return e.space.vpid == vpid && (pcid == TLB_ANY_PCID || e.space.pcid == pcid);
}

void tlb_flush_vpid(struct tlb *tlb, Bit32u vpid, Bit32u pcid, bool keep_global)
{
	erase_leaves(tlb, [=](const struct tlb_entry &e) {
		return is_of(e, vpid, pcid) && !(keep_global && e.global);
	});
	erase_tables(tlb->tables, [=](const struct tlb_entry &e) {
		return is_of(e, vpid, pcid);
	});
}

void tlb_flush_all_vpids(struct tlb *tlb)
{
	auto match = [](const struct tlb_entry &e) {
		return e.space.vpid && e.space.vpid != TLB_GUEST_PHYSICAL;
	};

	erase_leaves(tlb, match);
	erase_tables(tlb->tables, match);
}

void tlb_flush_ept(struct tlb *tlb, bool single, Bit64u ep4ta)
{
	auto match = [=](const struct tlb_entry &e) {
		return e.space.ep4ta && (!single || e.space.ep4ta == ep4ta);
	};

	erase_leaves(tlb, match);
	erase_tables(tlb->tables, match);
	erase_tables(tlb->ept_tables, match);
}

/* Where a mapping of the address may be, for each size of page. */
template <class predicate> static void erase_leaves_at(struct tlb *tlb, Bit64u address,
						       predicate match)
{
	for (unsigned int level = 1; level <= PAGE_SIZES; level++) {
		Bit64u number = address >> level_shift(level);
		auto here = [=](const struct tlb_entry &e) {
			return e.level == level && e.number == number && match(e);
		};

		tlb->first[0][level - 1].erase_at(number, here);
		tlb->first[1][level - 1].erase_at(number, here);
		tlb->second[level - 1].erase_at(number, here);
		if (level == 2)
			tlb->second[0].erase_at(number, here);
	}
	forget_last(tlb);
}

void tlb_flush_address(struct tlb *tlb, Bit32u vpid, Bit32u pcid, Bit64u laddr, bool keep_global)
{
	erase_leaves_at(tlb, laddr, [=](const struct tlb_entry &e) {
		return e.space.vpid == vpid &&
		       (e.global ? !keep_global : is_of(e, vpid, pcid));
	});
	erase_tables(tlb->tables, [=](const struct tlb_entry &e) {
		return is_of(e, vpid, pcid);
	});
}

/* What an EPT violation evicts of the guest-physical mappings. */
void tlb_flush_gpa(struct tlb *tlb, Bit64u ep4ta, Bit64u gpa)
{
	erase_leaves_at(tlb, gpa, [=](const struct tlb_entry &e) {
		return e.space.vpid == TLB_GUEST_PHYSICAL && e.space.ep4ta == ep4ta;
	});
	erase_tables(tlb->ept_tables, [=](const struct tlb_entry &e) {
		return e.space.ep4ta == ep4ta && e.number == gpa >> level_shift(e.level);
	});
}

void tlb_flush_everything(struct tlb *tlb)
{
	auto all = [](const struct tlb_entry &) { return true; };

	erase_leaves(tlb, all);
	erase_tables(tlb->tables, all);
	erase_tables(tlb->ept_tables, all);
}
