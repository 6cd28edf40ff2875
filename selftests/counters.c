// SPDX-License-Identifier: GPL-2.0
/* The exits that a module counts are those that happened: the lab's emulator counts them too. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <unistd.h>

#include "../lab/instrument/port.h"
#include "lib/pgtable.h"
#include "guest/exits.h"
#include "guest/insn.h"
#include "guest/step.h"
#include "guest/tables.h"

#define BOCHS_PORT	0xe9	/* reads as its number */
#define STATS_SIZE	65536
#define MAX_REASONS	4
#define MEMORY_CAUSES	"exits_exception exits_nmi exits_pf_guest exits_pf_hidden " \
			"exits_pf_write_track exits_mmio exits_ept_violation exits_ept_misconfig"

/* What the module calls one or more exit reasons; the others are exits_other. */
static const struct {
	const char *stats;
	unsigned int reasons[MAX_REASONS];
	unsigned int count;
} causes[] = {
	/* A page fault counts under its true cause, which may be one of EPT's names. */
	{ MEMORY_CAUSES, { 0, 48, 49 }, 3 },
	{ "exits_intr", { 1 }, 1 },
	{ "exits_triple_fault", { 2 }, 1 },
	{ "exits_irq_window", { 7 }, 1 },
	{ "exits_nmi_window", { 8 }, 1 },
	{ "exits_task_switch", { 9 }, 1 },
	{ "exits_cpuid", { 10 }, 1 },
	{ "exits_hlt", { 12 }, 1 },
	{ "exits_wbinvd", { 13, 54 }, 2 },
	{ "exits_invlpg", { 14 }, 1 },
	{ "exits_vmcall", { 18 }, 1 },
	{ "exits_cr0 exits_cr3 exits_cr4 exits_cr8", { 28 }, 1 },
	{ "exits_dr", { 29 }, 1 },
	{ "exits_io", { 30 }, 1 },
	{ "exits_rdmsr", { 31 }, 1 },
	{ "exits_wrmsr", { 32 }, 1 },
	{ "exits_pause", { 40 }, 1 },
	{ "exits_eoi", { 45 }, 1 },
	{ "exits_desc_table", { 46, 47 }, 2 },
	{ "exits_preempt_timer", { 52 }, 1 },
	{ "exits_xsetbv", { 55 }, 1 },
	{ "exits_apic_write", { 56 }, 1 },
	{ "exits_invpcid", { 58 }, 1 },
};

/* The statistics file of a vCPU: struct kvm_stats_header and what it points to. */
struct stats {
	union {
		struct kvm_stats_header header;
		uint8_t bytes[STATS_SIZE];
	};
};

static struct stats *stats_read(struct vcpu *vcpu)
{
	struct stats *stats = calloc(1, sizeof(*stats));
	int fd = must(xioctl_val(vcpu->fd, KVM_GET_STATS_FD, 0));

	if (!stats || pread(fd, stats->bytes, STATS_SIZE, 0) < (ssize_t)sizeof(stats->header))
		tap_bail("the statistics cannot be read");
	close(fd);
	return stats;
}

/* False if the device has no such counter. */
static bool stat_get(const struct stats *stats, const char *name, size_t len, uint64_t *value)
{
	const struct kvm_stats_header *h = &stats->header;
	size_t size = sizeof(struct kvm_stats_desc) + h->name_size;

	for (unsigned int i = 0; i < h->num_desc; i++) {
		const struct kvm_stats_desc *desc =
			(const void *)(stats->bytes + h->desc_offset + i * size);

		if (strlen(desc->name) == len && !memcmp(desc->name, name, len)) {
			memcpy(value, stats->bytes + h->data_offset + desc->offset, sizeof(*value));
			return true;
		}
	}
	return false;
}

static uint64_t stat_sum(const struct stats *stats, const char *names)
{
	uint64_t sum = 0, value;

	while (*names) {
		size_t len = strcspn(names, " ");

		if (!stat_get(stats, names, len, &value))
			tap_bail("no counter %s", names);
		sum += value;
		names += len + (names[len] == ' ');
	}
	return sum;
}

static uint64_t lab_command(unsigned int number, unsigned int argument)
{
	unsigned int low;

	outl(LAB_COMMAND(number, argument), LAB_PORT);
	low = inl(LAB_PORT);
	return (uint64_t)inl(LAB_PORT + sizeof(low)) << 32 | low;
}

static uint64_t lab_read(unsigned int counter)
{
	return lab_command(LAB_READ, counter);
}

static bool lab_present(void)
{
	if (ioperm(BOCHS_PORT, 1, 1) || inb(BOCHS_PORT) != BOCHS_PORT)
		return false;
	return !ioperm(LAB_PORT, LAB_ANSWER_SIZE, 1) &&
	       lab_command(LAB_PRESENT, 0) == ((uint64_t)LAB_VERSION << 32 | LAB_MAGIC);
}

