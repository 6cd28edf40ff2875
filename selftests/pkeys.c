// SPDX-License-Identifier: GPL-2.0
/*
 * Protection keys beside what paging.c asks of page-table entries: PKRU as the host sees it, one
 * large page under two keys, accesses that are emulated, and what a vCPU without PKU is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/pgtable.h"
#include "guest/pkeys.h"

#define CR4_PKE		BIT(22)
#define XFEATURE_PKRU	9
#define XSTATE_BV	512		/* where an XSAVE area says what it holds */
#define PTE_KEY_BIT	59
#define LARGE_GPA	0x400000UL
#define DEVICE_GPA	0x60000000UL
#define FIRST_GVA	0x8000000000UL
#define SECOND_GVA	0x8080000000UL
#define SMALL_GVA	0x8040001000UL
#define DEVICE_GVA	0x80c0000000UL
#define RIGHTS		(PTE_P | PTE_W | PTE_U)
#define ERR_PK_READ	0x21		/* P and PK */
#define ERR_PK_WRITE	0x23

#define NO_ACCESS(key)	(1U << (2 * (key)))
#define NO_WRITE(key)	(2U << (2 * (key)))

static uint64_t with_key(uint64_t rights, unsigned int key)
{
	return rights | (uint64_t)key << PTE_KEY_BIT;
}

static struct vcpu *create(void)
{
	struct vcpu *vcpu = guest_create("pkeys", MODE_LONG);
	struct pgtable pt = {
		.vm = vcpu->vm, .mode = MODE_LONG, .next = TABLES_END - 16 * PAGE_SIZE
	};
	struct kvm_sregs sregs;

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	pt_map(&pt, SMALL_GVA, SCRATCH_GPA, with_key(RIGHTS, 4), 1);
	pt_map(&pt, FIRST_GVA, LARGE_GPA, with_key(RIGHTS, 5), 2);
	pt_map(&pt, SECOND_GVA, LARGE_GPA, with_key(RIGHTS, 6), 2);
	pt_map(&pt, DEVICE_GVA, DEVICE_GPA, PTE_P | PTE_W, 1);
	return vcpu;
}

/* The error code of the fault, 0 if the access succeeds, -1 if the guest did not get so far. */
static int outcome_of(struct vcpu *vcpu, int outcome, uint64_t gva)
{
	const unsigned long long *result = vcpu->shared->result;

	if (outcome != GUEST_DONE) {
		guest_report(vcpu, outcome);
		return -1;
	}
	if (!result[PKEYS_FAULTED])
		return 0;
	return result[PKEYS_CR2] == gva ? (int)result[PKEYS_ERROR] : -1;
}

static int access_gva(struct vcpu *vcpu, uint64_t op, uint32_t pkru, uint64_t gva)
{
	vcpu->shared->arg[0] = pkru;
	vcpu->shared->arg[1] = gva;
	return outcome_of(vcpu, guest_start_op(vcpu, op), gva);
}

/* The field of PKRU in KVM's XSAVE area, NULL if that does not hold it. */
static uint32_t *pkru_in(struct kvm_xsave *xsave)
{
	uint8_t *area = (uint8_t *)xsave;
	uint64_t held;

	memcpy(&held, area + XSTATE_BV, sizeof(held));
	if (!(held & 1U << XFEATURE_PKRU))
		return NULL;
	return (uint32_t *)(area + cpuid_value(0xd, XFEATURE_PKRU, CPUID_EBX));
}

static void test_state(struct vcpu *vcpu)
{
	struct kvm_xsave xsave;
	struct kvm_xcrs xcrs;
	uint32_t *pkru;

	must(xioctl(vcpu->fd, KVM_GET_XCRS, &xcrs));
	tap_ok(xcrs.xcrs[0].value == (1U << XFEATURE_PKRU | 1), "XCR0 has the guest's PKRU");
	vcpu->shared->arg[0] = 0x55555554;
	tap_ok(guest_start_op(vcpu, PKEYS_ROUND) == GUEST_SYNC, "the guest sets PKRU");
	must(xioctl(vcpu->fd, KVM_GET_XSAVE, &xsave));
	pkru = pkru_in(&xsave);
	if (!tap_ok(pkru && *pkru == 0x55555554, "GET_XSAVE holds the guest's PKRU"))
		return;
	*pkru = 0x12345678;
	must(xioctl(vcpu->fd, KVM_SET_XSAVE, &xsave));
	tap_ok(guest_run(vcpu) == GUEST_DONE && vcpu->shared->result[0] == 0x12345678,
	       "SET_XSAVE sets it");
}

static uint32_t own_pkru(void)
{
	uint32_t pkru, high;

	asm volatile("rdpkru" : "=a"(pkru), "=d"(high) : "c"(0));
	return pkru;
}

