// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables linked as no usual system does it: guests that check, in every paging mode; and a
 * guest that turns paging on and off beside a vCPU that does not page and edits its tables.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/tabguest.h"
#include "guest/graphs.h"

#define CR4_PSE		BIT(4)
#define CR4_PAE		BIT(5)
#define CR4_OSFXSR	BIT(9)
#define RW		(PTE_P | PTE_W)
#define GIB		0x40000000ULL
#define HIGH_SLOT	3
#define HIGH_SIZE	0x400000UL
#define HIGH_GVA	0x80000000UL
#define PDE_HIGH_SHIFT	13	/* PSE-36: bits 39:32 of the address are bits 20:13 of the entry */

static const char * const ops[] = {
	[GRAPHS_TWO_LEVELS] = "one table at two levels",
	[GRAPHS_TWO_SPACES] = "one table in two address spaces",
	[GRAPHS_DATA] = "a table that is also data",
	[GRAPHS_ROOT] = "a root that maps itself",
	[GRAPHS_OWN_TABLE] = "the guest unmaps the pages of its own tables",
	[GRAPHS_OWN_CODE] = "the guest unmaps the page that it executes",
	[GRAPHS_CODE_SWAPPED] = "the guest maps another page under its own code",
	[GRAPHS_CLEAN] = "a table read through an entry with D, then written",
	[GRAPHS_PDPTE_LOADS] = "root entries are loaded with CR4.PGE and CR0.CD",
};

static uint64_t page_of(uint64_t gpa)
{
	return gpa & ~(PAGE_SIZE - 1);
}

static struct vcpu *create(enum guest_mode mode, unsigned long long *arg)
{
	struct vcpu *vcpu = guest_create("graphs", mode);
	struct graphs_args *args = (void *)(vcpu->vm->mem + CASES_GPA);
	struct kvm_sregs sregs;
	struct pgtable a, b;
	int level;