static void test_port(void)
{
	tap_eq(lab_command(0, 0), LAB_ERROR, "command 0 is an error");
	tap_eq(lab_command(0xff, 1), LAB_ERROR, "so is an unknown one");
	tap_eq(lab_read(LAB_COUNTERS), LAB_ERROR, "so is a counter after the last");
	tap_eq(lab_read(LAB_ARGUMENT_MASK), LAB_ERROR, "and the highest number");
	tap_eq(lab_command(LAB_RESET, 0), 0, "reset");
	tap_eq(lab_read(LAB_OP_INSTRUCTIONS), 0, "after it all is 0 until the next latch");
	tap_eq(lab_command(LAB_LATCH, 0), 0, "latch");
	tap_ok(lab_read(LAB_OP_INSTRUCTIONS) > 0, "then instructions were counted");
	tap_eq(lab_read(LAB_OP_EXITS), 0, "and no exit");
	outb(LAB_LATCH, LAB_PORT + LAB_COMMAND_SIZE - 1);
	tap_eq(inb(LAB_PORT), 0, "a command may be written in bytes");
}

/* What of the emulator's exits no cause has taken. */
static uint64_t compare_cause(const struct stats *stats, size_t i)
{
	uint64_t happened = 0;

	for (unsigned int k = 0; k < causes[i].count; k++)
		happened += lab_read(causes[i].reasons[k]);
	tap_eq(stat_sum(stats, causes[i].stats), happened, "%.*s: %lu",
	       (int)strcspn(causes[i].stats, " "), causes[i].stats, happened);
	return happened;
}

static void compare(struct vcpu *vcpu)
{
	struct stats *stats = stats_read(vcpu);
	uint64_t left;

	lab_command(LAB_LATCH, 0);
	left = lab_read(LAB_OP_EXITS);
	tap_eq(stat_sum(stats, "exits"), left, "all %lu exits are counted", left);
	if (dev_is_umbra()) {
		for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
			left -= compare_cause(stats, i);
		tap_eq(stat_sum(stats, "exits_other"), left, "the others");
		tap_eq(stat_sum(stats, "entries"), lab_read(LAB_OP_ENTRIES), "VM entries");
	}
	free(stats);
}

/* Whatever the operation does: run it to its end, devices answer nothing. */
static void run(struct vcpu *vcpu, uint64_t op)
{
	int outcome = guest_start_op(vcpu, op);

	while (outcome == GUEST_SYNC ||
	       (outcome == GUEST_EXIT && (vcpu->run->exit_reason == KVM_EXIT_IO ||
					  vcpu->run->exit_reason == KVM_EXIT_MMIO ||
					  vcpu->run->exit_reason == KVM_EXIT_HLT)))
		outcome = guest_run(vcpu);
}

/* In a VM of its own, as a vCPU's counters begin at 0. */
static struct vcpu *counted_guest(const char *program, enum guest_mode mode)
{
	struct vcpu *vcpu = guest_create(program, mode);

	lab_command(LAB_RESET, 0);
	tap_diag("%s, %s", program, mode_name(mode));
	return vcpu;
}

static void test_insn(void)
{
	static const uint64_t ops[] = {
		INSN_TSC, INSN_MSR_FAULTS, INSN_CR_FAULTS, INSN_CR_BITS, INSN_CPUID,
		INSN_EXCEPTIONS, INSN_ALIGNMENT,
	};
	struct vcpu *vcpu = counted_guest("insn", MODE_LONG);

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		run(vcpu, ops[i]);
	compare(vcpu);
	guest_destroy(vcpu);
}

static void test_exits(enum guest_mode mode)
{
	struct vcpu *vcpu = counted_guest("exits", mode);

	run(vcpu, EXITS_VMCALL);
	run(vcpu, EXITS_HLT);
	run(vcpu, EXITS_TRIPLE_FAULT);
	compare(vcpu);
	guest_destroy(vcpu);
}

static void test_mmio(void)
{
	struct vcpu *vcpu = counted_guest("step", MODE_LONG);
	struct pgtable pt = { vcpu->vm, MODE_LONG, 0, TABLES_END - 16 * PAGE_SIZE };
	struct kvm_sregs sregs;

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	pt_map(&pt, STEP_DEVICE_GPA, STEP_DEVICE_GPA, PTE_P | PTE_W, 1);
	run(vcpu, STEP_MMIO_READ);
	run(vcpu, STEP_INSN);
	compare(vcpu);
	guest_destroy(vcpu);
}

