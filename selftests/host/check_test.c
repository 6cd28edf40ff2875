// SPDX-License-Identifier: GPL-2.0
/*
 * The checker of failed VM entries: it finds nothing in states that a processor enters, and for
 * each rule, broken alone, it names that rule, its field and its section.
 */
#include "vmx/check.h"
#include "tap.h"

#define CR0_PE		BIT_ULL(0)
#define CR0_NE		BIT_ULL(5)
#define CR0_WP		BIT_ULL(16)
#define CR0_NW		BIT_ULL(29)
#define CR0_CD		BIT_ULL(30)
#define CR0_PG		BIT_ULL(31)
#define CR4_PAE		BIT_ULL(5)
#define CR4_VMXE	BIT_ULL(13)
#define CR4_PCIDE	BIT_ULL(17)
#define CR4_CET		BIT_ULL(23)
#define EFER_LME	BIT_ULL(8)
#define EFER_LMA	BIT_ULL(10)
#define RFLAGS_FIXED	BIT_ULL(1)
#define RFLAGS_TF	BIT_ULL(8)
#define RFLAGS_IF	BIT_ULL(9)
#define RFLAGS_VM	BIT_ULL(17)

#define PIN_NMI		BIT(3)
#define PIN_VNMI	BIT(5)
#define CPU_NMI_WINDOW	BIT(22)
#define CPU_CPU2	BIT(31)
#define CPU2_EPT	BIT(1)
#define CPU2_VPID	BIT(5)
#define CPU2_URG	BIT(7)
#define ENTRY_IA32E	BIT(9)

/* Interruption information: an event of a type. */
#define EVENT(type, vector)	(BIT(31) | (type) << 8 | (vector))
#define EVENT_ERROR		BIT(11)
enum { EXT, RESERVED, NMI, HARD, SOFT_INT, PRIV, SOFT_EXC };

#define BLOCK_STI	BIT(0)
#define BLOCK_MOV_SS	BIT(1)
#define BLOCK_NMI	BIT(3)
#define PENDING_BS	BIT_ULL(14)

/* Access rights: S and P set, a type; what a segment adds to that. */
#define AR(type)	(0x90 | (type))
#define AR_S		BIT(4)
#define AR_DPL3		(3 << 5)
#define AR_P		BIT(7)
#define AR_RESERVED	BIT(8)
#define AR_L		BIT(13)
#define AR_DB		BIT(14)
#define AR_G		BIT(15)
#define AR_UNUSABLE	BIT(16)
#define AR_V86		0xf3
#define AR_TSS		0x8b
#define AR_LDT		0x82

#define HIGH		BIT_ULL(32)	/* beyond 32 bits */
#define NON_CANONICAL	BIT_ULL(60)
#define BEYOND_PHYS	BIT_ULL(40)	/* of a machine with 40 bits */

static struct entry_seg seg(u32 ar)
{
	return (struct entry_seg){ .limit = 0xfffff, .ar = ar };
}

/* A 64-bit guest on EPT, with the unrestricted guest. */
static struct entry_view long_mode(void)
{
	struct entry_view v = {
		.pin = PIN_NMI | PIN_VNMI,
		.cpu = CPU_CPU2,
		.cpu2 = CPU2_EPT | CPU2_VPID | CPU2_URG,
		.entry = ENTRY_IA32E,
		.eptp = 0x1000 | 3 << 3 | 6,
		.vpid = 1,
		.cr0 = CR0_PE | CR0_NE | CR0_WP | CR0_PG,
		.cr3 = 0x2000,
		.cr4 = CR4_PAE | CR4_VMXE,
		.efer = EFER_LME | EFER_LMA,
		.dr7 = 0x400,
		.rip = 0xffffffff81000000ULL,
		.rflags = RFLAGS_FIXED,
		.gdtr_limit = 0xffff,
		.idtr_limit = 0xffff,
		.link = ~0ULL,
		.cr0_fixed0 = CR0_PE | CR0_NE | CR0_PG,
		.cr0_fixed1 = 0xffffffff,
		.cr4_fixed0 = CR4_VMXE,
		.cr4_fixed1 = 0xffffff,
		.maxphyaddr = 40,
		.zero_len = true,
	};
	unsigned int i;