static void set_own_pkru(uint32_t pkru)
{
	asm volatile("wrpkru" : : "a"(pkru), "c"(0), "d"(0) : "memory");
}

static bool host_has_keys(void)
{
	uint32_t a = 7, b, c = 0, d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c & 1U << 4;
}

static void test_host_pkru(struct vcpu *vcpu)
{
	uint32_t before, mine;

	if (!host_has_keys()) {
		tap_skip("the host uses no protection keys", "the host's PKRU");
		return;
	}
	before = own_pkru();
	mine = before ^ NO_WRITE(7);
	set_own_pkru(mine);
	vcpu->shared->arg[0] = NO_ACCESS(9);
	tap_ok(guest_start_op(vcpu, PKEYS_ROUND) == GUEST_SYNC && own_pkru() == mine,
	       "the host's PKRU is its own after KVM_RUN");
	set_own_pkru(before);
	tap_ok(guest_run(vcpu) == GUEST_DONE && vcpu->shared->result[0] == NO_ACCESS(9),
	       "and the guest's stays the guest's");
}

static void test_two_keys(struct vcpu *vcpu)
{
	bool good = true;
	int i;

	for (i = 0; i < 2; i++) {
		good = good && !access_gva(vcpu, PKEYS_WRITE, NO_ACCESS(6), FIRST_GVA) &&
		       access_gva(vcpu, PKEYS_READ, NO_ACCESS(6), SECOND_GVA) == ERR_PK_READ;
		good = good && !access_gva(vcpu, PKEYS_READ, NO_WRITE(5), FIRST_GVA) &&
		       access_gva(vcpu, PKEYS_WRITE, NO_WRITE(5), FIRST_GVA) == ERR_PK_WRITE &&
		       !access_gva(vcpu, PKEYS_WRITE, NO_WRITE(5), SECOND_GVA);
	}
	tap_ok(good, "each mapping of a large page has its own key");
}

/* The instruction reads a device, so it is emulated, its write too. */
static int copy_from_device(struct vcpu *vcpu, uint32_t pkru, uint64_t gva, uint8_t byte)
{
	int outcome;

	vcpu->shared->arg[0] = pkru;
	vcpu->shared->arg[1] = gva;
	vcpu->shared->arg[2] = DEVICE_GVA;
	outcome = guest_start_op(vcpu, PKEYS_COPY);
	if (outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_MMIO) {
		vcpu->run->mmio.data[0] = byte;
		outcome = guest_run(vcpu);
	}
	return outcome_of(vcpu, outcome, gva);
}

static void test_emulated(struct vcpu *vcpu)
{
	uint8_t *page = vcpu->vm->mem + SCRATCH_GPA;

	*page = 1;
	tap_ok(copy_from_device(vcpu, NO_WRITE(4), SMALL_GVA, 2) == ERR_PK_WRITE && *page == 1,
	       "an emulated write faults by its key");
	tap_ok(copy_from_device(vcpu, NO_ACCESS(5), SMALL_GVA, 3) == 0 && *page == 3,
	       "and succeeds where that allows it");
}

static void test_without_pku(void)
{
	struct vcpu *vcpu = guest_create("pkeys", MODE_LONG);
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));
	struct kvm_sregs sregs;
	unsigned int i;

	cpuid->nent = 256;
	must(xioctl(vcpu->vm->dev, KVM_GET_SUPPORTED_CPUID, cpuid));
	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 7 && !cpuid->entries[i].index)
			cpuid->entries[i].ecx &= ~(1U << 3);
	must(xioctl(vcpu->fd, KVM_SET_CPUID2, cpuid));
	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	sregs.cr4 |= CR4_PKE;
	tap_ok(xioctl(vcpu->fd, KVM_SET_SREGS, &sregs) == -EINVAL,
	       "SET_SREGS refuses CR4.PKE without PKU in CPUID");
	tap_ok(guest_start_op(vcpu, PKEYS_ON) == GUEST_TRAPPED && vcpu->shared->trap.vector == 13,
	       "and so does MOV to CR4");
	free(cpuid);
	guest_destroy(vcpu);
}

int main(void)
{
	struct vcpu *vcpu;

	tap_start("pkeys", 120);
	if (!cpuid_has(7, 0, CPUID_ECX, 3)) {
		tap_skip("no PKU in CPUID", "protection keys");
		return tap_done();
	}
	vcpu = create();
	tap_ok(guest_start_op(vcpu, PKEYS_ON) == GUEST_DONE, "CPUID.OSPKE follows CR4.PKE");
	test_state(vcpu);
	test_host_pkru(vcpu);
	test_two_keys(vcpu);
	test_emulated(vcpu);
	guest_destroy(vcpu);
	test_without_pku();
	return tap_done();
}
