// SPDX-License-Identifier: GPL-2.0
/* Say in words why a vCPU stopped, with its registers. */
#include <stdio.h>
#include <sys/ioctl.h>

#include "explain.h"

static const char * const exit_names[] = {
	[KVM_EXIT_UNKNOWN] = "UNKNOWN",
	[KVM_EXIT_EXCEPTION] = "EXCEPTION",
	[KVM_EXIT_IO] = "IO",
	[KVM_EXIT_HYPERCALL] = "HYPERCALL",
	[KVM_EXIT_DEBUG] = "DEBUG",
	[KVM_EXIT_HLT] = "HLT",
	[KVM_EXIT_MMIO] = "MMIO",
	[KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
	[KVM_EXIT_SHUTDOWN] = "SHUTDOWN",
	[KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
	[KVM_EXIT_INTR] = "INTR",
	[KVM_EXIT_SET_TPR] = "SET_TPR",
	[KVM_EXIT_TPR_ACCESS] = "TPR_ACCESS",
	[KVM_EXIT_NMI] = "NMI",
	[KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
	[KVM_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
};

const char *explain_exit_short(const struct vm *vm)
{
	static char text[80];
	u32 reason = vm->run->exit_reason;

	if (reason == KVM_EXIT_MMIO)
		snprintf(text, sizeof(text), "MMIO %s of %u bytes at gpa %#llx",
			 vm->run->mmio.is_write ? "write" : "read", vm->run->mmio.len,
			 vm->run->mmio.phys_addr);
	else if (reason == KVM_EXIT_IO)
		snprintf(text, sizeof(text), "IO on port %#x", vm->run->io.port);
	else if (reason < ARRAY_SIZE(exit_names) && exit_names[reason])
		snprintf(text, sizeof(text), "%s", exit_names[reason]);
	else
		snprintf(text, sizeof(text), "exit reason %u", reason);
	return text;
}

static void explain_shutdown(FILE *out)
{
	fputs("The guest triple-faulted: neither an exception nor the double fault that\n"
	      "followed could be delivered. Look at rip, cr2 and the IDT.\n", out);
}

static void explain_fail_entry(FILE *out, u64 reason)
{
	const char *meaning = "see the basic exit reasons in the SDM";

	switch (reason) {
	case 0x80000021:
		meaning = "the guest state is invalid";
		break;
	case 0x80000022:
		meaning = "loading the guest's MSRs failed";
		break;
	case 0x80000029:
		meaning = "a machine check came during VM entry";
		break;
	case 7:
		meaning = "the VMX control fields are invalid";
		break;
	case 8:
		meaning = "the host state is invalid";
		break;
	}
	fprintf(out, "VM entry failed, hardware reason %#lx: %s.\n"
		"The kernel log (dmesg) names the rule and the field.\n", reason, meaning);
}

static void explain_internal_error(FILE *out, const struct kvm_run *run)
{
	static const char * const suberrors[] = {
		[KVM_INTERNAL_ERROR_EMULATION] = "an instruction could not be emulated",
		[KVM_INTERNAL_ERROR_SIMUL_EX] = "exceptions came at the same time",
		[KVM_INTERNAL_ERROR_DELIVERY_EV] = "an exit came while an event was delivered",
		[KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON] = "the hardware exit was unexpected",
	};
	u32 suberror = run->internal.suberror;
	bool known = suberror < ARRAY_SIZE(suberrors) && suberrors[suberror];

	fprintf(out, "The hypervisor gave up: suberror %u, %s. Data:", suberror,
		known ? suberrors[suberror] : "unknown");
	for (u32 i = 0; i < run->internal.ndata && i < ARRAY_SIZE(run->internal.data); i++)
		fprintf(out, " %#llx", run->internal.data[i]);
	fputc('\n', out);
}

static void print_segment(FILE *out, const char *name, const struct kvm_segment *segment)
{
	fprintf(out, "%-3s %04x base %016llx limit %08x type %2u", name, segment->selector,
		segment->base, segment->limit, segment->type);
	fprintf(out, " p %u dpl %u db %u s %u l %u g %u\n", segment->present, segment->dpl,
		segment->db, segment->s, segment->l, segment->g);
}

static void print_regs(FILE *out, const struct kvm_regs *r)
{
	fprintf(out, "rip %016llx rsp %016llx rflags %08llx\n", r->rip, r->rsp, r->rflags);
	fprintf(out, "rax %016llx rbx %016llx rcx %016llx rdx %016llx\n",
		r->rax, r->rbx, r->rcx, r->rdx);
	fprintf(out, "rsi %016llx rdi %016llx rbp %016llx r8  %016llx\n",
		r->rsi, r->rdi, r->rbp, r->r8);
	fprintf(out, "r9  %016llx r10 %016llx r11 %016llx r12 %016llx\n",
		r->r9, r->r10, r->r11, r->r12);
	fprintf(out, "r13 %016llx r14 %016llx r15 %016llx\n", r->r13, r->r14, r->r15);
}

static void print_sregs(FILE *out, const struct kvm_sregs *s)
{
	fprintf(out, "cr0 %08llx cr2 %016llx cr3 %016llx cr4 %08llx efer %llx\n",
		s->cr0, s->cr2, s->cr3, s->cr4, s->efer);
	print_segment(out, "cs", &s->cs);
	print_segment(out, "ss", &s->ss);
	print_segment(out, "ds", &s->ds);
	print_segment(out, "es", &s->es);
	print_segment(out, "tr", &s->tr);
	fprintf(out, "gdt base %016llx limit %04x  idt base %016llx limit %04x\n",
		s->gdt.base, s->gdt.limit, s->idt.base, s->idt.limit);
}

static void print_code(FILE *out, const struct vm *vm, u64 gva)
{
	struct kvm_translation translation = { .linear_address = gva };
	u64 gpa;

	if (ioctl(vm->vcpu, KVM_TRANSLATE, &translation) || !translation.valid)
		return;
	gpa = translation.physical_address;
	fprintf(out, "code at gpa %#lx:", gpa);
	for (u64 i = gpa; i < gpa + 16 && i < vm->ram_size; i++)
		fprintf(out, " %02x", vm->ram[i]);
	fputc('\n', out);
}

void explain_registers(FILE *out, const struct vm *vm)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	if (ioctl(vm->vcpu, KVM_GET_REGS, &regs) || ioctl(vm->vcpu, KVM_GET_SREGS, &sregs)) {
		fputs("The registers cannot be read.\n", out);
		return;
	}
	print_regs(out, &regs);
	print_sregs(out, &sregs);
	print_code(out, vm, sregs.cs.base + regs.rip);
}

void explain_exit(FILE *out, const struct vm *vm)
{
	const struct kvm_run *run = vm->run;

	fprintf(out, "umbra: the vCPU stopped: %s\n", explain_exit_short(vm));
	switch (run->exit_reason) {
	case KVM_EXIT_SHUTDOWN:
		explain_shutdown(out);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		explain_fail_entry(out, run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		explain_internal_error(out, run);
		break;
	}
	explain_registers(out, vm);
}