	for (i = UM_ES; i <= UM_GS; i++)
		v.seg[i] = seg(AR(3));
	v.seg[UM_CS] = seg(AR(11) | AR_L);
	v.seg[UM_TR] = seg(AR_TSS);
	v.seg[UM_LDTR] = seg(AR_LDT);
	return v;
}

/* 32-bit code, PAE paging, on EPT. */
static struct entry_view pae(void)
{
	struct entry_view v = long_mode();

	v.entry = 0;
	v.efer = 0;
	v.rip = 0x1000;
	v.seg[UM_CS] = seg(AR(11) | AR_DB);
	v.pdpte[0] = 0x3001;
	return v;
}

/* The same on shadow paging: no EPT, no unrestricted guest. */
static struct entry_view shadow(void)
{
	struct entry_view v = pae();

	v.cpu2 = CPU2_VPID;
	v.pdpte[0] = 0;
	return v;
}

static struct entry_view real_mode(void)
{
	struct entry_view v = pae();

	v.cr0 = CR0_NE;
	v.cr4 = CR4_VMXE;
	v.seg[UM_CS] = seg(AR(3));
	return v;
}

static struct entry_view v86(void)
{
	struct entry_view v = shadow();
	unsigned int i;

	v.rflags |= RFLAGS_VM;
	for (i = UM_ES; i <= UM_GS; i++)
		v.seg[i] = (struct entry_seg){ .sel = 0x1234, .base = 0x12340,
					       .limit = 0xffff, .ar = AR_V86 };
	return v;
}

static void accepted(const struct entry_view *v, const char *what)
{
	struct entry_fault f = { "", "", "" };
	bool broken = vmx_check_entry(v, &f);

	ok(!broken, "%s enters%s%s %s", what, broken ? ", not: " : "", f.field, f.rule);
}

/* Part of a section's title tells which one it is. */
static void refused(const struct entry_view *v, const char *section, const char *field,
		    const char *rule)
{
	struct entry_fault f = { "", "", "nothing" };
	bool broken = vmx_check_entry(v, &f);

	ok(broken && strstr(f.section, section) && !strcmp(f.field, field) &&
	   !strcmp(f.rule, rule), "%s: %s (found: %s: %s)", field, rule, f.field, f.rule);
}

/* From the good view @base, after the statements, @rule of @field is broken. */
#define BREAKS(base, section, field, rule, ...) do {	\
	struct entry_view v = base();			\
	__VA_ARGS__;					\
	refused(&v, section, field, rule);		\
} while (0)

#define ENTERS(base, what, ...) do {			\
	struct entry_view v = base();			\
	__VA_ARGS__;					\
	accepted(&v, what);				\
} while (0)

static void test_good(void)
{
	ENTERS(long_mode, "long mode");
	ENTERS(pae, "PAE paging");
	ENTERS(shadow, "PAE paging without EPT");
	ENTERS(real_mode, "real mode");
	ENTERS(v86, "virtual-8086 mode");
	ENTERS(long_mode, "CR0 with CD and NW", v.cr0 |= CR0_CD | CR0_NW);
	ENTERS(long_mode, "an unusable DS", v.seg[UM_DS].ar = AR_UNUSABLE);
	ENTERS(long_mode, "an unusable SS of any type", v.seg[UM_SS_SEG].ar = AR_UNUSABLE);
	ENTERS(long_mode, "an unusable LDTR", v.seg[UM_LDTR].ar = AR_UNUSABLE);
	ENTERS(long_mode, "a 5-level EPT", v.eptp = 0x1000 | 4 << 3 | 6);
	ENTERS(long_mode, "a 57-bit address", v.rip = BIT_ULL(55));
	ENTERS(long_mode, "a page fault injected", v.intr_info = EVENT(HARD, UM_PF) | EVENT_ERROR);
	ENTERS(real_mode, "one in real mode, without a code", v.intr_info = EVENT(HARD, UM_PF));
	ENTERS(long_mode, "an interrupt injected with IF",
	       v.intr_info = EVENT(EXT, 32); v.rflags |= RFLAGS_IF);
	ENTERS(long_mode, "controls that are not activated", v.cpu = 0; v.vpid = 0;);
	ENTERS(pae, "an absent PDPTE", v.pdpte[1] = BEYOND_PHYS);
}

