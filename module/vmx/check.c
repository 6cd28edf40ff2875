// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the rule that a failed VM entry broke. Pure; one function for each section of the
 * SDM, rules in its order.
 */
#include "check.h"

/*
 * Control-register and EFER bits that the rules name (SDM "Control Registers",
 * "Extended Feature Enable Register").
 */
#define CR0_PE		BIT_ULL(0)
#define CR0_PG		BIT_ULL(31)
#define CR0_IGNORED	(BIT_ULL(29) | BIT_ULL(30))	/* NW and CD are never checked */
#define CR4_PAE		BIT_ULL(5)
#define CR4_PCIDE	BIT_ULL(17)
#define CR4_CET		BIT_ULL(23)
#define CR0_WP		BIT_ULL(16)
#define EFER_LME_BIT	BIT_ULL(8)
#define EFER_LMA_BIT	BIT_ULL(10)
#define EFER_KNOWN	0xd01ULL
#define RFLAGS_IF	BIT_ULL(9)
#define RFLAGS_VM	BIT_ULL(17)
#define RFLAGS_RESERVED	(0xffffffffffc00000ULL | BIT_ULL(15) | BIT_ULL(5) | BIT_ULL(3))

/* Controls (SDM "VM-Execution Control Fields", "VM-Entry Control Fields"). */
#define ENTRY_IA32E	BIT(9)
#define PIN_NMI		BIT(3)
#define PIN_VNMI	BIT(5)
#define CPU_NMI_WINDOW	BIT(22)
#define CPU_CPU2	BIT(31)
#define CPU2_EPT	BIT(1)
#define CPU2_VPID	BIT(5)
#define CPU2_URG	BIT(7)
#define CPU2_PML	BIT(17)

/* Interruption information. */
#define INTR_VALID	BIT(31)
#define INTR_ERROR	BIT(11)
enum {
	TYPE_EXT, TYPE_RESERVED, TYPE_NMI, TYPE_HARD_EXC,
	TYPE_SOFT_INT, TYPE_PRIV_SOFT_EXC, TYPE_SOFT_EXC, TYPE_OTHER,
};

#define BLOCK_STI	BIT(0)
#define BLOCK_MOV_SS	BIT(1)
#define BLOCK_NMI	BIT(3)

static bool report(struct entry_fault *f, const char *field, const char *section, const char *rule)
{
	*f = (struct entry_fault){ field, section, rule };
	return true;
}

/* True, and reported, if the rule is broken. */
#define RULE(broken, field, rule)	((broken) && report(f, field, section, rule))

static bool canonical(u64 val)
{
	/* 57 bits: what no machine allows is what this refuses. */
	return (u64)((s64)(val << 7) >> 7) == val;
}

static u32 secondary(const struct entry_view *v)
{
	return v->cpu & CPU_CPU2 ? v->cpu2 : 0;
}

static bool ia32e(const struct entry_view *v)
{
	return v->entry & ENTRY_IA32E;
}

static bool check_controls(const struct entry_view *v, struct entry_fault *f)
{
	static const char section[] = "Checks on VM-Execution Control Fields";
	u32 cpu2 = secondary(v);

	return RULE((v->pin & PIN_VNMI) && !(v->pin & PIN_NMI), "Pin-based controls",
		    "virtual NMIs need NMI exiting") ||
	       RULE((v->cpu & CPU_NMI_WINDOW) && !(v->pin & PIN_VNMI), "Primary controls",
		    "NMI-window exiting needs virtual NMIs") ||
	       RULE((cpu2 & CPU2_VPID) && !v->vpid, "VPID",
		    "must not be 0000H when VPID is enabled") ||
	       RULE((cpu2 & CPU2_URG) && !(cpu2 & CPU2_EPT), "Secondary controls",
		    "unrestricted guest needs EPT") ||
	       RULE((cpu2 & CPU2_PML) && !(cpu2 & CPU2_EPT), "Secondary controls",
		    "PML needs EPT") ||
	       RULE((cpu2 & CPU2_EPT) && (v->eptp & 7) != 6 && (v->eptp & 7) != 0, "EPTP",
		    "memory type must be UC or WB") ||
	       RULE((cpu2 & CPU2_EPT) && ((v->eptp >> 3) & 7) != 3 && ((v->eptp >> 3) & 7) != 4,
		    "EPTP", "page-walk length must be 4 or 5") ||
	       RULE((cpu2 & CPU2_EPT) && v->eptp >> v->maxphyaddr, "EPTP",
		    "no bit beyond the physical-address width");
}

