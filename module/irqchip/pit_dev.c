// SPDX-License-Identifier: GPL-2.0
/*
 * The interval timer as a device of a VM: ports, the host's timer behind channel 0, and lost ticks.
 * dev->lock guards the registers; the timer's callback, in hard interrupt context, takes none.
 */
#include <linux/hrtimer.h>
#include <linux/slab.h>

#include "chip.h"
#include "pit.h"

/* Faster than this a guest cannot be asking for anything but the host's time. */
#define MIN_PERIOD_NS	(200 * NSEC_PER_USEC)

/**
 * struct um_pit - see above
 * @vm: whose it is
 * @lock: guards @pit, @flags and starting the timer
 * @pit: the registers
 * @flags: KVM_PIT_FLAGS_HPET_LEGACY: another timer has taken over, channel 0 is silent
 * @timer: channel 0
 * @period: READ_ONCE; 0: one shot
 * @reinject: ticks that the guest was too slow for come later; atomic
 * @pending: ticks not acknowledged; atomic
 * @acked: the last one was; atomic
 * @ports: on the bus
 * @speaker: on the bus, if there is one
 */
struct um_pit {
	struct um_vm *vm;
	spinlock_t lock;	/* see above */
	struct pit pit;
	u32 flags;
	struct hrtimer timer;
	u64 period;
	atomic_t reinject;
	atomic_t pending, acked;
	struct um_iodev ports, speaker;
};

static void pulse(struct um_pit *dev)
{
	if (atomic_read(&dev->reinject) && !atomic_xchg(&dev->acked, 0))
		return;
	um_irq_set(dev->vm, UM_IRQ_PIT, 0, true);
	um_irq_set(dev->vm, UM_IRQ_PIT, 0, false);
}

static enum hrtimer_restart tick(struct hrtimer *timer)
{
	struct um_pit *dev = container_of(timer, struct um_pit, timer);
	u64 period = READ_ONCE(dev->period);

	if (atomic_read(&dev->reinject))
		atomic_inc(&dev->pending);
	pulse(dev);
	if (!period)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, ns_to_ktime(period));
	return HRTIMER_RESTART;
}

void um_pit_acked(struct um_vm *vm)
{
	struct um_pit *dev = READ_ONCE(vm->irq.pit);

	if (!dev)
		return;
	atomic_set(&dev->acked, 1);
	if (atomic_dec_if_positive(&dev->pending) > 0)
		pulse(dev);
}

/* Held: dev->lock, which the callback does not take. */
static void restart(struct um_pit *dev)
{
	u64 ns = pit_period(&dev->pit);

	hrtimer_cancel(&dev->timer);
	atomic_set(&dev->pending, 0);
	atomic_set(&dev->acked, 1);
	if (!pit_fires(&dev->pit) || (dev->flags & KVM_PIT_FLAGS_HPET_LEGACY))
		return;
	if (pit_periodic(&dev->pit))
		ns = max_t(u64, ns, MIN_PERIOD_NS);
	WRITE_ONCE(dev->period, pit_periodic(&dev->pit) ? ns : 0);
	hrtimer_start(&dev->timer, ktime_add_ns(ktime_get(), ns), HRTIMER_MODE_ABS_HARD);
}

static bool pit_io(struct um_pit *dev, u16 port, unsigned int len, u8 *data, bool write)
{
	u64 now = ktime_get_ns();

	spin_lock(&dev->lock);
	if (!write) {
		memset(data, 0, len);
		*data = pit_read(&dev->pit, port, now);
	} else if (pit_write(&dev->pit, port, *data, now)) {
		restart(dev);
	}
	spin_unlock(&dev->lock);
	return true;
}

static bool ports_read(struct um_iodev *io, struct um_vcpu *vcpu, u64 where, unsigned int len,
		       void *data)
{
	return pit_io(container_of(io, struct um_pit, ports), where, len, data, false);
}

static bool ports_write(struct um_iodev *io, struct um_vcpu *vcpu, u64 where, unsigned int len,
			const void *data)
{
	return pit_io(container_of(io, struct um_pit, ports), where, len, (void *)data, true);
}

static bool speaker_read(struct um_iodev *io, struct um_vcpu *vcpu, u64 where, unsigned int len,
			 void *data)
{
	return pit_io(container_of(io, struct um_pit, speaker), where, len, data, false);
}

static bool speaker_write(struct um_iodev *io, struct um_vcpu *vcpu, u64 where, unsigned int len,
			  const void *data)
{
	return pit_io(container_of(io, struct um_pit, speaker), where, len, (void *)data, true);
}

static const struct um_iodev_ops ports_ops = { .read = ports_read, .write = ports_write };
static const struct um_iodev_ops speaker_ops = { .read = speaker_read, .write = speaker_write };