static void test_controls(void)
{
	static const char s[] = "VM-Execution Control";

	BREAKS(long_mode, s, "Pin-based controls", "virtual NMIs need NMI exiting",
	       v.pin = PIN_VNMI);
	BREAKS(long_mode, s, "Primary controls", "NMI-window exiting needs virtual NMIs",
	       v.pin = PIN_NMI; v.cpu |= CPU_NMI_WINDOW);
	BREAKS(long_mode, s, "VPID", "must not be 0000H when VPID is enabled", v.vpid = 0);
	BREAKS(long_mode, s, "Secondary controls", "unrestricted guest needs EPT",
	       v.cpu2 &= ~CPU2_EPT);
	BREAKS(long_mode, s, "EPTP", "memory type must be UC or WB", v.eptp ^= 2);
	BREAKS(long_mode, s, "EPTP", "page-walk length must be 4 or 5", v.eptp ^= 1 << 3);
	BREAKS(long_mode, s, "EPTP", "no bit beyond the physical-address width",
	       v.eptp |= BEYOND_PHYS);
}

static void test_injection(void)
{
	static const char s[] = "VM-Entry Control";
	static const char f[] = "VM-entry interruption-information";
	static const char length[] = "must be at most 15 for a software event";
	static const char zero[] = "must not be 0 for a software event on this CPU";

	BREAKS(long_mode, s, f, "interruption type 1 is reserved",
	       v.intr_info = EVENT(RESERVED, 0));
	BREAKS(long_mode, s, f, "an NMI's vector must be 2", v.intr_info = EVENT(NMI, 3));
	BREAKS(long_mode, s, f, "a hardware exception's vector must be at most 31",
	       v.intr_info = EVENT(HARD, 32));
	BREAKS(real_mode, s, f, "no error code in real mode",
	       v.intr_info = EVENT(HARD, UM_GP) | EVENT_ERROR);
	BREAKS(long_mode, s, f, "only hardware exceptions have error codes",
	       v.intr_info = EVENT(SOFT_EXC, UM_BP) | EVENT_ERROR);
	BREAKS(long_mode, s, f, "this exception must deliver its error code",
	       v.intr_info = EVENT(HARD, UM_GP));
	BREAKS(long_mode, s, f, "this exception has no error code",
	       v.intr_info = EVENT(HARD, UM_UD) | EVENT_ERROR);
	BREAKS(long_mode, s, f, "bits 30:12 must be 0", v.intr_info = EVENT(HARD, UM_UD) | BIT(12));
	BREAKS(long_mode, s, "VM-entry instruction length", length, v.insn_len = 16;
	       v.intr_info = EVENT(SOFT_INT, 0x80));
	BREAKS(long_mode, s, "VM-entry instruction length", zero, v.zero_len = false;
	       v.intr_info = EVENT(SOFT_EXC, UM_BP));
	ENTERS(long_mode, "a software event of length 0, where the CPU allows it",
	       v.intr_info = EVENT(SOFT_EXC, UM_BP));
	ENTERS(long_mode, "a software event of length 1", v.zero_len = false; v.insn_len = 1;
	       v.intr_info = EVENT(SOFT_EXC, UM_BP));
	ENTERS(long_mode, "a hardware event of no length", v.zero_len = false;
	       v.intr_info = EVENT(HARD, UM_UD));
}