static bool has_error_code(u8 vector)
{
	return vector == UM_DF || (vector >= UM_TS && vector <= UM_PF) || vector == UM_AC ||
	       vector == 21;
}

static bool check_injection(const struct entry_view *v, struct entry_fault *f)
{
	static const char section[] = "Checks on VM-Entry Control Fields";
	static const char field[] = "VM-entry interruption-information";
	u32 info = v->intr_info, type = (info >> 8) & 7;
	u8 vector = info;
	bool pe = !(secondary(v) & CPU2_URG) || (v->cr0 & CR0_PE);
	bool soft = type == TYPE_SOFT_INT || type == TYPE_PRIV_SOFT_EXC || type == TYPE_SOFT_EXC;

	if (!(info & INTR_VALID))
		return false;
	return RULE(type == TYPE_RESERVED, field, "interruption type 1 is reserved") ||
	       RULE(type == TYPE_NMI && vector != UM_NMI, field, "an NMI's vector must be 2") ||
	       RULE(type == TYPE_HARD_EXC && vector > 31, field,
		    "a hardware exception's vector must be at most 31") ||
	       RULE((info & INTR_ERROR) && !pe, field, "no error code in real mode") ||
	       RULE((info & INTR_ERROR) && type != TYPE_HARD_EXC, field,
		    "only hardware exceptions have error codes") ||
	       RULE(pe && type == TYPE_HARD_EXC && has_error_code(vector) && !(info & INTR_ERROR),
		    field, "this exception must deliver its error code") ||
	       RULE((info & INTR_ERROR) && !has_error_code(vector), field,
		    "this exception has no error code") ||
	       RULE(info & 0x7ffff000u, field, "bits 30:12 must be 0") ||
	       RULE(soft && v->insn_len > 15, "VM-entry instruction length",
		    "must be at most 15 for a software event");
}

static bool check_cr0_cr4(const struct entry_view *v, struct entry_fault *f)
{
	static const char section[] =
		"Checks on Guest Control Registers, Debug Registers, and MSRs";
	u64 fixed0 = v->cr0_fixed0, cr0 = v->cr0 & ~CR0_IGNORED;

	if (secondary(v) & CPU2_URG)
		fixed0 &= ~(CR0_PE | CR0_PG);
	return RULE(fixed0 & ~CR0_IGNORED & ~cr0, "Guest CR0",
		    "a bit fixed to 1 in VMX operation is 0") ||
	       RULE(cr0 & ~v->cr0_fixed1, "Guest CR0", "a bit fixed to 0 in VMX operation is 1") ||
	       RULE((cr0 & CR0_PG) && !(cr0 & CR0_PE), "Guest CR0", "PG needs PE") ||
	       RULE(v->cr4_fixed0 & ~v->cr4, "Guest CR4",
		    "a bit fixed to 1 in VMX operation is 0") ||
	       RULE(v->cr4 & ~v->cr4_fixed1, "Guest CR4",
		    "a bit fixed to 0 in VMX operation is 1") ||
	       RULE((v->cr4 & CR4_CET) && !(cr0 & CR0_WP), "Guest CR4", "CET needs CR0.WP") ||
	       RULE(ia32e(v) && !(cr0 & CR0_PG), "Guest CR0", "IA-32e mode guest needs PG") ||
	       RULE(ia32e(v) && !(v->cr4 & CR4_PAE), "Guest CR4", "IA-32e mode guest needs PAE") ||
	       RULE(!ia32e(v) && (v->cr4 & CR4_PCIDE), "Guest CR4",
		    "PCIDE needs IA-32e mode guest") ||
	       RULE(v->cr3 >> v->maxphyaddr, "Guest CR3",
		    "no bit beyond the physical-address width");
}

static bool check_msrs(const struct entry_view *v, struct entry_fault *f)
{
	static const char section[] =
		"Checks on Guest Control Registers, Debug Registers, and MSRs";
	bool lma = v->efer & EFER_LMA_BIT, lme = v->efer & EFER_LME_BIT;

	return RULE(v->dr7 >> 32, "Guest DR7", "bits 63:32 must be 0") ||
	       RULE(!canonical(v->sysenter_esp), "Guest IA32_SYSENTER_ESP", "must be canonical") ||
	       RULE(!canonical(v->sysenter_eip), "Guest IA32_SYSENTER_EIP", "must be canonical") ||
	       RULE(v->efer & ~EFER_KNOWN, "Guest IA32_EFER", "reserved bits must be 0") ||
	       RULE(lma != ia32e(v), "Guest IA32_EFER", "LMA must equal IA-32e mode guest") ||
	       RULE((v->cr0 & CR0_PG) && lma != lme, "Guest IA32_EFER",
		    "LMA must equal LME while paging is on");
}

