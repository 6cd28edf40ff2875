// SPDX-License-Identifier: GPL-2.0
/* Virtual machines with one slot of memory at gpa 0, and their vCPUs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "images.h"

void *host_pages(size_t size)
{
	void *hva = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (hva == MAP_FAILED)
		tap_bail("mmap of %zu bytes: %s", size, strerror(errno));
	return hva;
}

int vm_set_slot(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size,
		void *hva)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	return xioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

/* Real mode without unrestricted guest needs pages of its own; some devices have no such need. */
static void set_private_pages(struct vm *vm)
{
	__u64 identity = IDENTITY_MAP_GPA;

	if (has_cap(vm->dev, KVM_CAP_SET_IDENTITY_MAP_ADDR))
		must(xioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity));
	if (has_cap(vm->dev, KVM_CAP_SET_TSS_ADDR))
		must(xioctl_val(vm->fd, KVM_SET_TSS_ADDR, TSS_GPA));
}

struct vm *vm_create_mmu(int mmu)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	vm->dev = dev_open();
	vm->fd = must(xioctl_val(vm->dev, KVM_CREATE_VM, 0));
	if (mmu && has_cap(vm->dev, CAP_UMBRA_MMU))
		must(vm_choose_mmu(vm->fd, mmu));
	set_private_pages(vm);
	vm->mem_size = GUEST_MEM_SIZE;
	vm->mem = host_pages(vm->mem_size);
	must(vm_set_slot(vm, 0, 0, 0, vm->mem_size, vm->mem));
	return vm;
}

struct vm *vm_create(void)
{
	return vm_create_mmu(mmu_wanted());
}

void vm_destroy(struct vm *vm)
{
	close(vm->fd);
	close(vm->dev);
	munmap(vm->mem, vm->mem_size);
	free(vm);
}

struct vcpu *vcpu_create(struct vm *vm, unsigned int id)
{
	struct vcpu *vcpu = calloc(1, sizeof(*vcpu));

	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = must(xioctl_val(vm->fd, KVM_CREATE_VCPU, id));
	vcpu->run_size = must(xioctl_val(vm->dev, KVM_GET_VCPU_MMAP_SIZE, 0));
	vcpu->run = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		tap_bail("mmap of the vCPU: %s", strerror(errno));
	must(vcpu_set_supported_cpuid(vcpu->fd));
	vcpu->shared = (void *)(vm->mem + SHARED_GPA + id * SHARED_SIZE);
	return vcpu;
}

void vcpu_destroy(struct vcpu *vcpu)
{
	munmap(vcpu->run, vcpu->run_size);
	close(vcpu->fd);
	free(vcpu);
}

static const struct image *find_image(const char *program, enum guest_mode mode)
{
	uint64_t bits = mode == MODE_REAL ? 16 : mode < MODE_LONG ? 32 : 64;
	const struct image *image;

	for (image = images; image < images_end; image++)
		if (image->bits == bits && !strcmp(image->name, program))
			return image;
	tap_bail("no guest program %s of %d bits", program, (int)bits);
}

void vm_load(struct vm *vm, const char *program, enum guest_mode mode)
{
	const struct image *image = find_image(program, mode);
	uint64_t gpa = mode == MODE_REAL ? IMAGE16_GPA : IMAGE_GPA;
	uint64_t end = mode == MODE_REAL ? IMAGE_GPA : IMAGE_END;

	memset(vm->mem + gpa, 0, end - gpa);
	memcpy(vm->mem + gpa, image->start, image->end - image->start);
}

struct vcpu *guest_create(const char *program, enum guest_mode mode)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, 0);

	vm_load(vm, program, mode);
	vcpu_set_mode(vcpu, mode);
	return vcpu;
}

void guest_destroy(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	vcpu_destroy(vcpu);
	vm_destroy(vm);
}