static void test_cr0_cr4(void)
{
	static const char s[] = "Guest Control Registers";
	static const char one[] = "a bit fixed to 1 in VMX operation is 0";
	static const char zero[] = "a bit fixed to 0 in VMX operation is 1";

	BREAKS(long_mode, s, "Guest CR0", one, v.cr0 &= ~CR0_NE);
	BREAKS(shadow, s, "Guest CR0", one, v.cr0 &= ~CR0_PG);
	BREAKS(long_mode, s, "Guest CR0", zero, v.cr0 |= HIGH);
	BREAKS(pae, s, "Guest CR0", "PG needs PE", v.cr0 &= ~CR0_PE);
	BREAKS(long_mode, s, "Guest CR4", one, v.cr4 &= ~CR4_VMXE);
	BREAKS(long_mode, s, "Guest CR4", zero, v.cr4 |= HIGH);
	BREAKS(long_mode, s, "Guest CR4", "CET needs CR0.WP", v.cr4 |= CR4_CET; v.cr0 &= ~CR0_WP);
	BREAKS(long_mode, s, "Guest CR0", "IA-32e mode guest needs PG", v.cr0 &= ~CR0_PG);
	BREAKS(long_mode, s, "Guest CR4", "IA-32e mode guest needs PAE", v.cr4 &= ~CR4_PAE);
	BREAKS(pae, s, "Guest CR4", "PCIDE needs IA-32e mode guest", v.cr4 |= CR4_PCIDE);
	BREAKS(long_mode, s, "Guest CR3", "no bit beyond the physical-address width",
	       v.cr3 |= BEYOND_PHYS);
}

static void test_msrs(void)
{
	static const char s[] = "Debug Registers, and MSRs";

	BREAKS(long_mode, s, "Guest DR7", "bits 63:32 must be 0", v.dr7 |= HIGH);
	BREAKS(long_mode, s, "Guest IA32_SYSENTER_ESP", "must be canonical",
	       v.sysenter_esp = NON_CANONICAL);
	BREAKS(long_mode, s, "Guest IA32_SYSENTER_EIP", "must be canonical",
	       v.sysenter_eip = NON_CANONICAL);
	BREAKS(long_mode, s, "Guest IA32_EFER", "reserved bits must be 0", v.efer |= BIT(1));
	BREAKS(long_mode, s, "Guest IA32_EFER", "LMA must equal IA-32e mode guest", v.efer = 0);
	BREAKS(long_mode, s, "Guest IA32_EFER", "LMA must equal LME while paging is on",
	       v.efer &= ~EFER_LME);
}

static void test_cs(void)
{
	static const char s[] = "Guest Segment Registers", f[] = "CS access rights";
	static const char type[] =
		"type must be accessed code (9, 11, 13, 15; 3 for an unrestricted guest)";

	BREAKS(long_mode, s, f, "CS must be usable", v.seg[UM_CS].ar |= AR_UNUSABLE);
	BREAKS(long_mode, s, "CS base", "bits 63:32 must be 0", v.seg[UM_CS].base = HIGH);
	BREAKS(long_mode, s, f, type, v.seg[UM_CS].ar = AR(10));
	BREAKS(shadow, s, f, type, v.seg[UM_CS].ar = AR(3));
	BREAKS(long_mode, s, f, "S must be 1", v.seg[UM_CS].ar &= ~AR_S);
	BREAKS(real_mode, s, f, "DPL must be 0 for type 3", v.seg[UM_CS].ar |= AR_DPL3);
	BREAKS(long_mode, s, f, "DPL must equal that of SS", v.seg[UM_CS].ar |= AR_DPL3);
	BREAKS(long_mode, s, f, "DPL of conforming code must not exceed that of SS",
	       v.seg[UM_CS].ar = AR(15) | AR_DPL3);
	BREAKS(long_mode, s, f, "P must be 1", v.seg[UM_CS].ar &= ~AR_P);
	BREAKS(long_mode, s, f, "reserved bits must be 0", v.seg[UM_CS].ar |= AR_RESERVED);
	BREAKS(long_mode, s, f, "D/B must be 0 when L is 1", v.seg[UM_CS].ar |= AR_DB);
	BREAKS(long_mode, s, "CS limit", "must agree with G", v.seg[UM_CS].limit = 0xffffffff);
	BREAKS(long_mode, s, "CS limit", "must agree with G",
	       v.seg[UM_CS].ar |= AR_G; v.seg[UM_CS].limit = 0);
}

