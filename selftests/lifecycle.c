// SPDX-License-Identifier: GPL-2.0
/* Lifetimes of device, VM and vCPU: close orders, mappings that stay, processes that die. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/vm.h"
#include "guest/basic.h"

#define NR_VMS 20

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static struct vcpu *basic_guest(void)
{
	return guest_create("basic", MODE_LONG);
}

static void test_device(void)
{
	int fd = dev_open();

	tap_eq(xioctl_val(fd, KVM_GET_API_VERSION, 0), KVM_API_VERSION, "API version");
	tap_ok(xioctl_val(fd, KVM_GET_VCPU_MMAP_SIZE, 0) >= (int)(2 * PAGE_SIZE),
	       "a vCPU's mapping has room for kvm_run and the I/O data");
	close(fd);
}

static void test_close_order(unsigned int order)
{
	static const int orders[6][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	static const char * const names[] = { "device", "VM", "vCPU" };
	const int *o = orders[order];
	struct vcpu *vcpu = basic_guest();
	int fds[] = { vcpu->vm->dev, vcpu->vm->fd, vcpu->fd };
	bool ran = guest_start_op(vcpu, BASIC_NOTHING) == GUEST_DONE;
	int i;

	for (i = 0; i < 3; i++)
		ran &= !close(fds[o[i]]);
	tap_ok(ran, "close %s, %s, %s", names[o[0]], names[o[1]], names[o[2]]);
	munmap(vcpu->run, vcpu->run_size);
	munmap(vcpu->vm->mem, vcpu->vm->mem_size);
	free(vcpu->vm);
	free(vcpu);
}

static void test_outlives(void)
{
	struct vcpu *vcpu = basic_guest();

	close(vcpu->vm->dev);
	close(vcpu->vm->fd);
	tap_eq(guest_start_op(vcpu, BASIC_NOTHING), GUEST_DONE,
	       "a vCPU runs after device and VM were closed");
	close(vcpu->fd);
	vcpu->run->immediate_exit = 1;
	tap_eq(vcpu->run->immediate_exit, 1, "its mapping lives after all were closed");
	munmap(vcpu->run, vcpu->run_size);
	munmap(vcpu->vm->mem, vcpu->vm->mem_size);
	free(vcpu->vm);
	free(vcpu);
}

static void test_leaks(void)
{
	int before = count_fds(), i;

	for (i = 0; i < NR_VMS; i++) {
		struct vcpu *vcpu = basic_guest();

		if (i % 2)
			guest_start_op(vcpu, BASIC_NOTHING);
		guest_destroy(vcpu);
	}
	tap_eq(count_fds(), before, "%d VMs leave no descriptor behind", NR_VMS);
}

static void test_descriptors(void)
{
	struct vcpu *vcpu = basic_guest();
	char byte;

	tap_ok(fcntl(vcpu->vm->fd, F_GETFD) & FD_CLOEXEC, "a VM's descriptor is close-on-exec");
	tap_ok(fcntl(vcpu->fd, F_GETFD) & FD_CLOEXEC, "a vCPU's descriptor is close-on-exec");
	tap_ok(read(vcpu->vm->fd, &byte, 1) < 0 && errno == EINVAL, "read of a VM is EINVAL");
	tap_ok(read(vcpu->fd, &byte, 1) < 0 && errno == EINVAL, "read of a vCPU is EINVAL");
	tap_ok(mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, vcpu->vm->fd, 0) == MAP_FAILED &&
	       errno == ENODEV, "mmap of a VM is ENODEV");
	guest_destroy(vcpu);
}

/* What the first one gives back as it goes is flushed for those that are left, and no others. */
static void test_vcpus_end(void)
{
	struct vcpu *vcpu = basic_guest(), *other = vcpu_create(vcpu->vm, 1);
	bool ran;

	vcpu_set_mode(other, MODE_LONG);
	ran = guest_start_op(vcpu, BASIC_NOTHING) == GUEST_DONE &&
	      guest_start_op(other, BASIC_NOTHING) == GUEST_DONE;
	ran &= !vm_set_slot(vcpu->vm, 0, 0, 0, 0, NULL);
	vcpu_destroy(other);
	guest_destroy(vcpu);
	tap_ok(ran, "two vCPUs end with tables whose memory is gone");
}

/* The status of a child that runs fn. */
static int in_child(int (*fn)(struct vcpu *vcpu), struct vcpu *vcpu)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(fn(vcpu));
	waitpid(pid, &status, 0);
	return status;
}

