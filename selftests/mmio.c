// SPDX-License-Identifier: GPL-2.0
/* MMIO exits: many instructions, every width, page crossings; the device is plain bytes here. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/pgtable.h"
#include "guest/mmio.h"

#define TOTAL		(MMIO_SIZE + 2 * MMIO_AROUND)
#define LOW_GPA		(MMIO_GPA - MMIO_AROUND)
#define HIGH_GPA	(MMIO_GPA + MMIO_SIZE)

struct device {
	uint8_t bytes[MMIO_SIZE];
	unsigned int reads, writes;
	unsigned int width;	/* of each access; 0 = any */
	bool wrong;
};

struct setup {
	struct vcpu *vcpu;
	const char *mode;
	struct device dev;
	uint8_t *around;	/* the RAM before and after the device */
};

static void device_access(struct device *dev, struct kvm_run *run)
{
	uint64_t offset = run->mmio.phys_addr - MMIO_GPA;
	uint32_t len = run->mmio.len;

	if (!len || len > 8 || offset >= MMIO_SIZE || len > MMIO_SIZE - offset ||
	    (dev->width && len != dev->width)) {
		tap_diag("MMIO of %u bytes at %#llx", len, run->mmio.phys_addr);
		dev->wrong = true;
		return;
	}
	if (run->mmio.is_write)
		memcpy(dev->bytes + offset, run->mmio.data, len);
	else
		memcpy(run->mmio.data, dev->bytes + offset, len);
	dev->reads += !run->mmio.is_write;
	dev->writes += run->mmio.is_write;
}

static bool serve(struct setup *s, uint64_t op)
{
	struct vcpu *vcpu = s->vcpu;
	int outcome = guest_start_op(vcpu, op);

	while (outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_MMIO && !s->dev.wrong) {
		device_access(&s->dev, vcpu->run);
		outcome = guest_run(vcpu);
	}
	if (outcome == GUEST_EXIT || outcome < 0)
		guest_report(vcpu, outcome);
	return outcome == GUEST_DONE && !s->dev.wrong;
}

static void fill(struct setup *s)
{
	uint8_t *copy = s->vcpu->vm->mem + MMIO_COPY;
	unsigned int i;

	for (i = 0; i < TOTAL; i++)
		copy[i] = 0x91 + i * 37;
	memcpy(s->around, copy, MMIO_AROUND);
	memcpy(s->dev.bytes, copy + MMIO_AROUND, MMIO_SIZE);
	memcpy(s->around + MMIO_AROUND, copy + MMIO_AROUND + MMIO_SIZE, MMIO_AROUND);
	s->dev.reads = 0;
	s->dev.writes = 0;
	s->dev.wrong = false;
}

static bool same_memory(const struct setup *s)
{
	const uint8_t *copy = s->vcpu->vm->mem + MMIO_COPY;

	return !memcmp(s->around, copy, MMIO_AROUND) &&
	       !memcmp(s->dev.bytes, copy + MMIO_AROUND, MMIO_SIZE) &&
	       !memcmp(s->around + MMIO_AROUND, copy + MMIO_AROUND + MMIO_SIZE, MMIO_AROUND);
}

static void map_device(struct vcpu *vcpu, enum guest_mode mode)
{
	struct pgtable pt = { .vm = vcpu->vm, .mode = mode, .next = TABLES_END - 16 * PAGE_SIZE };
	struct kvm_sregs sregs;
	uint64_t gpa;

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	for (gpa = LOW_GPA; pt.root && gpa < LOW_GPA + TOTAL; gpa += PAGE_SIZE)
		pt_map(&pt, gpa, gpa, PTE_P | PTE_W, 1);
	if (!pt.root)
		return;
	pt_map(&pt, MMIO_USER_GVA, MMIO_GPA, PTE_P | PTE_W | PTE_U, 1);
	pt_map(&pt, MMIO_READONLY_GVA, MMIO_GPA, PTE_P, 1);
}

/* A failed form may leave the guest in the middle of an instruction: start it again. */
static void restart(struct setup *s, enum guest_mode mode)
{
	vm_load(s->vcpu->vm, "mmio", mode);
	vcpu_set_mode(s->vcpu, mode);
	map_device(s->vcpu, mode);
}

static bool run_form(struct setup *s, unsigned int form, uint64_t offset)
{
	bool done;

	fill(s);
	s->vcpu->shared->arg[0] = form;
	s->vcpu->shared->arg[1] = offset;
	done = serve(s, MMIO_RUN);
	if (done && !same_memory(s))
		tap_diag("memory differs from what the instruction does to RAM");
	return done && same_memory(s);
}

