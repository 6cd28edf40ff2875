// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_IRQFD: an eventfd that raises a GSI, and one that is told when the guest has served it.
 * The ioctl holds vm->lock. irq->irqfd_lock, taken in the eventfd's wakeup, guards the lists; the
 * one of those with a second eventfd is read under RCU. Who takes an irqfd off its list ends it.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "host.h"
#include "irqchip/irqchip.h"
#include "umbra.h"

/**
 * struct um_irqfd - see above
 * @vm: whose it is
 * @gsi: what it raises
 * @eventfd: by whom
 * @resamplefd: told after each end of interrupt; NULL: the GSI is pulsed
 * @wait: in the eventfd's queue
 * @table: puts it there
 * @link: in irq->irqfds
 * @resample_link: in irq->resamplers
 * @end: once the eventfd is closed
 * @rcu: to free it by
 */
struct um_irqfd {
	struct um_vm *vm;
	u32 gsi;
	struct eventfd_ctx *eventfd, *resamplefd;
	wait_queue_entry_t wait;
	poll_table table;
	struct list_head link, resample_link;
	struct work_struct end;
	struct rcu_head rcu;
};

static struct workqueue_struct *end_wq;

int um_irqfd_module_init(void)
{
	end_wq = alloc_workqueue("umbra_irqfd", WQ_UNBOUND, 0);
	return end_wq ? 0 : -ENOMEM;
}

void um_irqfd_module_exit(void)
{
	destroy_workqueue(end_wq);
	rcu_barrier();		/* for free_irqfd() */
}

/* Any context. */
static void raise(struct um_irqfd *f)
{
	if (f->resamplefd) {
		um_irq_set(f->vm, UM_IRQ_RESAMPLE, f->gsi, true);
		return;
	}
	um_irq_set(f->vm, UM_IRQ_USER, f->gsi, true);
	um_irq_set(f->vm, UM_IRQ_USER, f->gsi, false);
}

void um_irq_acked(struct um_vm *vm, u32 gsi)
{
	struct um_irqfd *f;
	bool lowered = false;

	if (!gsi)
		um_pit_acked(vm);
	rcu_read_lock();
	list_for_each_entry_rcu(f, &vm->irq.resamplers, resample_link) {
		if (f->gsi != gsi)
			continue;
		if (!lowered)
			um_irq_set(vm, UM_IRQ_RESAMPLE, gsi, false);
		lowered = true;
		host_eventfd_signal(f->resamplefd);
	}
	rcu_read_unlock();
}

static void free_irqfd(struct rcu_head *rcu)
{
	struct um_irqfd *f = container_of(rcu, struct um_irqfd, rcu);

	if (f->resamplefd)
		eventfd_ctx_put(f->resamplefd);
	kfree(f);
}

static bool gsi_resampled(struct um_vm *vm, u32 gsi)
{
	struct um_irqfd *f;

	lockdep_assert_held(&vm->irq.irqfd_lock);
	list_for_each_entry(f, &vm->irq.resamplers, resample_link)
		if (f->gsi == gsi)
			return true;
	return false;
}

static void stop_resampling(struct um_irqfd *f)
{
	struct um_vm *vm = f->vm;
	bool last;

	spin_lock_irq(&vm->irq.irqfd_lock);
	list_del_rcu(&f->resample_link);
	last = !gsi_resampled(vm, f->gsi);
	spin_unlock_irq(&vm->irq.irqfd_lock);
	if (last)
		um_irq_set(vm, UM_IRQ_RESAMPLE, f->gsi, false);
	um_irqchip_edge_acks(vm, -1);
}

/* It is off the list, so nobody else does this. */
static void end_irqfd(struct um_irqfd *f)
{
	u64 count;

	/* After this no wakeup is under way. */
	eventfd_ctx_remove_wait_queue(f->eventfd, &f->wait, &count);
	if (f->resamplefd)
		stop_resampling(f);
	eventfd_ctx_put(f->eventfd);
	call_rcu(&f->rcu, free_irqfd);
}

static void end_work(struct work_struct *work)
{
	end_irqfd(container_of(work, struct um_irqfd, end));
}

static void closed(struct um_irqfd *f)
{
	unsigned long flags;

	spin_lock_irqsave(&f->vm->irq.irqfd_lock, flags);
	if (!list_empty(&f->link)) {
		list_del_init(&f->link);
		queue_work(end_wq, &f->end);
	}
	spin_unlock_irqrestore(&f->vm->irq.irqfd_lock, flags);
}

/* The eventfd's lock is held, interrupts are off. */
static int wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct um_irqfd *f = container_of(wait, struct um_irqfd, wait);
	__poll_t events = key_to_poll(key);
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(f->eventfd, &count);
		raise(f);
	}
	if (events & EPOLLHUP)
		closed(f);
	return !!(events & EPOLLIN);
}