static int touch_beyond(struct vcpu *vcpu)
{
	char *p = mmap(NULL, vcpu->run_size + PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		       vcpu->fd, 0);

	if (p == MAP_FAILED)
		return 1;
	WRITE_ONCE(p[vcpu->run_size], 1);
	return 0;
}

static int use_foreign_vcpu(struct vcpu *vcpu)
{
	struct kvm_regs regs;

	return xioctl(vcpu->fd, KVM_GET_REGS, &regs) == -EIO &&
	       vcpu_run(vcpu) == -EIO &&
	       xioctl_val(vcpu->vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS) == -EIO &&
	       xioctl_val(vcpu->vm->fd, KVM_CREATE_VCPU, 1) == -EIO;
}

static int exit_with_vm(struct vcpu *vcpu)
{
	(void)vcpu;
	vcpu = basic_guest();
	return guest_start_op(vcpu, BASIC_NOTHING) != GUEST_DONE;
}

static void test_processes(void)
{
	struct vcpu *vcpu = basic_guest();
	int status = in_child(touch_beyond, vcpu);

	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS,
	       "access beyond the vCPU's mapping is SIGBUS");
	status = in_child(use_foreign_vcpu, vcpu);
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 1, "ioctls from another mm are EIO");
	tap_eq(guest_start_op(vcpu, BASIC_NOTHING), GUEST_DONE, "the VM is as before");
	tap_eq(in_child(exit_with_vm, NULL), 0, "a process ends with a VM open");
	guest_destroy(vcpu);
}

static void test_killed(void)
{
	struct vcpu *vcpu;
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		vcpu = basic_guest();
		guest_start_op(vcpu, BASIC_SPIN);
		_exit(1);
	}
	usleep(200000);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	       "a process with a running guest can be killed");
	vcpu = basic_guest();
	tap_eq(guest_start_op(vcpu, BASIC_NOTHING), GUEST_DONE, "the next VM works");
	guest_destroy(vcpu);
}

static void *run_elsewhere(void *vcpu)
{
	return (void *)(long)guest_start_op(vcpu, BASIC_NOTHING);
}

static void test_threads(void)
{
	struct vcpu *vcpu = basic_guest();
	bool good = true;
	pthread_t thread;
	void *outcome;
	int i;

	for (i = 0; i < 5; i++) {
		pthread_create(&thread, NULL, run_elsewhere, vcpu);
		pthread_join(thread, &outcome);
		good &= (long)outcome == GUEST_DONE;
	}
	tap_ok(good, "threads take turns in running one vCPU");
	guest_destroy(vcpu);
}

static void test_two_maps(void)
{
	struct vcpu *vcpu = basic_guest();
	struct kvm_run *again = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
				     vcpu->fd, 0);

	guest_start_op(vcpu, BASIC_NOTHING);
	tap_ok(again != MAP_FAILED && again->exit_reason == KVM_EXIT_IO &&
	       again->io.port == UCALL_PORT, "two mappings of a vCPU show the same page");
	munmap(again, vcpu->run_size);
	guest_destroy(vcpu);
}

static void test_vcpu_ids(void)
{
	struct vm *vm = vm_create();
	int highest = xioctl_val(vm->dev, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPU_ID);
	struct vcpu *vcpu = vcpu_create(vm, 3);
	int fd;

	if (highest <= 0)
		highest = xioctl_val(vm->dev, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	tap_eq(xioctl_val(vm->fd, KVM_CREATE_VCPU, 3), -EEXIST, "a second vCPU of one id");
	tap_eq(xioctl_val(vm->fd, KVM_CREATE_VCPU, highest), -EINVAL, "id past the highest");
	tap_eq(xioctl_val(vm->fd, KVM_CREATE_VCPU, 0x80000000UL), -EINVAL, "id 2^31");
	tap_eq(xioctl_val(vm->fd, KVM_CREATE_VCPU, 0xffffffffUL), -EINVAL, "id 2^32 - 1");
	fd = xioctl_val(vm->fd, KVM_CREATE_VCPU, highest - 1);
	tap_ok(fd >= 0, "the highest id");
	close(fd);
	vcpu_destroy(vcpu);
	tap_eq(xioctl_val(vm->fd, KVM_CREATE_VCPU, 3), -EEXIST,
	       "a closed vCPU keeps its id until the VM ends");
	vm_destroy(vm);
}

int main(void)
{
	unsigned int i;

	tap_start("lifecycle", 300);
	test_device();
	for (i = 0; i < 6; i++)
		test_close_order(i);
	test_outlives();
	test_leaks();
	test_descriptors();
	test_vcpus_end();
	test_processes();
	test_killed();
	test_threads();
	test_two_maps();
	test_vcpu_ids();
	return tap_done();
}
