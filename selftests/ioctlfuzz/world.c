// SPDX-License-Identifier: GPL-2.0
/*
 * The VMs of a world, each with a guest that starts from a template: the registers and the pages
 * that a guest of its mode has, made once by the usual library.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <asm/kvm_para.h>

#include "fuzz.h"
#include "../guest/apic.h"

#define ARENA		((void *)0x100000000000)	/* far from everything else */
#define VM_SLOTS	4
#define RUN_BYTES	(FUZZ_RUN_PAGES * PAGE_SIZE)
#define VM_BYTES	(GUEST_MEM_SIZE + VM_SLOTS * SLOT_BYTES + FUZZ_VCPUS * RUN_BYTES)
#define TEMPLATE_PAGES	256
#define RING_BYTES	0x4000
#define MODES		(MODE_LONG + 1)

static struct template {
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	uint64_t pte, pte_size;			/* of FUZZ_DATA */
	unsigned int pages;
	uint32_t gpa[TEMPLATE_PAGES];
	uint8_t *page[TEMPLATE_PAGES];
} templates[MODES];

struct fuzz_vm fuzz_vms[FUZZ_VMS];
int fuzz_dev, fuzz_events[FUZZ_EVENTS];
uint8_t *fuzz_arena;
size_t fuzz_arena_size = FUZZ_VMS * VM_BYTES;
struct kvm_cpuid2 *fuzz_cpuid;

static void map_window(struct template *tpl, struct vm *vm, enum guest_mode mode)
{
	static const uint64_t devices[FUZZ_DEVICES] = { APIC_GPA, IOAPIC_GPA, DEVICE_GPA, TSS_GPA };
	struct pgtable pt = { vm, mode, tpl->sregs.cr3, TABLES_END - 16 * PAGE_SIZE };
	unsigned int i;
	uint64_t gpa;

	for (i = 0; i < FUZZ_PAGES; i++) {
		gpa = FUZZ_SLOT_GPA + (i - FUZZ_DEVICES) * PAGE_SIZE;
		if (i < FUZZ_DEVICES)
			gpa = devices[i];
		pt_map(&pt, FUZZ_WINDOW + i * PAGE_SIZE, gpa, PTE_P | PTE_W | PTE_U, 1);
	}
	tpl->pte = pt_entry(&pt, FUZZ_DATA, 1);
	tpl->pte_size = pt_entry_size(mode);
}

static void keep_pages(struct template *tpl, struct vm *vm)
{
	static const uint8_t zeros[PAGE_SIZE];
	uint32_t gpa;

	for (gpa = 0; gpa < LOW_END; gpa += PAGE_SIZE) {
		if (!memcmp(vm->mem + gpa, zeros, PAGE_SIZE) || tpl->pages == TEMPLATE_PAGES)
			continue;
		tpl->gpa[tpl->pages] = gpa;
		tpl->page[tpl->pages] = host_pages(PAGE_SIZE);
		memcpy(tpl->page[tpl->pages++], vm->mem + gpa, PAGE_SIZE);
	}
}

static void make_template(enum guest_mode mode)
{
	struct vcpu *vcpu = guest_create(mode == MODE_REAL ? "pio" : "fuzz", mode);
	struct template *tpl = &templates[mode];

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &tpl->sregs));
	must(xioctl(vcpu->fd, KVM_GET_REGS, &tpl->regs));
	if (mode >= MODE_PSE)
		map_window(tpl, vcpu->vm, mode);
	keep_pages(tpl, vcpu->vm);
	guest_destroy(vcpu);
}

void fuzz_templates(void)
{
	int dev = dev_open();
	unsigned int mode;

	fuzz_cpuid = calloc(1, sizeof(*fuzz_cpuid) + FUZZ_CPUID * sizeof(fuzz_cpuid->entries[0]));
	fuzz_cpuid->nent = FUZZ_CPUID;
	must(xioctl(dev, KVM_GET_SUPPORTED_CPUID, fuzz_cpuid));
	close(dev);
	for (mode = 0; mode < MODES; mode++)
		make_template(mode);
}

static void set_cap(int fd, uint32_t what, uint64_t arg)
{
	struct kvm_enable_cap cap = { .cap = what, .args = { arg } };

	ioctl(fd, KVM_ENABLE_CAP, &cap);
}

/* No controllers, all of them, or the local APICs alone. */
static void choose_controllers(struct fuzz_thread *t, int fd)
{
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };

	switch (below(t, 4)) {
	case 0:
		break;
	case 1:
		set_cap(fd, KVM_CAP_SPLIT_IRQCHIP, 24);
		break;
	default:
		ioctl(fd, KVM_CREATE_IRQCHIP, 0);
		if (rarely(t, 2))
			ioctl(fd, KVM_CREATE_PIT2, &config);
	}
}

static void choose_features(struct fuzz_thread *t, int fd)
{
	int mmu = mmu_wanted() ? mmu_wanted() : MMU_EPT;

	vm_choose_mmu(fd, rarely(t, 8) ? MMU_EPT + MMU_SHADOW - mmu : mmu);
	choose_controllers(t, fd);
	if (rarely(t, 4))
		set_cap(fd, KVM_CAP_DIRTY_LOG_RING, RING_BYTES);
	else if (rarely(t, 2))
		set_cap(fd, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 1 + below(t, 3));
	if (rarely(t, 2))
		set_cap(fd, KVM_CAP_X86_USER_SPACE_MSR, below(t, 8));
}

