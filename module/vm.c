// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a VM, and requests to its vCPUs. um_vms_lock guards the list of all VMs;
 * vm->users counts the files.
 *
 * The last file to close takes the VM's MMU notifier off without waiting; when the
 * notifier's grace period is over, nothing can reach the VM any more and a work item
 * frees it all. So neither creating nor destroying a VM waits for RCU, and the whole
 * teardown runs where it may sleep.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/wait_bit.h>
#include <asm/tsc.h>

#include "apicv.h"
#include "host.h"
#include "mmu.h"
#include "msr.h"
#include "umbra.h"

static DEFINE_MUTEX(um_vms_lock);
static LIST_HEAD(um_vms);
static unsigned int um_nr_vms;
static bool um_stopped;		/* the machine goes down: no more VMs. um_vms_lock */
static struct workqueue_struct *um_free_wq;

int um_vm_init(void)
{
	um_free_wq = alloc_workqueue("umbra_free", WQ_UNBOUND, 0);
	if (!um_free_wq) {
		pr_err("out of memory for the work queue\n");
		return -ENOMEM;
	}
	if (um_irqfd_module_init()) {
		destroy_workqueue(um_free_wq);
		return -ENOMEM;
	}
	preempt_notifier_inc();
	return 0;
}

void um_vm_exit(void)
{
	wait_var_event(&um_nr_vms, !READ_ONCE(um_nr_vms));
	um_notifier_exit();
	preempt_notifier_dec();
	destroy_workqueue(um_free_wq);
	um_irqfd_module_exit();
}

unsigned int um_vm_count(void)
{
	return READ_ONCE(um_nr_vms);
}

static int um_vm_list_add(struct um_vm *vm)
{
	int error = 0;

	mutex_lock(&um_vms_lock);
	if (um_stopped) {
		error = -EIO;
	} else {
		list_add(&vm->list, &um_vms);
		WRITE_ONCE(um_nr_vms, um_nr_vms + 1);
	}
	mutex_unlock(&um_vms_lock);
	return error;
}

static void um_vm_list_del(struct um_vm *vm)
{
	mutex_lock(&um_vms_lock);
	list_del(&vm->list);
	WRITE_ONCE(um_nr_vms, um_nr_vms - 1);
	mutex_unlock(&um_vms_lock);
	wake_up_var(&um_nr_vms);
}

/* Nothing reaches @vm any more: no file, no vCPU thread, no notifier callback. */
static void um_vm_free(struct work_struct *work)
{
	struct um_vm *vm = container_of(work, struct um_vm, free_work);
	struct um_vcpu *vcpu;
	unsigned long i;

	um_vm_irq_stop(vm);
	/* What one of them gives back may call for a flush of all that are there. */
	xa_for_each(&vm->vcpus, i, vcpu) {
		xa_erase(&vm->vcpus, i);
		um_vcpu_destroy(vcpu);
	}
	xa_destroy(&vm->vcpus);
	um_vm_irq_destroy(vm);
	um_mmu_destroy(vm);
	um_apicv_vm_destroy(vm);
	um_slots_destroy(vm);
	um_msr_filter_destroy(vm);
	um_coalesced_destroy(vm);
	cleanup_srcu_struct(&vm->srcu);
	mmdrop(vm->mm);
	um_vm_list_del(vm);
	kfree(vm);
}

/* A VM that no file and no notifier knows yet. */
static struct um_vm *um_vm_alloc(u32 backend)
{
	struct um_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	int error = -ENOMEM;

	if (!vm)
		return ERR_PTR(-ENOMEM);
	error = init_srcu_struct(&vm->srcu);
	if (error)
		goto free_vm;
	error = um_slots_init(vm);
	if (error)
		goto free_srcu;

	refcount_set(&vm->users, 1);
	mutex_init(&vm->lock);
	mutex_init(&vm->slots_lock);
	um_irqfd_init(vm);
	rwlock_init(&vm->mmu_lock);
	xa_init_flags(&vm->vcpus, XA_FLAGS_ACCOUNT);
	INIT_WORK(&vm->free_work, um_vm_free);
	vm->backend = backend ? backend : READ_ONCE(um_default_backend);
	vm->tsc_khz = tsc_khz;
	um_clock_init(vm);
	um_coalesced_init(vm);
	vm->pid = task_pid_nr(current);
	vm->mm = current->mm;
	mmgrab(vm->mm);
	return vm;

free_srcu:
	cleanup_srcu_struct(&vm->srcu);
free_vm:
	kfree(vm);
	return ERR_PTR(error);
}

