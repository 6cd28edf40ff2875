// SPDX-License-Identifier: GPL-2.0
/* Coalesced MMIO and port writes: which accesses go to the ring, and a ring that is full or bad. */
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib/raw.h"

#define ZONE_GPA	0x10000000UL
#define ZONE_SIZE	0x100
#define ZONE_PORT	0x300
/* mov %eax, (%ebx); mov %ax, 4(%ebx); out %eax, %dx */
#define STORE4		"\x89\x03"
#define STORE2		"\x66\x89\x43\x04"
#define OUT4		"\xef"
/* 1: mov %eax, (%ebx); loop 1b */
#define STORE_LOOP	"\x89\x03\xe2\xfc"

static struct kvm_coalesced_mmio_ring *ring;
static unsigned int ring_size;

static int zone(struct vcpu *vcpu, unsigned long request, uint64_t start, uint32_t size,
		uint32_t pio)
{
	struct kvm_coalesced_mmio_zone z = { .addr = start, .size = size, .pio = pio };

	return xioctl(vcpu->vm->fd, request, &z);
}

static void load(struct vcpu *vcpu, const char *code, size_t size, uint64_t ebx, uint64_t ecx)
{
	raw_load(vcpu, code, size);
	raw_set_regs(vcpu, (struct kvm_regs){
		.rip = RAW_GPA,
		.rflags = 2,
		.rax = 0x11223344,
		.rbx = ebx,
		.rcx = ecx,
		.rdx = ZONE_PORT,
	});
}

#define load_code(vcpu, code, ebx, ecx)	load(vcpu, code, sizeof(code) - 1, ebx, ecx)

static bool entry_is(unsigned int i, uint64_t where, uint32_t len, uint32_t pio)
{
	const struct kvm_coalesced_mmio *e = &ring->coalesced_mmio[i];
	uint32_t value;

	memcpy(&value, e->data, sizeof(value));
	return e->phys_addr == where && e->len == len && e->pio == pio &&
	       value == (len == 4 ? 0x11223344 : 0x3344);
}

static void test_zones(struct vcpu *vcpu)
{
	tap_eq(zone(vcpu, KVM_REGISTER_COALESCED_MMIO, ZONE_GPA, ZONE_SIZE, 2), -EINVAL,
	       "a zone is of memory or of ports");
	load_code(vcpu, STORE4 RAW_END, ZONE_GPA, 0);
	tap_eq(raw_run(vcpu), KVM_EXIT_MMIO, "without a zone a write exits");
	tap_eq(raw_run(vcpu), KVM_EXIT_IO, "and goes on");
	tap_eq(zone(vcpu, KVM_REGISTER_COALESCED_MMIO, ZONE_GPA, ZONE_SIZE, 0), 0, "a zone");
	load_code(vcpu, STORE4 STORE2 OUT4 RAW_END, ZONE_GPA, 0);
	raw_run(vcpu);
	tap_ok(!raw_ended(vcpu), "its writes do not exit, OUT does");
	tap_eq(ring->last, 2, "two writes are in the ring");
	tap_ok(entry_is(0, ZONE_GPA, 4, 0) && entry_is(1, ZONE_GPA + 4, 2, 0), "as they were");
	tap_eq(raw_run(vcpu), KVM_EXIT_IO, "and the guest goes on");
	tap_eq(zone(vcpu, KVM_REGISTER_COALESCED_MMIO, ZONE_PORT, 4, 1), 0, "a zone of ports");
	load_code(vcpu, OUT4 RAW_END, ZONE_GPA, 0);
	tap_ok(raw_run(vcpu) == KVM_EXIT_IO && raw_ended(vcpu), "now the OUT does not exit");
	tap_ok(ring->last == 3 && entry_is(2, ZONE_PORT, 4, 1), "it is in the ring");
	load_code(vcpu, STORE4 RAW_END, ZONE_GPA + ZONE_SIZE - 2, 0);
	tap_eq(raw_run(vcpu), KVM_EXIT_MMIO, "a write beyond the end of the zone exits");
	raw_run(vcpu);
}

static void test_full(struct vcpu *vcpu)
{
	uint32_t last = ring->last;

	if (!dev_is_umbra()) {
		tap_skip("KVM before 6.11 miscounts where indices wrap", "a full ring");
		return;
	}
	ring->first = last;
	load_code(vcpu, STORE_LOOP RAW_END, ZONE_GPA, ring_size - 1);
	tap_ok(raw_run(vcpu) == KVM_EXIT_IO && raw_ended(vcpu), "the ring takes all but one entry");
	tap_eq((ring->last + 1) % ring_size, last, "then it is full");
	load_code(vcpu, STORE4 RAW_END, ZONE_GPA, 0);
	tap_eq(raw_run(vcpu), KVM_EXIT_MMIO, "and a write exits");
	raw_run(vcpu);
}

static void test_bad(struct vcpu *vcpu)
{
	ring->last = 0xfffffff0;
	load_code(vcpu, STORE4 RAW_END, ZONE_GPA, 0);
	tap_eq(raw_run(vcpu), KVM_EXIT_MMIO, "a write exits when the ring's end is nonsense");
	raw_run(vcpu);
	ring->first = 0;
	ring->last = 0;
}

static void test_unregister(struct vcpu *vcpu)
{
	tap_eq(zone(vcpu, KVM_UNREGISTER_COALESCED_MMIO, ZONE_GPA + 8, 8, 1), 0,
	       "a zone that is not there can be removed");
	load_code(vcpu, STORE4 RAW_END, ZONE_GPA, 0);
	tap_eq(raw_run(vcpu), KVM_EXIT_IO, "and removes no other");
	tap_eq(zone(vcpu, KVM_UNREGISTER_COALESCED_MMIO, ZONE_GPA + 8, 8, 0), 0,
	       "a part of a zone removes it");
	load_code(vcpu, STORE4 RAW_END, ZONE_GPA, 0);
	tap_eq(raw_run(vcpu), KVM_EXIT_MMIO, "its writes exit again");
	raw_run(vcpu);
}

int main(void)
{
	struct vcpu *vcpu;
	int page;

	tap_start("coalesced", 60);
	vcpu = raw_create_code(RAW_END);
	page = xioctl_val(vcpu->vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);
	if (page <= 0) {
		tap_skip("not offered", "coalesced MMIO");
		return tap_done();
	}
	vcpu_set_mode(vcpu, MODE_PROT);
	ring = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd,
		    page * (long)PAGE_SIZE);
	if (ring == MAP_FAILED)
		tap_bail("the ring cannot be mapped");
	ring_size = (PAGE_SIZE - sizeof(*ring)) / sizeof(ring->coalesced_mmio[0]);
	test_zones(vcpu);
	test_full(vcpu);
	test_bad(vcpu);
	test_unregister(vcpu);
	guest_destroy(vcpu);
	return tap_done();
}