	arg[ARG_ENTRY_SIZE] = pt_entry_size(mode);
	arg[ARG_SPAN] = pt_page_size(mode, 2);
	arg[ARG_PDE] = tab_address_space(&a, vcpu->vm, mode, TABLES_GPA);
	arg[ARG_TABLE] = page_of(pt_read(&a, arg[ARG_PDE]));
	arg[ARG_PD] = page_of(arg[ARG_PDE]);
	args->pde_b = tab_address_space(&b, vcpu->vm, mode, a.next);
	arg[ARG_ROOT_B] = b.root;
	arg[ARG_TABLE_B] = page_of(pt_read(&b, args->pde_b));
	args->low_table = page_of(pt_entry(&a, 0, 1));
	for (level = pt_levels(mode); level; level--)
		args->path[pt_levels(mode) - level] = page_of(pt_entry(&a, 0, level));
	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	sregs.cr3 = a.root;
	must(xioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	return vcpu;
}

static bool possible(unsigned int op, enum guest_mode mode)
{
	if (op == GRAPHS_ROOT)
		return mode != MODE_PAE;
	return op != GRAPHS_PDPTE_LOADS || mode == MODE_PAE;
}

/* Each operation twice in one VM, so that the second meets what the first left behind. */
static void test_mode(enum guest_mode mode)
{
	unsigned long long arg[8] = { };
	struct vcpu *vcpu = create(mode, arg);
	unsigned int i;

	for (i = 0; i < 2 * GRAPHS_NR_OPS; i++) {
		if (!possible(i % GRAPHS_NR_OPS, mode))
			continue;
		memcpy(vcpu->shared->arg, arg, sizeof(arg));
		guest_test(vcpu, i % GRAPHS_NR_OPS, "%s: %s", mode_name(mode),
			   ops[i % GRAPHS_NR_OPS]);
	}
	guest_destroy(vcpu);
}

static bool op3(struct vcpu *vcpu, uint64_t op, uint64_t a, uint64_t b, uint64_t c)
{
	int outcome;

	vcpu->shared->arg[0] = a;
	vcpu->shared->arg[1] = b;
	vcpu->shared->arg[2] = c;
	outcome = guest_start_op(vcpu, op);
	if (outcome != GUEST_DONE)
		guest_report(vcpu, outcome);
	return outcome == GUEST_DONE;
}

static bool reads(struct vcpu *vcpu, uint64_t gva, bool flush, uint32_t want)
{
	if (!op3(vcpu, GRAPHS_GET, gva, flush, 0))
		return false;
	if (vcpu->shared->result[0] != want)
		tap_diag("at %#llx: %#llx, expected %#x", (unsigned long long)gva,
			 vcpu->shared->result[0], want);
	return vcpu->shared->result[0] == want;
}

/* vCPU 1 does not page. It edits vCPU 0's tables, before, while and after that one pages. */
struct pair {
	struct vcpu *vcpu[2];
	struct pgtable pt;
	uint64_t other;		/* a table that is not linked at first, for the same address */
	bool good;
};

static void unpaged_sets(struct pair *p, uint64_t entry, uint64_t pte)
{
	p->good &= op3(p->vcpu[1], GRAPHS_SET, entry, pte, pt_entry_size(p->pt.mode));
}

static void edit(struct pair *p, unsigned int i)
{
	uint64_t entry = pt_entry(&p->pt, TABLES_GVA, 1), pde = pt_entry(&p->pt, TABLES_GVA, 2);
	uint64_t table = page_of(entry);
	uint64_t frame = SCRATCH_GPA + i * PAGE_SIZE;

	unpaged_sets(p, entry, frame | RW);
	p->good &= reads(p->vcpu[0], TABLES_GVA, true, TABLES_MARK + i);
	p->good &= reads(p->vcpu[1], frame, false, TABLES_MARK + i);
	unpaged_sets(p, p->other, (frame + PAGE_SIZE) | RW);
	unpaged_sets(p, pde, p->other | RW);
	p->good &= reads(p->vcpu[0], TABLES_GVA, true, TABLES_MARK + i + 1);
	/* From absent to present needs no INVLPG. */
	unpaged_sets(p, p->other + pt_entry_size(p->pt.mode), (frame + 2 * PAGE_SIZE) | RW);
	p->good &= reads(p->vcpu[0], TABLES_GVA + PAGE_SIZE, false, TABLES_MARK + i + 2);
	unpaged_sets(p, p->other + pt_entry_size(p->pt.mode), 0);
	unpaged_sets(p, pde, table | RW);
	/* The paged vCPU writes where the other reads, and tables that the other then edits. */
	p->good &= op3(p->vcpu[0], GRAPHS_SET, LOW_END - PAGE_SIZE, i, 4);
	p->good &= reads(p->vcpu[1], LOW_END - PAGE_SIZE, false, i);
	p->good &= op3(p->vcpu[0], GRAPHS_SET, entry, (frame + PAGE_SIZE) | RW,
		       pt_entry_size(p->pt.mode));
	p->good &= reads(p->vcpu[0], TABLES_GVA, true, TABLES_MARK + i + 1);
}

static void test_beside_unpaged(enum guest_mode mode)
{
	uint64_t cr4 = CR4_OSFXSR | (mode == MODE_PAE ? CR4_PAE : CR4_PSE);
	struct pair p = { .vcpu[0] = guest_create("graphs", MODE_PROT), .good = true };
	struct vm *vm = p.vcpu[0]->vm;
	unsigned int round, i;

	p.vcpu[1] = vcpu_create(vm, 1);
	vcpu_set_mode(p.vcpu[1], MODE_PROT);
	pt_init(&p.pt, vm, mode, TABLES_GPA);
	pt_identity(&p.pt);
	pt_map(&p.pt, TABLES_GVA, SCRATCH_GPA, RW, 1);
	p.other = p.pt.next;
	memset(vm->mem + p.other, 0, PAGE_SIZE);
	for (i = 0; i < TABLES_FRAMES; i++)
		vm_write32(vm, SCRATCH_GPA + i * PAGE_SIZE, TABLES_MARK + i);
	for (round = 0; round < 3; round++) {
		p.good &= reads(p.vcpu[0], SCRATCH_GPA, false, TABLES_MARK);
		p.good &= reads(p.vcpu[1], SCRATCH_GPA, false, TABLES_MARK);
		p.good &= op3(p.vcpu[0], GRAPHS_PAGING_ON, p.pt.root, cr4, 0);
		for (i = 0; i < 8; i++)
			edit(&p, 8 * round + i);
		p.good &= op3(p.vcpu[0], GRAPHS_PAGING_OFF, 0, 0, 0);
		unpaged_sets(&p, pt_entry(&p.pt, TABLES_GVA, 1), 0);
		unpaged_sets(&p, pt_entry(&p.pt, TABLES_GVA, 1), SCRATCH_GPA | RW);
	}
	tap_ok(p.good, "unpaged to %s and back, beside a vCPU that does not page", mode_name(mode));
	vcpu_destroy(p.vcpu[1]);
	guest_destroy(p.vcpu[0]);
}

static bool kvm_without_ept(void)
{
	FILE *file = fopen("/sys/module/kvm_intel/parameters/ept", "re");
	int answer = file ? fgetc(file) : 'Y';

	if (file)
		fclose(file);
	return !dev_is_umbra() && answer == 'N';
}

struct writer {
	struct pgtable *pt;
	uint64_t entry, pte;
};

static void *write_later(void *arg)
{
	struct writer *w = arg;

	usleep(50000);
	pt_write(w->pt, w->entry, w->pte);
	return NULL;
}

static bool guest_faults(struct vcpu *vcpu, uint64_t gva, unsigned int times)
{
	return op3(vcpu, GRAPHS_TRY, gva, times, 1) && vcpu->shared->result[0] == times;
}

/*
 * The process makes an absent entry present: the guest, which has faulted there before, must see
 * it, at the next KVM_RUN or, as it goes on running, soon.
 */
static void test_host_links(struct vcpu *vcpu, struct pgtable *pt, uint64_t gva, int level)
{
	uint64_t entry = pt_entry(pt, gva, level), pte = pt_read(pt, entry);
	struct writer w = { pt, entry, pte };
	bool good = true;
	pthread_t thread;
	unsigned int i;

	for (i = 0; good && i < 8; i++) {
		good &= op3(vcpu, GRAPHS_SET, entry, 0, pt_entry_size(pt->mode));
		good &= guest_faults(vcpu, gva, i & 1 ? 40 : 2);
		if (i < 6) {
			pt_write(pt, entry, pte);
			good &= op3(vcpu, GRAPHS_TRY, gva, 1, 0) && !vcpu->shared->result[0];
			continue;
		}
		pthread_create(&thread, NULL, write_later, &w);
		good &= op3(vcpu, GRAPHS_AWAIT, gva, 0, 0);
		pthread_join(thread, NULL);
	}
	tap_ok(good, "%s: the process makes an absent entry of level %d present",
	       mode_name(pt->mode), level);
}

static void test_host_writes(enum guest_mode mode)
{
	struct vcpu *vcpu = guest_create("graphs", mode);
	struct pgtable pt;
	struct kvm_sregs sregs;
	int level;

	pt_init(&pt, vcpu->vm, mode, TABLES_GPA);
	pt_identity(&pt);
	pt_map(&pt, TABLES_GVA, SCRATCH_GPA, RW, 1);
	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	sregs.cr3 = pt.root;
	must(xioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	/* What is above leads to the code as well. */
	for (level = 1; level <= (mode == MODE_LONG ? 3 : 2); level++)
		test_host_links(vcpu, &pt, TABLES_GVA, level);
	guest_destroy(vcpu);
}

/*
 * A root entry of PAE that names a table outside of memory. With EPT the processor walks it, so the
 * guest sees a fault when it comes there; without, there is nothing to shadow: loading it shuts the
 * guest down, as on KVM of Linux 6.1.
 */
static void test_root_outside(void)
{
	struct vcpu *vcpu = guest_create("graphs", MODE_PAE);
	bool shadow = mmu_wanted() == MMU_SHADOW || kvm_without_ept();
	struct kvm_sregs sregs;
	int outcome;

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	*(uint64_t *)(vcpu->vm->mem + sregs.cr3 + 2 * sizeof(uint64_t)) = DEVICE_GPA | PTE_P;
	outcome = guest_start_op(vcpu, GRAPHS_RELOAD);
	if (shadow) {
		tap_ok(outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN,
		       "PAE: a root entry outside of memory: shutdown");
	} else {
		tap_eq(outcome, GUEST_DONE, "PAE: a root entry outside of memory is loaded");
		tap_ok(guest_faults(vcpu, 2 * GIB + 512, 1), "and its use is a fault");
	}
	guest_destroy(vcpu);
}

/* 4 MiB pages above 4 GiB (SDM "PSE-36 Mechanism"). */
static void test_pse36(uint64_t gpa)
{
	struct vcpu *vcpu = guest_create("graphs", MODE_PSE);
	uint8_t *mem = host_pages(HIGH_SIZE);
	struct kvm_sregs sregs;
	bool good = true;
	unsigned int i;

	must(vm_set_slot(vcpu->vm, HIGH_SLOT, 0, gpa, HIGH_SIZE, mem));
	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	vm_write32(vcpu->vm, sregs.cr3 + HIGH_GVA / HIGH_SIZE * 4,
		   (uint32_t)gpa | gpa >> 32 << PDE_HIGH_SHIFT | PTE_PS | RW);
	for (i = 0; i < HIGH_SIZE; i += HIGH_SIZE / 8 + PAGE_SIZE) {
		memcpy(mem + i, &i, sizeof(i));
		good &= reads(vcpu, HIGH_GVA + i, false, i);
		good &= op3(vcpu, GRAPHS_SET, HIGH_GVA + i, ~i, 4);
		good &= READ_ONCE(*(uint32_t *)(mem + i)) == ~i;
	}
	tap_ok(good, "PSE-36: a page of 4 MiB at %#llx", (unsigned long long)gpa);
	guest_destroy(vcpu);
	munmap(mem, HIGH_SIZE);
}

int main(void)
{
	tap_start("graphs", 200);
	test_mode(MODE_PSE);
	test_mode(MODE_PAE);
	test_mode(MODE_LONG);
	if (mode_offered(MODE_LA57))
		test_mode(MODE_LA57);
	else
		tap_skip("not in CPUID", "5-level paging");
	test_host_writes(MODE_PSE);
	test_host_writes(MODE_PAE);
	test_host_writes(MODE_LONG);
	test_beside_unpaged(MODE_PSE);
	test_beside_unpaged(MODE_PAE);
	test_root_outside();
	test_pse36(0x340000000);
	if ((cpuid_value(0x80000008, 0, CPUID_EAX) & 0xff) < 40)
		tap_skip("MAXPHYADDR is below 40", "PSE-36 with all of its bits");
	else if (kvm_without_ept())
		tap_skip("KVM without EPT knows 36 bits", "PSE-36 with all of its bits");
	else
		test_pse36(0xa100400000);
	return tap_done();
}
