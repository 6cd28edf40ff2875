// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware tags run out and are handed out again: a guest must not find what another guest left
 * cached under its tag. lab/run --tlb stale sees it.
 */
#include <unistd.h>

#include "lib/vm.h"
#include "guest/basic.h"

#define NR_TAGS		65536U
#define GUESTS		32U	/* before, and again after; each takes a few tags */
#define VALUE		0x7a65U

static int create_vcpus(const struct vm *vm, unsigned int count)
{
	unsigned int id;
	int fd;

	for (id = 0; id < count; id++) {
		fd = xioctl_val(vm->fd, KVM_CREATE_VCPU, id);
		if (fd < 0)
			return fd;
		close(fd);
	}
	return 0;
}

/* Each vCPU takes a tag at least. */
static bool use_up(void)
{
	unsigned int per_vm, done;

	for (done = 0; done < NR_TAGS; done += per_vm) {
		struct vm *vm = vm_create();
		int err;

		per_vm = xioctl_val(vm->dev, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
		err = create_vcpus(vm, per_vm);
		vm_destroy(vm);
		if (err)
			return false;
	}
	return true;
}

static bool run_guests(unsigned int value)
{
	bool good = true;
	unsigned int i;

	for (i = 0; i < GUESTS; i++) {
		struct vcpu *vcpu = guest_create("basic", MODE_LONG);

		vm_write32(vcpu->vm, SCRATCH_GPA, value + i);
		vcpu->shared->arg[0] = SCRATCH_GPA;
		good &= guest_start_op(vcpu, BASIC_READ) == GUEST_DONE &&
			vcpu->shared->result[0] == value + i;
		guest_destroy(vcpu);
	}
	return good;
}

int main(void)
{
	tap_start("tags", 600);
	if (!dev_is_umbra()) {
		tap_skip("KVM has its own way with tags", "tags are handed out again");
		return tap_done();
	}
	tap_ok(run_guests(VALUE), "guests run");
	tap_ok(use_up(), "all tags are taken, and given back");
	tap_ok(run_guests(2 * VALUE), "guests run");
	return tap_done();
}