static void test_aligned(struct setup *s, enum guest_mode mode, unsigned int form,
			 const unsigned long long *about, const char *name)
{
	bool good;

	s->dev.width = about[FORM_WIDTH];
	good = run_form(s, form, 0x40);
	if (good && (s->dev.reads != about[FORM_READS] || s->dev.writes != about[FORM_WRITES])) {
		tap_diag("%u reads, %u writes; expected %llu and %llu", s->dev.reads,
			 s->dev.writes, about[FORM_READS], about[FORM_WRITES]);
		good = false;
	}
	if (!tap_ok(good, "%s: %s", s->mode, name))
		restart(s, mode);
}

static void test_crossing(struct setup *s, enum guest_mode mode, unsigned int form,
			  unsigned int width, const char *name)
{
	static const struct {
		uint64_t edge;
		const char *what;
	} edges[] = {
		{ 0, "from RAM into the device" },
		{ PAGE_SIZE, "between two pages of the device" },
		{ MMIO_SIZE, "from the device into RAM" },
	};
	unsigned int before;
	size_t i;

	s->dev.width = 0;
	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		bool good = true;

		for (before = 1; good && before < width; before++)
			good = run_form(s, form, edges[i].edge - before);
		if (!tap_ok(good, "%s: %s %s", s->mode, name, edges[i].what))
			restart(s, mode);
	}
}

static void test_unaligned(struct setup *s, enum guest_mode mode, unsigned int form,
			   unsigned int width, const char *name)
{
	unsigned int offset;
	bool good = true;

	s->dev.width = 0;
	for (offset = 1; good && offset < width; offset++)
		good = run_form(s, form, 0x40 + offset);
	if (!tap_ok(good, "%s: %s unaligned", s->mode, name))
		restart(s, mode);
}

static void test_forms(struct setup *s, enum guest_mode mode)
{
	struct guest_shared *sh = s->vcpu->shared;
	unsigned int form;

	for (form = 0; ; form++) {
		unsigned long long about[16];
		char name[32];

		sh->arg[0] = form;
		if (guest_start_op(s->vcpu, MMIO_DESCRIBE) != GUEST_DONE)
			tap_bail("the guest does not describe its forms");
		memcpy(about, sh->result, sizeof(about));
		if (!about[FORM_NAME])
			break;
		snprintf(name, sizeof(name), "%s", s->vcpu->vm->mem + about[FORM_NAME]);
		if (about[FORM_OURS] && !dev_is_umbra()) {
			tap_skip("KVM does not emulate it", "%s: %s", s->mode, name);
			continue;
		}
		if (about[FORM_AVX] && !cpuid_has(1, 0, CPUID_ECX, 28)) {
			tap_skip("no AVX in CPUID", "%s: %s", s->mode, name);
			continue;
		}
		test_aligned(s, mode, form, about, name);
		if (!about[FORM_ANYWHERE] || about[FORM_WIDTH] == 1)
			continue;
		test_unaligned(s, mode, form, about[FORM_WIDTH], name);
		test_crossing(s, mode, form, about[FORM_WIDTH], name);
	}
	tap_ok(form > 50, "%s: %u forms", s->mode, form);
}

/* Two reads and a write pass; the rest are the guest's own page faults. */
static void test_rights(struct setup *s)
{
	bool done;

	fill(s);
	s->dev.width = 4;
	done = serve(s, MMIO_RIGHTS);
	tap_ok(done && s->dev.reads == 2 && s->dev.writes == 1, "%s: page rights hold for MMIO",
	       s->mode);
}

static void test_mode(enum guest_mode mode)
{
	struct setup s = { .mode = mode_name(mode) };

	s.vcpu = guest_create("mmio", mode);
	s.around = host_pages(2 * MMIO_AROUND);
	must(vm_set_slot(s.vcpu->vm, 1, 0, LOW_GPA, MMIO_AROUND, s.around));
	must(vm_set_slot(s.vcpu->vm, 2, 0, HIGH_GPA, MMIO_AROUND, s.around + MMIO_AROUND));
	map_device(s.vcpu, mode);
	test_forms(&s, mode);
	if (mode >= MODE_PSE)
		test_rights(&s);
	guest_destroy(s.vcpu);
	munmap(s.around, 2 * MMIO_AROUND);
}

int main(void)
{
	tap_start("mmio", 300);
	test_mode(MODE_PROT);
	test_mode(MODE_PSE);
	test_mode(MODE_PAE);
	test_mode(MODE_LONG);
	return tap_done();
}