static void test_ss(void)
{
	static const char s[] = "Guest Segment Registers", f[] = "SS access rights";

	BREAKS(shadow, s, "SS selector", "RPL must equal that of CS", v.seg[UM_SS_SEG].sel = 3);
	BREAKS(shadow, s, f, "DPL must equal the selector's RPL",
	       v.seg[UM_CS].ar |= AR_DPL3; v.seg[UM_SS_SEG].ar |= AR_DPL3);
	BREAKS(real_mode, s, f, "DPL must be 0 in real mode or with CS type 3",
	       v.seg[UM_SS_SEG].ar |= AR_DPL3);
	BREAKS(long_mode, s, "SS base", "bits 63:32 must be 0", v.seg[UM_SS_SEG].base = HIGH);
	BREAKS(long_mode, s, f, "type must be accessed writable data (3, 7)",
	       v.seg[UM_SS_SEG].ar = AR(1));
	BREAKS(long_mode, s, f, "S and P must be 1", v.seg[UM_SS_SEG].ar &= ~AR_P);
	BREAKS(long_mode, s, f, "S and P must be 1", v.seg[UM_SS_SEG].ar &= ~AR_S);
	BREAKS(long_mode, s, f, "reserved bits must be 0", v.seg[UM_SS_SEG].ar |= AR_RESERVED);
	BREAKS(long_mode, s, "SS limit", "must agree with G", v.seg[UM_SS_SEG].ar |= AR_G;
	       v.seg[UM_SS_SEG].limit = 0);
}

static void test_data_segs(void)
{
	static const char s[] = "Guest Segment Registers";
	static const char rpl[] = "DPL must not be less than the selector's RPL";

	BREAKS(long_mode, s, "FS or GS base", "must be canonical",
	       v.seg[UM_GS].ar = AR_UNUSABLE; v.seg[UM_GS].base = NON_CANONICAL);
	BREAKS(long_mode, s, "DS or ES base", "bits 63:32 must be 0", v.seg[UM_ES].base = HIGH);
	BREAKS(long_mode, s, "DS access rights", "the segment must be accessed",
	       v.seg[UM_DS].ar = AR(2));
	BREAKS(long_mode, s, "FS access rights", "code must be readable",
	       v.seg[UM_FS].ar = AR(9));
	BREAKS(long_mode, s, "ES access rights", "S and P must be 1", v.seg[UM_ES].ar &= ~AR_P);
	BREAKS(long_mode, s, "GS access rights", "reserved bits must be 0",
	       v.seg[UM_GS].ar |= AR_RESERVED);
	BREAKS(long_mode, s, "DS access rights", "the limit must agree with G",
	       v.seg[UM_DS].limit = BIT(20));
	BREAKS(shadow, s, "GS access rights", rpl, v.seg[UM_GS].sel = 1);
	BREAKS(shadow, s, "ES access rights", rpl, v.seg[UM_ES].sel = 3;
	       v.seg[UM_ES].ar = AR(11));
	ENTERS(shadow, "a data segment with DPL above RPL", v.seg[UM_DS].ar |= AR_DPL3);
	ENTERS(shadow, "conforming code as data, DPL below RPL", v.seg[UM_DS].sel = 3;
	       v.seg[UM_DS].ar = AR(15));
	ENTERS(long_mode, "the same with the unrestricted guest", v.seg[UM_DS].sel = 3);
	ENTERS(shadow, "an unusable segment of any RPL", v.seg[UM_DS].sel = 3;
	       v.seg[UM_DS].ar = AR_UNUSABLE);
}

