// SPDX-License-Identifier: GPL-2.0
/*
 * The paravirtual clock of KVM: nanoseconds as a linear function of the TSC, the same one for
 * userspace and, through a page of its memory, for the guest. vm->clock.lock guards the function.
 */
#include <linux/math64.h>
#include <linux/ktime.h>
#include <asm/kvm_para.h>
#include <asm/pvclock-abi.h>
#include <asm/tsc.h>

#include "clock.h"
#include "umbra.h"

/* ns = (ticks << shift) * mul >> 32, as the guest computes it. */
struct um_clock_scale {
	u32 mul;
	s8 shift;
};

static struct um_clock_scale um_clock_scale(u32 khz)
{
	struct um_clock_scale scale = {};
	u64 hz = khz * 1000ULL;

	/* As many bits in @mul as fit: it is half to once 2^32 then. */
	for (; hz <= NSEC_PER_SEC; hz *= 2)
		scale.shift++;
	for (; hz > 2 * NSEC_PER_SEC; hz /= 2)
		scale.shift--;
	scale.mul = div64_u64((u64)NSEC_PER_SEC << 32, hz);
	return scale;
}

static u64 um_clock_ns(struct um_clock_scale scale, u64 ticks)
{
	ticks = scale.shift < 0 ? ticks >> -scale.shift : ticks << scale.shift;
	return mul_u64_u32_shr(ticks, scale.mul, 32);
}

static u64 um_clock_at(struct um_vm *vm, u64 host_tsc)
{
	u64 ns;

	spin_lock(&vm->clock.lock);
	ns = vm->clock.ns + um_clock_ns(um_clock_scale(tsc_khz), host_tsc - vm->clock.tsc);
	spin_unlock(&vm->clock.lock);
	return ns;
}

u64 um_clock_now(struct um_vm *vm)
{
	return um_clock_at(vm, rdtsc_ordered());
}

bool um_clock_offered(void)
{
	return boot_cpu_has(X86_FEATURE_CONSTANT_TSC) && !check_tsc_unstable();
}

void um_clock_init(struct um_vm *vm)
{
	spin_lock_init(&vm->clock.lock);
	vm->clock.tsc = rdtsc_ordered();
}

/* The same moment on the TSC and on the wall. */
static u64 um_clock_sample(u64 *host_tsc)
{
	unsigned long flags;
	u64 real;

	local_irq_save(flags);
	*host_tsc = rdtsc_ordered();
	real = ktime_get_real_ns();
	local_irq_restore(flags);
	return real;
}

long um_clock_get(void *owner, void *arg, unsigned long uarg)
{
	struct kvm_clock_data *data = arg;
	struct um_vm *vm = owner;

	if (!um_clock_offered())
		return -ENOTTY;
	*data = (struct kvm_clock_data){ .flags = UM_CLOCK_FLAGS };
	data->realtime = um_clock_sample(&data->host_tsc);
	data->clock = um_clock_at(vm, data->host_tsc);
	return 0;
}

long um_clock_set(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_clock_data *data = arg;
	u64 host_tsc, real, ns = data->clock;
	struct um_vm *vm = owner;

	if (!um_clock_offered())
		return -ENOTTY;
	if (data->flags & ~(u32)UM_CLOCK_FLAGS)
		return -EINVAL;
	real = um_clock_sample(&host_tsc);
	/* Time that passed on the way here counts; a wall clock that lags does not turn it back. */
	if ((data->flags & KVM_CLOCK_REALTIME) && real > data->realtime)
		ns += real - data->realtime;
	spin_lock(&vm->clock.lock);
	vm->clock.tsc = host_tsc;
	vm->clock.ns = ns;
	spin_unlock(&vm->clock.lock);
	um_request_all(vm, UM_REQ_CLOCK, false);
	return 0;
}

static struct pvclock_vcpu_time_info um_clock_info(struct um_vcpu *vcpu)
{
	struct um_clock_scale scale = um_clock_scale(vcpu->tsc_khz);
	struct um_vm_clock *clock = &vcpu->vm->clock;
	struct pvclock_vcpu_time_info info = {
		.tsc_to_system_mul = scale.mul,
		.tsc_shift = scale.shift,
		.flags = PVCLOCK_TSC_STABLE_BIT,
	};

	spin_lock(&clock->lock);
	info.tsc_timestamp = um_guest_tsc(vcpu, clock->tsc);
	info.system_time = clock->ns;
	spin_unlock(&clock->lock);
	return info;
}

/* The version is odd while the rest is in flux: the guest reads again. */
void um_clock_update(struct um_vcpu *vcpu)
{
	gpa_t gpa = um_gpa_given(vcpu->pv.system_time & ~(u64)KVM_MSR_ENABLED);
	struct pvclock_vcpu_time_info old, new;
	struct um_vm *vm = vcpu->vm;

	if (!(vcpu->pv.system_time & KVM_MSR_ENABLED) || um_read_guest(vm, gpa, &old, sizeof(old)))
		return;
	new = um_clock_info(vcpu);
	new.flags |= old.flags & PVCLOCK_GUEST_STOPPED;
	if (vcpu->pv.stopped)
		new.flags |= PVCLOCK_GUEST_STOPPED;
	vcpu->pv.stopped = false;
	new.version = (old.version + 1) | 1;
	if (um_write_guest(vm, gpa, &new.version, sizeof(new.version)))
		return;
	smp_wmb();	/* pairs with the guest's read barriers */
	um_write_guest(vm, gpa, &new, sizeof(new));
	smp_wmb();	/* as above */
	new.version++;
	um_write_guest(vm, gpa, &new.version, sizeof(new.version));
}

void um_clock_write_wall(struct um_vm *vm, u64 gpa)
{
	struct pvclock_wall_clock wall = {};
	u64 host_tsc, real;

	vm->clock.wall_gpa = gpa;
	gpa = um_gpa_given(gpa);
	if (!gpa || um_read_guest(vm, gpa, &wall.version, sizeof(wall.version)))
		return;
	wall.version = (wall.version + 1) | 1;
	if (um_write_guest(vm, gpa, &wall.version, sizeof(wall.version)))
		return;
	/* The guest adds its system time. */
	real = um_clock_sample(&host_tsc);
	real -= um_clock_at(vm, host_tsc);
	wall.nsec = do_div(real, NSEC_PER_SEC);
	wall.sec = real;
	smp_wmb();	/* pairs with the guest's read barriers */
	um_write_guest(vm, gpa, &wall, sizeof(wall));
	smp_wmb();	/* as above */
	wall.version++;
	um_write_guest(vm, gpa, &wall.version, sizeof(wall.version));
}

long um_ioc_kvmclock_ctrl(void *owner, void *arg, unsigned long uarg)
{
	struct um_vcpu *vcpu = owner;

	if (!(vcpu->pv.system_time & KVM_MSR_ENABLED))
		return -EINVAL;
	vcpu->pv.stopped = true;
	um_make_request(vcpu, UM_REQ_CLOCK);
	return 0;
}