/* Undo um_vm_alloc() for a VM that no notifier knows. */
static void um_vm_discard(struct um_vm *vm)
{
	refcount_set(&vm->users, 0);
	um_slots_destroy(vm);
	cleanup_srcu_struct(&vm->srcu);
	mmdrop(vm->mm);
	kfree(vm);
}

static struct um_vm *um_vm_new(u32 backend)
{
	struct um_vm *vm = um_vm_alloc(backend);
	int error;

	if (IS_ERR(vm))
		return vm;
	error = um_vm_list_add(vm);
	if (error)
		goto discard;
	error = um_notifier_init(vm);
	if (error)
		goto unlist;
	return vm;

unlist:
	um_vm_list_del(vm);
discard:
	um_vm_discard(vm);
	return ERR_PTR(error);
}

long um_vm_create(u32 backend)
{
	struct um_vm *vm;
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	vm = um_vm_new(backend);
	if (IS_ERR(vm)) {
		put_unused_fd(fd);
		return PTR_ERR(vm);
	}
	file = anon_inode_getfile("kvm-vm", &um_vm_fops, vm, O_RDWR);
	if (IS_ERR(file)) {
		um_vm_put(vm);
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	/* From here on another thread may close it: vm is not touched any more. */
	fd_install(fd, file);
	return fd;
}

void um_vm_get(struct um_vm *vm)
{
	refcount_inc(&vm->users);
}

void um_vm_put(struct um_vm *vm)
{
	if (refcount_dec_and_test(&vm->users))
		um_notifier_put(vm);
}

/*
 * The MMU notifier's grace period is over; its callback may not sleep, so the rest is
 * left to a worker.
 */
void um_vm_queue_free(struct um_vm *vm)
{
	queue_work(um_free_wq, &vm->free_work);
}

void um_vm_kill(struct um_vm *vm, const char *why)
{
	WARN_ONCE(1, "umbra: a VM of process %d is dead: %s\n", vm->pid, why);
	WRITE_ONCE(vm->dead, true);
	um_request_all(vm, UM_REQ_KICK, false);
}

void um_vm_stop_all(void)
{
	struct um_vm *vm;

	mutex_lock(&um_vms_lock);
	um_stopped = true;
	list_for_each_entry(vm, &um_vms, list) {
		/* Of a VM on its way out the vCPUs may be gone. */
		if (!refcount_inc_not_zero(&vm->users))
			continue;
		WRITE_ONCE(vm->dead, true);
		um_request_all(vm, UM_REQ_KICK, true);
		um_vm_put(vm);
	}
	mutex_unlock(&um_vms_lock);
}

/*
 * The CPU on which @vcpu is in its guest, -1: on none. The barrier pairs with the run
 * loop's, between its store of UM_IN_GUEST_MODE and its read of the requests: either
 * the vCPU sees what was requested before, or it is seen here.
 */
int um_vcpu_guest_cpu(struct um_vcpu *vcpu)
{
	smp_mb();	/* pairs with inner_loop() */
	return READ_ONCE(vcpu->mode) == UM_IN_GUEST_MODE ? READ_ONCE(vcpu->cpu) : -1;
}

void um_make_request(struct um_vcpu *vcpu, enum um_request req)
{
	smp_mb__before_atomic();	/* its cause comes first; pairs with um_request_check() */
	set_bit(req, &vcpu->requests);
}

static void um_ack_kick(void *unused)
{
}

void um_request_all(struct um_vm *vm, enum um_request req, bool wait)
{
	int cpu, me = get_cpu();
	struct cpumask *mask = host_kick_mask();
	struct um_vcpu *vcpu;
	unsigned long i;

	cpumask_clear(mask);
	xa_for_each(&vm->vcpus, i, vcpu) {
		um_make_request(vcpu, req);
		if (req == UM_REQ_KICK)
			rcuwait_wake_up(&vcpu->irq.wait);
		cpu = um_vcpu_guest_cpu(vcpu);
		if (cpu >= 0 && cpu != me)
			__cpumask_set_cpu(cpu, mask);
	}
	if (!cpumask_empty(mask))
		smp_call_function_many(mask, um_ack_kick, NULL, wait);
	put_cpu();
}

void um_flush_remote_tlbs(struct um_vm *vm)
{
	vm->stats.remote_tlb_flush++;
	um_request_all(vm, UM_REQ_TLB_FLUSH, true);
}

void um_kick_vcpu(struct um_vcpu *vcpu)
{
	int me = get_cpu();
	int cpu;

	if (vcpu->irq.lapic)
		rcuwait_wake_up(&vcpu->irq.wait);
	cpu = um_vcpu_guest_cpu(vcpu);
	if (cpu >= 0 && cpu != me && cpu_online(cpu))
		host_reschedule(cpu);
	put_cpu();
}