static void test_system_segs(void)
{
	static const char s[] = "Guest Segment Registers";
	static const char busy[] = "type must be a busy TSS (11, or 3 outside IA-32e mode)";

	ENTERS(pae, "a 16-bit TSS outside long mode", v.seg[UM_TR].ar = 0x83);
	BREAKS(long_mode, s, "TR selector", "TI must be 0", v.seg[UM_TR].sel = 4);
	BREAKS(long_mode, s, "TR base", "must be canonical", v.seg[UM_TR].base = NON_CANONICAL);
	BREAKS(long_mode, s, "TR access rights", busy, v.seg[UM_TR].ar = 0x89);
	BREAKS(long_mode, s, "TR access rights", busy, v.seg[UM_TR].ar = 0x83);
	BREAKS(long_mode, s, "TR access rights", "S 0, P 1, usable",
	       v.seg[UM_TR].ar |= AR_UNUSABLE);
	BREAKS(long_mode, s, "TR access rights", "reserved bits must be 0",
	       v.seg[UM_TR].ar |= AR_RESERVED);
	BREAKS(long_mode, s, "LDTR access rights", "reserved bits must be 0",
	       v.seg[UM_LDTR].ar |= AR_RESERVED);
	BREAKS(long_mode, s, "TR limit", "must agree with G", v.seg[UM_TR].ar |= AR_G;
	       v.seg[UM_TR].limit = 0x67);
	BREAKS(long_mode, s, "LDTR selector", "TI must be 0", v.seg[UM_LDTR].sel = 4);
	BREAKS(long_mode, s, "LDTR base", "must be canonical", v.seg[UM_LDTR].base = NON_CANONICAL);
	BREAKS(long_mode, s, "LDTR access rights", "type 2, S 0, P 1", v.seg[UM_LDTR].ar |= 1);
	BREAKS(long_mode, s, "LDTR limit", "must agree with G", v.seg[UM_LDTR].limit = BIT(20));
}

static void test_v86(void)
{
	static const char s[] = "Guest Segment Registers";

	BREAKS(v86, s, "Segment base", "virtual-8086 mode: selector shifted left by 4",
	       v.seg[UM_DS].base = 0);
	BREAKS(v86, s, "Segment limit", "virtual-8086 mode: 0000FFFFH",
	       v.seg[UM_GS].limit = 0xfffff);
	BREAKS(v86, s, "Segment access rights", "virtual-8086 mode: F3H", v.seg[UM_ES].ar = AR(3));
	BREAKS(v86, s, "TR selector", "TI must be 0", v.seg[UM_TR].sel = 4);
}

static void test_dtables(void)
{
	static const char s[] = "Descriptor-Table Registers";

	BREAKS(long_mode, s, "GDTR base", "must be canonical", v.gdtr_base = NON_CANONICAL);
	BREAKS(long_mode, s, "IDTR base", "must be canonical", v.idtr_base = NON_CANONICAL);
	BREAKS(long_mode, s, "GDTR limit", "bits 31:16 must be 0", v.gdtr_limit = BIT(16));
	BREAKS(long_mode, s, "IDTR limit", "bits 31:16 must be 0", v.idtr_limit = BIT(16));
}

static void test_rip_rflags(void)
{
	static const char s[] = "RIP, RFLAGS";

	BREAKS(pae, s, "Guest RIP", "bits 63:32 must be 0 outside 64-bit mode", v.rip = HIGH);
	BREAKS(long_mode, s, "Guest RIP", "must be canonical", v.rip = NON_CANONICAL);
	BREAKS(long_mode, s, "Guest RFLAGS", "reserved bits must be 0", v.rflags |= BIT(3));
	BREAKS(long_mode, s, "Guest RFLAGS", "bit 1 must be 1", v.rflags = 0);
	BREAKS(v86, s, "Guest RFLAGS", "VM must be 0 in IA-32e and in real mode",
	       v.entry = ENTRY_IA32E; v.efer = EFER_LME | EFER_LMA);
	BREAKS(long_mode, s, "Guest RFLAGS", "IF must be 1 to inject an external interrupt",
	       v.intr_info = EVENT(EXT, 32));
}