/* Segment access rights (SDM "Guest Register State"). */
#define SEG_TYPE(s)	((s)->ar & 15)
#define SEG_S(s)	((s)->ar & BIT(4))
#define SEG_DPL(s)	(((s)->ar >> 5) & 3)
#define SEG_P(s)	((s)->ar & BIT(7))
#define SEG_L(s)	((s)->ar & BIT(13))
#define SEG_DB(s)	((s)->ar & BIT(14))
#define SEG_G(s)	((s)->ar & BIT(15))
#define SEG_USABLE(s)	(!((s)->ar & BIT(16)))
#define SEG_RESERVED	0xfffe0f00u
#define SEG_RPL(s)	((s)->sel & 3)
#define SEG_TI(s)	((s)->sel & 4)

static bool granularity_wrong(const struct entry_seg *s)
{
	if ((s->limit & 0xfff) != 0xfff && SEG_G(s))
		return true;
	return (s->limit & 0xfff00000u) && !SEG_G(s);
}

static bool check_v86(const struct entry_view *v, struct entry_fault *f)
{
	static const char section[] = "Checks on Guest Segment Registers";
	unsigned int i;

	for (i = UM_ES; i <= UM_GS; i++) {
		const struct entry_seg *s = &v->seg[i];

		if (RULE(s->base != (u64)s->sel << 4, "Segment base",
			 "virtual-8086 mode: selector shifted left by 4") ||
		    RULE(s->limit != 0xffff, "Segment limit", "virtual-8086 mode: 0000FFFFH") ||
		    RULE(s->ar != 0xf3, "Segment access rights", "virtual-8086 mode: F3H"))
			return true;
	}
	return false;
}

static bool check_cs(const struct entry_view *v, struct entry_fault *f)
{
	static const char section[] = "Checks on Guest Segment Registers";
	const struct entry_seg *cs = &v->seg[UM_CS], *ss = &v->seg[UM_SS_SEG];
	u32 type = SEG_TYPE(cs);
	bool urg = secondary(v) & CPU2_URG;

	return RULE(!SEG_USABLE(cs), "CS access rights", "CS must be usable") ||
	       RULE(cs->base >> 32, "CS base", "bits 63:32 must be 0") ||
	       RULE(type != 9 && type != 11 && type != 13 && type != 15 && !(urg && type == 3),
		    "CS access rights",
		    "type must be accessed code (9, 11, 13, 15; 3 for an unrestricted guest)") ||
	       RULE(!SEG_S(cs), "CS access rights", "S must be 1") ||
	       RULE(type == 3 && SEG_DPL(cs), "CS access rights", "DPL must be 0 for type 3") ||
	       RULE((type == 9 || type == 11) && SEG_DPL(cs) != SEG_DPL(ss), "CS access rights",
		    "DPL must equal that of SS") ||
	       RULE((type == 13 || type == 15) && SEG_DPL(cs) > SEG_DPL(ss), "CS access rights",
		    "DPL of conforming code must not exceed that of SS") ||
	       RULE(!SEG_P(cs), "CS access rights", "P must be 1") ||
	       RULE(cs->ar & SEG_RESERVED, "CS access rights", "reserved bits must be 0") ||
	       RULE(ia32e(v) && SEG_L(cs) && SEG_DB(cs), "CS access rights",
		    "D/B must be 0 when L is 1") ||
	       RULE(granularity_wrong(cs), "CS limit", "must agree with G");
}