/* Faults of every kind, INVLPG and MMIO, of a guest that edits its own tables. */
static void test_tables(enum guest_mode mode)
{
	static const uint64_t ops[] = {
		TABLES_REMAP, TABLES_RECURSIVE, TABLES_LARGE, TABLES_WIDTHS, TABLES_COPY,
		TABLES_MMIO,
	};
	struct vcpu *vcpu = counted_guest("tables", mode);
	struct kvm_sregs sregs;
	struct pgtable pt;

	pt_init(&pt, vcpu->vm, mode, TABLES_GPA);
	pt_identity(&pt);
	pt_map(&pt, TABLES_GVA, 0, 0, 1);
	vcpu->shared->arg[ARG_ENTRY_SIZE] = pt_entry_size(mode);
	vcpu->shared->arg[ARG_SPAN] = pt_page_size(mode, 2);
	vcpu->shared->arg[ARG_PDE] = pt_entry(&pt, TABLES_GVA, 2);
	vcpu->shared->arg[ARG_TABLE] =
		pt_read(&pt, vcpu->shared->arg[ARG_PDE]) & ~(PAGE_SIZE - 1);
	vcpu->shared->arg[ARG_PD] = vcpu->shared->arg[ARG_PDE] & ~(PAGE_SIZE - 1);
	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	sregs.cr3 = pt.root;
	must(xioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		run(vcpu, ops[i]);
	compare(vcpu);
	guest_destroy(vcpu);
}

static uint64_t tlb_read(unsigned int event)
{
	return lab_command(LAB_TLB_READ, event);
}

/* Each access is found in one place. */
static void tlb_adds_up(unsigned int context, const char *name)
{
	tap_eq(lab_command(LAB_TLB_SELECT, context), 0, "the context of %s", name);
	tap_eq(tlb_read(LAB_TLB_L1_HITS) + tlb_read(LAB_TLB_L2_HITS) + tlb_read(LAB_TLB_MISSES),
	       tlb_read(LAB_TLB_ACCESSES), "accesses of %s are hits or misses", name);
	tap_eq(tlb_read(LAB_TLB_FETCH_L1_HITS) + tlb_read(LAB_TLB_FETCH_L2_HITS) +
	       tlb_read(LAB_TLB_FETCH_MISSES), tlb_read(LAB_TLB_FETCHES), "and fetches");
	tap_eq(tlb_read(LAB_TLB_REFERENCES_L1) + tlb_read(LAB_TLB_REFERENCES_L2) +
	       tlb_read(LAB_TLB_REFERENCES_L3) + tlb_read(LAB_TLB_REFERENCES_MEMORY),
	       tlb_read(LAB_TLB_GUEST_REFERENCES) + tlb_read(LAB_TLB_EPT_REFERENCES),
	       "each reference has its cache");
	tap_ok(tlb_read(LAB_TLB_ACCESSES) > 0, "there were some");
}

static void test_tlb_port(void)
{
	tap_eq(lab_command(LAB_TLB_SELECT, LAB_TLB_CONTEXTS), LAB_ERROR, "no context too many");
	tap_eq(tlb_read(LAB_TLB_COUNTERS), LAB_ERROR, "no counter after the last");
	tap_eq(lab_command(LAB_TLB_LATENCY, LAB_TLB_LATENCIES), LAB_ERROR, "nor latency");
	tap_ok(lab_command(LAB_TLB_LATENCY, 1) < lab_command(LAB_TLB_LATENCY, 4),
	       "memory takes longer than the cache");
}

/* A guest with paging: EPT is walked if there is EPT, and by nobody but that guest. */
static void test_tlb(void)
{
	struct vcpu *vcpu;
	uint64_t ept, owner;

	if (lab_command(LAB_TLB_GEOMETRY, 0) == LAB_ERROR) {
		tap_eq(lab_command(LAB_TLB_SELECT, 0), LAB_ERROR, "the cost model is off");
		return;
	}
	test_tlb_port();
	vcpu = counted_guest("exits", MODE_LONG);
	run(vcpu, EXITS_VMCALL);
	lab_command(LAB_LATCH, 0);
	tlb_adds_up(LAB_TLB_HOST, "the host");
	tap_eq(tlb_read(LAB_TLB_EPT_REFERENCES), 0, "the host has no EPT");
	tlb_adds_up(LAB_TLB_GUESTS, "all guests");
	tlb_adds_up(LAB_TLB_FIRST_VMCS, "the one guest");
	owner = lab_command(LAB_TLB_OWNER, 0);
	ept = tlb_read(LAB_TLB_EPT_REFERENCES);
	tap_ok(owner & 1 ? ept > 0 : ept == 0, "%lu EPT entries read, %s", ept,
	       owner & 1 ? "with EPT" : "without");
	tap_eq(lab_command(LAB_TLB_SELECT, LAB_TLB_FIRST_VMCS + 1), LAB_ERROR, "no other guest");
	guest_destroy(vcpu);
}

int main(void)
{
	tap_start("counters", 120);
	if (!lab_present()) {
		tap_skip("not in the lab's emulator", "exits are counted as they happen");
		return tap_done();
	}
	test_port();
	test_insn();
	test_exits(MODE_PROT);
	test_exits(MODE_PSE);
	test_exits(MODE_PAE);
	test_exits(MODE_LONG);
	test_mmio();
	test_tables(MODE_PSE);
	test_tables(MODE_LONG);
	test_tlb();
	return tap_done();
}