static void test_non_register(void)
{
	static const char s[] = "Non-Register State", f[] = "Interruptibility state";

	BREAKS(long_mode, s, "Activity state", "must be 0 to 3", v.activity = 4);
	BREAKS(long_mode, s, f, "bits 31:5 must be 0", v.intr_state = BIT(5));
	BREAKS(long_mode, s, f, "not both blocking by STI and by MOV SS", v.rflags |= RFLAGS_IF;
	       v.intr_state = BLOCK_STI | BLOCK_MOV_SS);
	BREAKS(long_mode, s, f, "no blocking by STI with IF 0", v.intr_state = BLOCK_STI);
	BREAKS(long_mode, s, f, "no blocking when an external interrupt is injected",
	       v.rflags |= RFLAGS_IF; v.intr_info = EVENT(EXT, 32); v.intr_state = BLOCK_STI);
	BREAKS(long_mode, s, f, "no blocking by MOV SS when an NMI is injected",
	       v.intr_info = EVENT(NMI, UM_NMI); v.intr_state = BLOCK_MOV_SS);
	BREAKS(long_mode, s, f, "no blocking by NMI when an NMI is injected",
	       v.intr_info = EVENT(NMI, UM_NMI); v.intr_state = BLOCK_NMI);
	BREAKS(long_mode, s, "Pending debug exceptions", "reserved bits must be 0",
	       v.pending_dbg = BIT(4));
	BREAKS(long_mode, s, "Pending debug exceptions", "reserved bits must be 0",
	       v.pending_dbg = BIT(13));
	BREAKS(long_mode, s, "Pending debug exceptions", "BS must be 1 with TF, without BTF",
	       v.rflags |= RFLAGS_TF; v.intr_state = BLOCK_MOV_SS);
	BREAKS(long_mode, s, "Pending debug exceptions", "BS must be 1 with TF, without BTF",
	       v.rflags |= RFLAGS_TF; v.activity = 1);
	BREAKS(long_mode, s, "Pending debug exceptions", "BS must be 0 without TF or with BTF",
	       v.pending_dbg = PENDING_BS; v.intr_state = BLOCK_MOV_SS);
	BREAKS(long_mode, s, "Pending debug exceptions", "BS must be 0 without TF or with BTF",
	       v.pending_dbg = PENDING_BS; v.rflags |= RFLAGS_TF | RFLAGS_IF; v.debugctl = BIT(1);
	       v.intr_state = BLOCK_STI);
	ENTERS(long_mode, "a single step pending behind MOV SS", v.rflags |= RFLAGS_TF;
	       v.intr_state = BLOCK_MOV_SS; v.pending_dbg = PENDING_BS);
	ENTERS(long_mode, "TF and nothing that holds debug exceptions", v.rflags |= RFLAGS_TF);
	BREAKS(long_mode, s, "VMCS link pointer", "must be all ones", v.link = 0);
}

static void test_pdptes(void)
{
	static const char s[] = "Page-Directory-Pointer-Table";

	BREAKS(pae, s, "Guest PDPTE", "reserved bits must be 0", v.pdpte[3] = 0x3001 | BIT(1));
	BREAKS(pae, s, "Guest PDPTE", "reserved bits must be 0", v.pdpte[0] |= BEYOND_PHYS);
	ENTERS(shadow, "PDPTEs that nobody loads", v.pdpte[0] = ~0ULL);
}

int main(void)
{
	test_good();
	test_controls();
	test_injection();
	test_cr0_cr4();
	test_msrs();
	test_cs();
	test_ss();
	test_data_segs();
	test_system_segs();
	test_v86();
	test_dtables();
	test_rip_rflags();
	test_non_register();
	test_pdptes();
	return tap_done();
}
