// SPDX-License-Identifier: GPL-2.0
/* Puts a vCPU that does not run into one of the CPU's modes, as a boot loader would. */
#include <string.h>

#include "pgtable.h"

#define CR0_PE		BIT(0)
#define CR0_ET		BIT(4)
#define CR0_NE		BIT(5)
#define CR0_WP		BIT(16)
#define CR0_PG		BIT(31)
#define CR4_PSE		BIT(4)
#define CR4_PAE		BIT(5)
#define CR4_OSFXSR	BIT(9)
#define CR4_LA57	BIT(12)
#define EFER_LME	BIT(8)
#define EFER_LMA	BIT(10)
#define EFER_NXE	BIT(11)
#define FLAGS_FIXED	2

const char *mode_name(enum guest_mode mode)
{
	static const char * const names[] = {
		[MODE_REAL] = "real", [MODE_PROT] = "unpaged", [MODE_PSE] = "2-level",
		[MODE_PAE] = "PAE", [MODE_LONG] = "4-level", [MODE_LA57] = "5-level",
	};

	return names[mode];
}

bool mode_offered(enum guest_mode mode)
{
	return mode != MODE_LA57 || cpuid_has(7, 0, CPUID_ECX, 16);
}

static struct kvm_segment flat_segment(uint16_t selector, uint8_t type, enum guest_mode mode)
{
	bool code64 = (type & 8) && mode >= MODE_LONG;

	return (struct kvm_segment) {
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
		.l = code64,
		.db = !code64,
	};
}

static struct kvm_segment real_segment(uint8_t type)
{
	return (struct kvm_segment) { .limit = 0xffff, .type = type, .present = 1, .s = 1 };
}

static void set_segments(struct kvm_sregs *s, enum guest_mode mode)
{
	bool real = mode == MODE_REAL;
	struct kvm_segment data = real ? real_segment(3) : flat_segment(SEL_KDATA, 3, mode);

	s->cs = real ? real_segment(11) : flat_segment(SEL_KCODE, 11, mode);
	s->ds = data;
	s->es = data;
	s->fs = data;
	s->gs = data;
	s->ss = data;
	s->tr = (struct kvm_segment) { .limit = 0xffff, .type = 11, .present = 1 };
	s->ldt = (struct kvm_segment) { .limit = 0xffff, .type = 2, .present = 1 };
	s->gdt = (struct kvm_dtable) { .limit = 0xffff };
	s->idt = (struct kvm_dtable) { .limit = real ? 0x3ff : 0 };
}

static void set_control(struct kvm_sregs *s, enum guest_mode mode)
{
	bool longmode = mode >= MODE_LONG;

	s->cr0 = CR0_ET | CR0_NE | (mode != MODE_REAL ? CR0_PE : 0) |
		 (mode >= MODE_PSE ? CR0_PG | CR0_WP : 0);
	s->cr4 = CR4_OSFXSR | (mode == MODE_PSE ? CR4_PSE : 0) |
		 (mode >= MODE_PAE ? CR4_PAE : 0) | (mode == MODE_LA57 ? CR4_LA57 : 0);
	s->efer = (longmode ? EFER_LME | EFER_LMA : 0) | (mode >= MODE_PAE ? EFER_NXE : 0);
	s->cr3 = 0;
}

void vcpu_set_mode(struct vcpu *vcpu, enum guest_mode mode)
{
	struct kvm_regs regs = { .rflags = FLAGS_FIXED, .rdi = vcpu->id };
	struct kvm_sregs sregs;
	struct pgtable pt;

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	set_segments(&sregs, mode);
	set_control(&sregs, mode);
	if (mode >= MODE_PSE) {
		pt_init(&pt, vcpu->vm, mode, TABLES_GPA);
		pt_identity(&pt);
		sregs.cr3 = pt.root;
	}
	regs.rip = mode == MODE_REAL ? IMAGE16_GPA : ENTRY_GPA;
	regs.rsp = mode == MODE_REAL ? STACK16_GPA :
		   STACK_GPA + (vcpu->id + 1) * STACK_SIZE - 16;
	must(xioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	must(xioctl(vcpu->fd, KVM_SET_REGS, &regs));
}
