// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU that spins lets one that was preempted run, which may hold what it spins for. No lock: RCU
 * keeps the preempted thread.
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "umbra.h"

static struct task_struct *get_preempted(struct um_vcpu *vcpu)
{
	struct task_struct *task;

	rcu_read_lock();
	/* It cannot exit before it is scheduled in, which clears the field. */
	task = READ_ONCE(vcpu->preempted);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	return task;
}

static bool yield_to_vcpu(struct um_vcpu *vcpu)
{
	struct task_struct *task = get_preempted(vcpu);
	bool done;

	if (!task)
		return false;
	done = yield_to(task, true) > 0;
	put_task_struct(task);
	return done;
}

/* Begin behind the spinning vCPU, so that vCPUs that spin for each other take turns. */
void um_spin(struct um_vcpu *vcpu)
{
	struct um_vcpu *other;
	unsigned long id;

	xa_for_each_start(&vcpu->vm->vcpus, id, other, vcpu->id + 1)
		if (yield_to_vcpu(other))
			return;
	xa_for_each_range(&vcpu->vm->vcpus, id, other, 0, vcpu->id)
		if (other != vcpu && yield_to_vcpu(other))
			return;
}