static void add_slot(int fd, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size, void *hva)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .flags = flags, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	ioctl(fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static void add_slots(struct fuzz_thread *t, struct fuzz_vm *vm, int fd)
{
	add_slot(fd, 0, rarely(t, 4), 0, GUEST_MEM_SIZE, vm->mem);
	add_slot(fd, 1, below(t, 4), FUZZ_SLOT_GPA, SLOT_BYTES / 2, vm->mem + GUEST_MEM_SIZE);
	add_slot(fd, 2, below(t, 4), FUZZ_SLOT_GPA + SLOT_BYTES / 2, SLOT_BYTES / 4,
		 vm->mem + GUEST_MEM_SIZE + SLOT_BYTES);
}

void vcpu_map(struct fuzz_vm *vm, unsigned int nr)
{
	mmap(vm->run[nr], RUN_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, vm->vcpu[nr],
	     0);
}

/* The memory that the guest of this mode starts with; another vCPU may be using it. */
static void load_pages(struct fuzz_vm *vm)
{
	const struct template *tpl = &templates[vm->mode % MODES];
	unsigned int i;

	for (i = 0; i < tpl->pages; i++)
		fuzz_copy(vm->mem + tpl->gpa[i], tpl->page[i], PAGE_SIZE);
}

static void load_arguments(struct fuzz_thread *t, struct fuzz_vm *vm, unsigned int nr)
{
	const struct template *tpl = &templates[vm->mode % MODES];
	struct guest_shared shared = { .arg = { fuzz_random(t), tpl->pte, tpl->pte_size } };

	fuzz_copy(vm->mem + SHARED_GPA + nr * SHARED_SIZE, &shared, sizeof(shared));
}

/* What the guest would ask for: a clock and the time that was stolen, both in its memory. */
static void share_pages(struct fuzz_thread *t, int fd)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[2];
	} msrs = {
		.head.nmsrs = 2,
		.entries = { { .index = MSR_KVM_SYSTEM_TIME_NEW, .data = fuzz_gpa(t) | 1 },
			     { .index = MSR_KVM_STEAL_TIME, .data = (fuzz_gpa(t) & ~63ULL) | 1 } },
	};

	ioctl(fd, KVM_SET_MSRS, &msrs);
}

void vcpu_revive(struct fuzz_thread *t, struct fuzz_vm *vm, unsigned int nr)
{
	const struct template *tpl = &templates[vm->mode % MODES];
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	struct kvm_vcpu_events events = { 0 };
	struct kvm_guest_debug debug = { 0 };
	struct kvm_sregs sregs = tpl->sregs;
	struct kvm_regs regs = tpl->regs;
	int fd = vm->vcpu[nr];

	if (rarely(t, 2))
		load_pages(vm);
	load_arguments(t, vm, nr);
	sregs.apic_base = APIC_GPA | BIT(11) | (nr ? 0 : BIT(8));
	regs.rdi = nr;
	if (vm->mode != MODE_REAL)
		regs.rsp += nr * STACK_SIZE;
	ioctl(fd, KVM_SET_SIGNAL_MASK, NULL);
	ioctl(fd, KVM_SET_GUEST_DEBUG, &debug);
	ioctl(fd, KVM_SET_VCPU_EVENTS, &events);
	ioctl(fd, KVM_SET_SREGS, &sregs);
	ioctl(fd, KVM_SET_REGS, &regs);
	ioctl(fd, KVM_SET_MP_STATE, &runnable);
	if (rarely(t, 4))
		share_pages(t, fd);
}

static void close_vm(struct fuzz_vm *vm)
{
	unsigned int i;

	close(vm->fd);
	close(vm->stats);
	for (i = 0; i < FUZZ_VCPUS; i++)
		close(vm->vcpu[i]);
}

/* The old one goes away under whoever uses it. */
void vm_renew(struct fuzz_thread *t, struct fuzz_vm *vm)
{
	unsigned int i;
	int fd;

	close_vm(vm);
	mmap(vm->mem, VM_BYTES, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	vm->mode = below(t, MODES + 2) % MODES;
	fd = ioctl(fuzz_dev, KVM_CREATE_VM, 0);
	vm->fd = fd;
	if (rarely(t, 8))
		return;			/* left to the calls */
	choose_features(t, fd);
	add_slots(t, vm, fd);
	vm->stats = ioctl(fd, KVM_GET_STATS_FD, 0);
	load_pages(vm);
	for (i = 0; i < FUZZ_VCPUS; i++) {
		vm->vcpu[i] = ioctl(fd, KVM_CREATE_VCPU, i);
		ioctl(vm->vcpu[i], KVM_SET_CPUID2, fuzz_cpuid);
		vcpu_map(vm, i);
		vcpu_revive(t, vm, i);
	}
	__atomic_fetch_add(&fuzz_count->vms, 1, __ATOMIC_RELAXED);
}

static void place_vm(struct fuzz_vm *vm, unsigned int nr)
{
	unsigned int i;

	vm->fd = -1;
	vm->stats = -1;
	vm->mem = fuzz_arena + nr * VM_BYTES;
	for (i = 0; i < FUZZ_VCPUS; i++) {
		vm->vcpu[i] = -1;
		vm->run[i] = (void *)(vm->mem + VM_BYTES - (i + 1) * RUN_BYTES);
	}
}

void world_create(uint64_t seed)
{
	struct fuzz_thread t = { .random = seed };
	unsigned int i;

	fuzz_arena = mmap(ARENA, fuzz_arena_size, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	if (fuzz_arena != ARENA)
		tap_bail("no room for the guests' memory: %s", strerror(errno));
	fuzz_dev = dev_open();
	for (i = 0; i < FUZZ_EVENTS; i++)
		fuzz_events[i] = eventfd(0, EFD_NONBLOCK);
	for (i = 0; i < FUZZ_VMS; i++) {
		place_vm(&fuzz_vms[i], i);
		vm_renew(&t, &fuzz_vms[i]);
	}
}