static bool check_ss(const struct entry_view *v, struct entry_fault *f)
{
	static const char section[] = "Checks on Guest Segment Registers";
	const struct entry_seg *cs = &v->seg[UM_CS], *ss = &v->seg[UM_SS_SEG];
	bool urg = secondary(v) & CPU2_URG;

	if (RULE(!urg && SEG_RPL(ss) != SEG_RPL(cs), "SS selector", "RPL must equal that of CS") ||
	    RULE(!urg && SEG_DPL(ss) != SEG_RPL(ss), "SS access rights",
		 "DPL must equal the selector's RPL") ||
	    RULE((SEG_TYPE(cs) == 3 || !(v->cr0 & CR0_PE)) && SEG_DPL(ss), "SS access rights",
		 "DPL must be 0 in real mode or with CS type 3"))
		return true;
	if (!SEG_USABLE(ss))
		return false;
	return RULE(ss->base >> 32, "SS base", "bits 63:32 must be 0") ||
	       RULE(SEG_TYPE(ss) != 3 && SEG_TYPE(ss) != 7, "SS access rights",
		    "type must be accessed writable data (3, 7)") ||
	       RULE(!SEG_S(ss) || !SEG_P(ss), "SS access rights", "S and P must be 1") ||
	       RULE(ss->ar & SEG_RESERVED, "SS access rights", "reserved bits must be 0") ||
	       RULE(granularity_wrong(ss), "SS limit", "must agree with G");
}

static bool check_data_seg(const struct entry_view *v, unsigned int i, struct entry_fault *f)
{
	static const char section[] = "Checks on Guest Segment Registers";
	static const char * const field[] = {
		[UM_ES] = "ES access rights", [UM_DS] = "DS access rights",
		[UM_FS] = "FS access rights", [UM_GS] = "GS access rights",
	};
	const struct entry_seg *s = &v->seg[i];

	if (RULE((i == UM_FS || i == UM_GS) && !canonical(s->base), "FS or GS base",
		 "must be canonical"))
		return true;
	if (!SEG_USABLE(s))
		return false;
	return RULE((i == UM_DS || i == UM_ES) && s->base >> 32, "DS or ES base",
		    "bits 63:32 must be 0") ||
	       RULE(!(SEG_TYPE(s) & 1), field[i], "the segment must be accessed") ||
	       RULE((SEG_TYPE(s) & 8) && !(SEG_TYPE(s) & 2), field[i], "code must be readable") ||
	       RULE(!SEG_S(s) || !SEG_P(s), field[i], "S and P must be 1") ||
	       RULE(s->ar & SEG_RESERVED, field[i], "reserved bits must be 0") ||
	       RULE(granularity_wrong(s), field[i], "the limit must agree with G");
}

static bool check_tr_ldtr(const struct entry_view *v, struct entry_fault *f)
{
	static const char section[] = "Checks on Guest Segment Registers";
	const struct entry_seg *tr = &v->seg[UM_TR], *ldtr = &v->seg[UM_LDTR];

	if (RULE(SEG_TI(tr), "TR selector", "TI must be 0") ||
	    RULE(!canonical(tr->base), "TR base", "must be canonical") ||
	    RULE(SEG_TYPE(tr) != 11 && !(SEG_TYPE(tr) == 3 && !ia32e(v)), "TR access rights",
		 "type must be a busy TSS (11, or 3 outside IA-32e mode)") ||
	    RULE(SEG_S(tr) || !SEG_P(tr) || !SEG_USABLE(tr), "TR access rights",
		 "S 0, P 1, usable") ||
	    RULE(granularity_wrong(tr), "TR limit", "must agree with G"))
		return true;
	if (!SEG_USABLE(ldtr))
		return false;
	return RULE(SEG_TI(ldtr), "LDTR selector", "TI must be 0") ||
	       RULE(!canonical(ldtr->base), "LDTR base", "must be canonical") ||
	       RULE(SEG_TYPE(ldtr) != 2 || SEG_S(ldtr) || !SEG_P(ldtr), "LDTR access rights",
		    "type 2, S 0, P 1") ||
	       RULE(granularity_wrong(ldtr), "LDTR limit", "must agree with G");
}

static bool check_segments(const struct entry_view *v, struct entry_fault *f)
{
	if (v->rflags & RFLAGS_VM)
		return check_v86(v, f) || check_tr_ldtr(v, f);
	return check_cs(v, f) || check_ss(v, f) ||
	       check_data_seg(v, UM_DS, f) || check_data_seg(v, UM_ES, f) ||
	       check_data_seg(v, UM_FS, f) || check_data_seg(v, UM_GS, f) ||
	       check_tr_ldtr(v, f);
}

