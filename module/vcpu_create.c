// SPDX-License-Identifier: GPL-2.0
/* A vCPU's beginning and end. vm->lock is held by creation. */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/slab.h>
#include "apicv.h"
#include "host.h"
#include "irqchip/irqchip.h"
#include "mmu.h"
#include "umbra.h"

static void destroy_backends(struct um_vcpu *vcpu)
{
	unsigned int b;

	for (b = 0; b < UM_NR_BACKENDS; b++)
		if (vcpu->vm->mmu[b] && vcpu->mmu_priv[b])
			vcpu->vm->mmu[b]->vcpu_destroy(vcpu);
}

/* The VM's own backend comes first: it may bring in another for vCPUs that do not page yet. */
static int init_backends(struct um_vcpu *vcpu)
{
	struct um_vm *vm = vcpu->vm;
	unsigned int b;
	int r = um_mmu_activate(vm, vm->backend);

	if (r)
		return r;
	vcpu->mmu = vm->mmu[vm->backend];
	r = vcpu->mmu->vcpu_init(vcpu);
	for (b = 0; !r && b < UM_NR_BACKENDS; b++)
		if (vm->mmu[b] && !vcpu->mmu_priv[b])
			r = vm->mmu[b]->vcpu_init(vcpu);
	if (r)
		destroy_backends(vcpu);
	return r;
}

static int init_pages(struct um_vcpu *vcpu)
{
	vcpu->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	vcpu->pio_page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return vcpu->run && vcpu->pio_page ? um_dirty_ring_init(vcpu) : -ENOMEM;
}

static void free_pages_of(struct um_vcpu *vcpu)
{
	um_dirty_ring_destroy(vcpu);
	free_page((unsigned long)vcpu->run);
	free_page((unsigned long)vcpu->pio_page);
}

/* With a lapic, all vCPUs but one wait to be started. */
static int init_irq(struct um_vcpu *vcpu)
{
	if (!vcpu->vm->irq.chip)
		return 0;
	if (vcpu->id != vcpu->vm->irq.boot_cpu) {
		vcpu->mp_state = KVM_MP_STATE_UNINITIALIZED;
		um_make_request(vcpu, UM_REQ_EVENT);
	}
	return um_lapic_create(vcpu, hw_caps.apicv);
}

static int init_vcpu(struct um_vcpu *vcpu)
{
	int r = init_pages(vcpu);

	if (r)
		goto no_pages;
	r = host_fpu_alloc(&vcpu->fpu);
	if (r)
		goto no_pages;
	r = um_cpuid_init(vcpu);
	if (r)
		goto no_cpuid;
	r = hw_vcpu_init(vcpu);
	if (r)
		goto no_hw;
	r = init_backends(vcpu);
	if (r)
		goto no_backends;
	um_vcpu_reset(vcpu);
	um_dirty(vcpu, UM_ST_ALL);
	um_make_request(vcpu, UM_REQ_RELOAD_ROOT);
	r = init_irq(vcpu);
	if (r)
		goto no_irq;
	return 0;

no_irq:
	destroy_backends(vcpu);
no_backends:
	hw_vcpu_destroy(vcpu);
no_hw:
	um_cpuid_destroy(vcpu);
no_cpuid:
	host_fpu_free(&vcpu->fpu);
no_pages:
	free_pages_of(vcpu);
	return r;
}

static struct um_vcpu *alloc_vcpu(struct um_vm *vm, u32 id)
{
	struct um_vcpu *vcpu = kzalloc(hw_vcpu_size, GFP_KERNEL_ACCOUNT);
	int r;

	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->index = vm->nr_vcpus;
	vcpu->root.hpa = UM_INVALID_HPA;
	mutex_init(&vcpu->mutex);
	rcuwait_init(&vcpu->irq.wait);
	preempt_notifier_init(&vcpu->pn, &um_preempt_ops);
	r = init_vcpu(vcpu);
	if (r) {
		kfree(vcpu);
		return ERR_PTR(r);
	}
	return vcpu;
}

void um_vcpu_destroy(struct um_vcpu *vcpu)
{
	um_lapic_destroy(vcpu);
	um_emul_destroy(vcpu);
	destroy_backends(vcpu);
	hw_vcpu_destroy(vcpu);
	um_cpuid_destroy(vcpu);
	host_fpu_free(&vcpu->fpu);
	free_pages_of(vcpu);
	kfree(vcpu);
}

/* Nothing may fail once the vCPU is in vm->vcpus: others may use it without a reference. */
static long publish(struct um_vcpu *vcpu)
{
	struct um_vm *vm = vcpu->vm;
	char name[24];
	struct file *file;
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	snprintf(name, sizeof(name), "umbra-vcpu:%u", vcpu->id);
	um_vm_get(vm);
	file = anon_inode_getfile(name, &um_vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(file)) {
		um_vm_put(vm);
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	xa_store(&vm->vcpus, vcpu->id, vcpu, GFP_KERNEL_ACCOUNT);
	vm->nr_vcpus++;
	fd_install(fd, file);
	return fd;
}

static long create_locked(struct um_vm *vm, u32 id)
{
	struct um_vcpu *vcpu;
	long r;

	if (vm->nr_vcpus >= UM_MAX_VCPUS)
		return -EINVAL;
	r = um_apicv_vm_init(vm);
	if (r)
		return r;
	r = xa_insert(&vm->vcpus, id, NULL, GFP_KERNEL_ACCOUNT);
	if (r)
		return r == -EBUSY ? -EEXIST : r;
	vcpu = alloc_vcpu(vm, id);
	r = PTR_ERR_OR_ZERO(vcpu);
	if (!r) {
		r = publish(vcpu);
		if (r < 0)
			um_vcpu_destroy(vcpu);
	}
	if (r < 0)
		xa_release(&vm->vcpus, id);
	return r;
}

long um_vcpu_create(struct um_vm *vm, u32 id)
{
	long r;

	if (id >= UM_MAX_VCPU_ID)
		return -EINVAL;
	mutex_lock(&vm->lock);
	/* The first one settles the limit. */
	if (!vm->policy.max_vcpu_id)
		vm->policy.max_vcpu_id = UM_MAX_VCPU_ID;
	r = id < vm->policy.max_vcpu_id ? create_locked(vm, id) : -EINVAL;
	mutex_unlock(&vm->lock);
	return r;
}