static void queue_proc(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	struct um_irqfd *f = container_of(table, struct um_irqfd, table);

	add_wait_queue_priority(head, &f->wait);
}

static int link_irqfd(struct um_irqfd *f)
{
	struct um_vm_irq *irq = &f->vm->irq;
	struct um_irqfd *other;
	int r = 0;

	spin_lock_irq(&irq->irqfd_lock);
	list_for_each_entry(other, &irq->irqfds, link)
		if (other->eventfd == f->eventfd)
			r = -EBUSY;
	if (!r) {
		list_add_tail(&f->link, &irq->irqfds);
		if (f->resamplefd)
			list_add_tail_rcu(&f->resample_link, &irq->resamplers);
	}
	spin_unlock_irq(&irq->irqfd_lock);
	if (!r && f->resamplefd)
		um_irqchip_edge_acks(f->vm, 1);
	return r;
}

static struct um_irqfd *alloc_irqfd(struct um_vm *vm, u32 gsi)
{
	struct um_irqfd *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);

	if (!f)
		return NULL;
	f->vm = vm;
	f->gsi = gsi;
	INIT_WORK(&f->end, end_work);
	init_waitqueue_func_entry(&f->wait, wakeup);
	init_poll_funcptr(&f->table, queue_proc);
	return f;
}

/* 0 or errno; what was taken is in @f either way. */
static int take_eventfds(struct um_irqfd *f, struct file *file, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	f->eventfd = ctx;
	if (!(args->flags & KVM_IRQFD_FLAG_RESAMPLE))
		return 0;
	ctx = eventfd_ctx_fdget(args->resamplefd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	f->resamplefd = ctx;
	return 0;
}

static long assign_file(struct um_vm *vm, struct file *file, const struct kvm_irqfd *args)
{
	struct um_irqfd *f = alloc_irqfd(vm, args->gsi);
	int r;

	if (!f)
		return -ENOMEM;
	r = take_eventfds(f, file, args);
	if (!r)
		r = link_irqfd(f);
	if (r) {
		if (f->eventfd)
			eventfd_ctx_put(f->eventfd);
		free_irqfd(&f->rcu);
		return r;
	}
	/* What was signalled before counts. The caller has @file: the eventfd is not closed yet. */
	if (vfs_poll(file, &f->table) & EPOLLIN)
		raise(f);
	return 0;
}

static long assign(struct um_vm *vm, const struct kvm_irqfd *args)
{
	bool resample = args->flags & KVM_IRQFD_FLAG_RESAMPLE;
	struct file *file;
	long r;

	if (!READ_ONCE(vm->irq.chip) || (resample && !um_pic_in_kernel(vm)))
		return -EINVAL;
	file = fget(args->fd);
	if (!file)
		return -EBADF;
	r = assign_file(vm, file, args);
	fput(file);
	return r;
}

/* Off the list with one of @ctx and @gsi, NULL: with any. Who has it ends it. */
static struct um_irqfd *unlink_irqfd(struct um_vm *vm, struct eventfd_ctx *ctx, u32 gsi)
{
	struct um_irqfd *f, *found = NULL;

	spin_lock_irq(&vm->irq.irqfd_lock);
	list_for_each_entry(f, &vm->irq.irqfds, link) {
		if (ctx && (f->eventfd != ctx || f->gsi != gsi))
			continue;
		list_del_init(&f->link);
		found = f;
		break;
	}
	spin_unlock_irq(&vm->irq.irqfd_lock);
	return found;
}

static void end_matching(struct um_vm *vm, struct eventfd_ctx *ctx, u32 gsi)
{
	struct um_irqfd *f;

	for (f = unlink_irqfd(vm, ctx, gsi); f; f = unlink_irqfd(vm, ctx, gsi))
		end_irqfd(f);
	/* Those that were closed meanwhile. */
	flush_workqueue(end_wq);
}

static long deassign(struct um_vm *vm, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(args->fd);

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	end_matching(vm, ctx, args->gsi);
	eventfd_ctx_put(ctx);
	return 0;
}

long um_irqfd(struct um_vm *vm, const struct kvm_irqfd *args)
{
	long r;

	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	/* One is ended only after it has been set up. */
	mutex_lock(&vm->lock);
	r = args->flags & KVM_IRQFD_FLAG_DEASSIGN ? deassign(vm, args) : assign(vm, args);
	mutex_unlock(&vm->lock);
	return r;
}

void um_irqfd_init(struct um_vm *vm)
{
	spin_lock_init(&vm->irq.irqfd_lock);
	INIT_LIST_HEAD(&vm->irq.irqfds);
	INIT_LIST_HEAD(&vm->irq.resamplers);
}

void um_irqfd_stop(struct um_vm *vm)
{
	if (vm->irq.chip)
		end_matching(vm, NULL, 0);
}