static bool check_dtables(const struct entry_view *v, struct entry_fault *f)
{
	static const char section[] = "Checks on Guest Descriptor-Table Registers";

	return RULE(!canonical(v->gdtr_base), "GDTR base", "must be canonical") ||
	       RULE(!canonical(v->idtr_base), "IDTR base", "must be canonical") ||
	       RULE(v->gdtr_limit >> 16, "GDTR limit", "bits 31:16 must be 0") ||
	       RULE(v->idtr_limit >> 16, "IDTR limit", "bits 31:16 must be 0");
}

static bool check_rip_rflags(const struct entry_view *v, struct entry_fault *f)
{
	static const char section[] = "Checks on Guest RIP, RFLAGS, and SSP";
	bool long_code = ia32e(v) && SEG_L(&v->seg[UM_CS]);
	bool ext_intr = (v->intr_info & INTR_VALID) && ((v->intr_info >> 8) & 7) == TYPE_EXT;

	return RULE(!long_code && v->rip >> 32, "Guest RIP",
		    "bits 63:32 must be 0 outside 64-bit mode") ||
	       RULE(long_code && !canonical(v->rip), "Guest RIP", "must be canonical") ||
	       RULE(v->rflags & RFLAGS_RESERVED, "Guest RFLAGS", "reserved bits must be 0") ||
	       RULE(!(v->rflags & 2), "Guest RFLAGS", "bit 1 must be 1") ||
	       RULE((v->rflags & RFLAGS_VM) && (ia32e(v) || !(v->cr0 & CR0_PE)), "Guest RFLAGS",
		    "VM must be 0 in IA-32e and in real mode") ||
	       RULE(ext_intr && !(v->rflags & RFLAGS_IF), "Guest RFLAGS",
		    "IF must be 1 to inject an external interrupt");
}

static bool check_non_register(const struct entry_view *v, struct entry_fault *f)
{
	static const char section[] = "Checks on Guest Non-Register State";
	u32 type = (v->intr_info >> 8) & 7;
	bool inject = v->intr_info & INTR_VALID;

	return RULE(v->activity > 3, "Activity state", "must be 0 to 3") ||
	       RULE(v->intr_state & ~0x1fu, "Interruptibility state", "bits 31:5 must be 0") ||
	       RULE((v->intr_state & BLOCK_STI) && (v->intr_state & BLOCK_MOV_SS),
		    "Interruptibility state", "not both blocking by STI and by MOV SS") ||
	       RULE((v->intr_state & BLOCK_STI) && !(v->rflags & RFLAGS_IF),
		    "Interruptibility state", "no blocking by STI with IF 0") ||
	       RULE(inject && type == TYPE_EXT && (v->intr_state & (BLOCK_STI | BLOCK_MOV_SS)),
		    "Interruptibility state",
		    "no blocking when an external interrupt is injected") ||
	       RULE(inject && type == TYPE_NMI && (v->intr_state & BLOCK_MOV_SS),
		    "Interruptibility state", "no blocking by MOV SS when an NMI is injected") ||
	       RULE(inject && type == TYPE_NMI && (v->pin & PIN_VNMI) &&
		    (v->intr_state & BLOCK_NMI), "Interruptibility state",
		    "no blocking by NMI when an NMI is injected") ||
	       RULE(v->pending_dbg & ~0x1500fULL, "Pending debug exceptions",
		    "reserved bits must be 0") ||
	       RULE(v->link != ~0ULL, "VMCS link pointer", "must be all ones");
}

static bool check_pdptes(const struct entry_view *v, struct entry_fault *f)
{
	static const char section[] = "Checks on Guest Page-Directory-Pointer-Table Entries";
	u64 reserved = 0x1e6ULL | ~((1ULL << v->maxphyaddr) - 1);
	unsigned int i;

	if (!(v->cr0 & CR0_PG) || !(v->cr4 & CR4_PAE) || ia32e(v) || !(secondary(v) & CPU2_EPT))
		return false;
	for (i = 0; i < 4; i++) {
		if (RULE((v->pdpte[i] & 1) && (v->pdpte[i] & reserved), "Guest PDPTE",
			 "reserved bits must be 0"))
			return true;
	}
	return false;
}

bool vmx_check_entry(const struct entry_view *v, struct entry_fault *fault)
{
	return check_controls(v, fault) || check_injection(v, fault) || check_cr0_cr4(v, fault) ||
	       check_msrs(v, fault) || check_segments(v, fault) || check_dtables(v, fault) ||
	       check_rip_rflags(v, fault) || check_non_register(v, fault) || check_pdptes(v, fault);
}