static int pit_register(struct um_pit *dev, bool speaker)
{
	struct um_vm *vm = dev->vm;
	int r;

	dev->ports = (struct um_iodev){ &ports_ops, PIT_PORT, 4 };
	dev->speaker = (struct um_iodev){ &speaker_ops, PIT_SPEAKER, 1 };
	mutex_lock(&vm->slots_lock);
	r = um_bus_add(vm, UM_BUS_PIO, &dev->ports);
	if (!r && speaker) {
		r = um_bus_add(vm, UM_BUS_PIO, &dev->speaker);
		if (r)
			um_bus_del(vm, UM_BUS_PIO, &dev->ports);
	}
	mutex_unlock(&vm->slots_lock);
	return r;
}

static struct um_pit *pit_alloc(struct um_vm *vm)
{
	struct um_pit *dev = kzalloc(sizeof(*dev), GFP_KERNEL_ACCOUNT);

	if (!dev)
		return NULL;
	dev->vm = vm;
	spin_lock_init(&dev->lock);
	hrtimer_init(&dev->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	dev->timer.function = tick;
	atomic_set(&dev->acked, 1);
	pit_init(&dev->pit, ktime_get_ns());
	return dev;
}

static void set_reinject(struct um_pit *dev, bool on)
{
	if (atomic_xchg(&dev->reinject, on) != on)
		um_irqchip_edge_acks(dev->vm, on ? 1 : -1);
}

static long create_locked(struct um_vm *vm, bool speaker)
{
	struct um_pit *dev;
	int r;

	if (vm->irq.pit)
		return -EEXIST;
	if (!um_pic_in_kernel(vm))
		return -ENOENT;
	dev = pit_alloc(vm);
	if (!dev)
		return -ENOMEM;
	r = pit_register(dev, speaker);
	if (r) {
		kfree(dev);
		return r;
	}
	set_reinject(dev, true);
	/* Whoever sees it may use all of it. */
	smp_store_release(&vm->irq.pit, dev);
	return 0;
}

long um_pit_create(struct um_vm *vm, bool speaker)
{
	long r;

	mutex_lock(&vm->lock);
	r = create_locked(vm, speaker);
	mutex_unlock(&vm->lock);
	return r;
}

void um_pit_stop(struct um_vm *vm)
{
	if (vm->irq.pit)
		hrtimer_cancel(&vm->irq.pit->timer);
}

void um_pit_destroy(struct um_vm *vm)
{
	kfree(vm->irq.pit);
}

long um_pit_get(struct um_vm *vm, struct kvm_pit_state2 *state)
{
	struct um_pit *dev = READ_ONCE(vm->irq.pit);

	if (!dev)
		return -ENXIO;
	memset(state, 0, sizeof(*state));
	spin_lock(&dev->lock);
	memcpy(state->channels, dev->pit.ch, sizeof(state->channels));
	state->flags = dev->flags | (dev->pit.speaker ? KVM_PIT_FLAGS_SPEAKER_DATA_ON : 0);
	spin_unlock(&dev->lock);
	return 0;
}

/* A count of 0 would divide by it. */
static void set_channels(struct um_pit *dev, const struct kvm_pit_channel_state *ch)
{
	u64 now = ktime_get_ns();
	unsigned int i;

	memcpy(dev->pit.ch, ch, sizeof(dev->pit.ch));
	for (i = 0; i < PIT_CHANNELS; i++) {
		dev->pit.ch[i].count &= PIT_COUNT_MAX - 1;
		if (!dev->pit.ch[i].count)
			dev->pit.ch[i].count = PIT_COUNT_MAX;
		dev->pit.ch[i].count_load_time = now;
	}
}

long um_pit_set(struct um_vm *vm, const struct kvm_pit_state2 *state, bool with_flags)
{
	struct um_pit *dev = READ_ONCE(vm->irq.pit);

	if (!dev)
		return -ENXIO;
	spin_lock(&dev->lock);
	if (with_flags) {
		dev->flags = state->flags & KVM_PIT_FLAGS_HPET_LEGACY;
		dev->pit.speaker = state->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	}
	set_channels(dev, state->channels);
	restart(dev);
	spin_unlock(&dev->lock);
	return 0;
}

long um_pit_reinject(struct um_vm *vm, bool on)
{
	struct um_pit *dev = READ_ONCE(vm->irq.pit);

	if (!dev)
		return -ENXIO;
	mutex_lock(&vm->lock);
	set_reinject(dev, on);
	if (on) {
		atomic_set(&dev->pending, 0);
		atomic_set(&dev->acked, 1);
	}
	mutex_unlock(&vm->lock);
	return 0;
}
