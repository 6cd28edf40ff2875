// SPDX-License-Identifier: GPL-2.0
/* Two VMs in one process, one on each backend where there is a choice, by turns and at once. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "lib/vm.h"
#include "guest/basic.h"

#define GPA	(SCRATCH_GPA + 0x1000)
#define COUNTER	SCRATCH_GPA
#define STOP	(SCRATCH_GPA + 64)

/* On shadow paging where the CPU has nothing else. */
static struct vcpu *guest_on(int mmu, enum guest_mode mode)
{
	struct vm *vm = vm_create_mmu(mmu_offered(mmu) ? mmu : MMU_SHADOW);
	struct vcpu *vcpu = vcpu_create(vm, 0);

	vm_load(vm, "basic", mode);
	vcpu_set_mode(vcpu, mode);
	return vcpu;
}

static bool write_word(struct vcpu *vcpu, uint32_t value)
{
	vcpu->shared->arg[0] = GPA;
	vcpu->shared->arg[1] = value;
	return guest_start_op(vcpu, BASIC_WRITE) == GUEST_DONE;
}

static bool reads_word(struct vcpu *vcpu, uint32_t want)
{
	vcpu->shared->arg[0] = GPA;
	return guest_start_op(vcpu, BASIC_READ) == GUEST_DONE && vcpu->shared->result[0] == want;
}

static void test_turns(enum guest_mode mode_a, enum guest_mode mode_b)
{
	struct vcpu *a = guest_on(MMU_EPT, mode_a), *b = guest_on(MMU_SHADOW, mode_b);
	bool good = true;
	uint32_t i;

	for (i = 0; i < 20; i++) {
		good &= write_word(a, i) && write_word(b, ~i);
		good &= reads_word(a, i) && reads_word(b, ~i);
	}
	tap_ok(good, "by turns, %s and %s", mode_name(mode_a), mode_name(mode_b));
	guest_destroy(a);
	good = reads_word(b, ~(i - 1)) && write_word(b, 5) && reads_word(b, 5);
	tap_ok(good, "the second goes on after the first is gone");
	guest_destroy(b);
}

static void *count_thread(void *arg)
{
	struct vcpu *vcpu = arg;

	vcpu->shared->arg[0] = COUNTER;
	vcpu->shared->arg[1] = STOP;
	return (void *)(long)guest_start_op(vcpu, BASIC_COUNT);
}

static void test_at_once(void)
{
	struct vcpu *vcpu[] = { guest_on(MMU_EPT, MODE_LONG), guest_on(MMU_SHADOW, MODE_PAE) };
	uint32_t before[2];
	pthread_t thread[2];
	void *outcome[2];
	int i;

	for (i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, count_thread, vcpu[i]);
	usleep(300000);
	for (i = 0; i < 2; i++)
		before[i] = vm_read32(vcpu[i]->vm, COUNTER);
	usleep(300000);
	for (i = 0; i < 2; i++) {
		tap_ok(before[i] && vm_read32(vcpu[i]->vm, COUNTER) != before[i],
		       "at once: VM %d goes on", i);
		vm_write32(vcpu[i]->vm, STOP, 1);
	}
	for (i = 0; i < 2; i++) {
		pthread_join(thread[i], &outcome[i]);
		tap_eq((long)outcome[i], GUEST_DONE, "at once: VM %d ends", i);
		guest_destroy(vcpu[i]);
	}
}

/* Both VMs have the same host memory: what one writes, the other reads. */
static void test_shared_memory(void)
{
	struct vcpu *a = guest_on(MMU_EPT, MODE_LONG), *b = guest_on(MMU_SHADOW, MODE_LONG);
	bool good = true;
	uint32_t i;

	must(vm_set_slot(b->vm, 0, 0, 0, 0, NULL));
	must(vm_set_slot(b->vm, 0, 0, 0, b->vm->mem_size, a->vm->mem));
	b->shared = a->shared;
	for (i = 0; i < 10; i++)
		good &= write_word(a, i * 3) && reads_word(b, i * 3) && write_word(b, i * 5) &&
			reads_word(a, i * 5);
	tap_ok(good, "two VMs over the same host memory");
	guest_destroy(b);
	guest_destroy(a);
}

static void test_many(void)
{
	struct vcpu *vcpus[8];
	bool good = true;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vcpus); i++)
		vcpus[i] = guest_on(i & 1 ? MMU_EPT : MMU_SHADOW, i & 2 ? MODE_LONG : MODE_PSE);
	for (i = 0; i < ARRAY_SIZE(vcpus); i++)
		good &= write_word(vcpus[i], 1000 + i);
	for (i = 0; i < ARRAY_SIZE(vcpus); i++)
		good &= reads_word(vcpus[i], 1000 + i);
	tap_ok(good, "eight VMs");
	for (i = 0; i < ARRAY_SIZE(vcpus); i++)
		guest_destroy(vcpus[i]);
}

static void test_node(const char *path)
{
	int fd = open(path, O_RDWR), vm;

	if (!tap_ok(fd >= 0, "%s is there", path))
		return;
	tap_eq(xioctl_val(fd, KVM_GET_API_VERSION, 0), KVM_API_VERSION, "%s: API version", path);
	vm = xioctl_val(fd, KVM_CREATE_VM, 0);
	tap_ok(vm >= 0, "%s creates a VM", path);
	close(vm);
	close(fd);
}

int main(void)
{
	tap_start("twovms", 120);
	test_turns(MODE_LONG, MODE_LONG);
	test_turns(MODE_PAE, MODE_LONG);
	test_turns(MODE_PROT, MODE_PROT);
	test_at_once();
	test_shared_memory();
	test_many();
	if (dev_is_umbra()) {
		if (mmu_offered(MMU_EPT))
			test_node("/dev/umbra-ept");
		else
			tap_skip("the CPU has no EPT with unrestricted guest", "/dev/umbra-ept");
		test_node("/dev/umbra-shadow");
	} else {
		tap_skip("the backend choice is Umbra's", "nodes that fix the backend");
	}
	return tap_done();
}
