// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_IOEVENTFD: a write of the guest's to a port or an address signals an eventfd, without an exit
 * to userspace. vm->slots_lock guards which there are.
 */
#include <linux/eventfd.h>
#include <linux/slab.h>

#include "host.h"
#include "iobus.h"
#include "umbra.h"

#define FLAGS	(KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO | \
		 KVM_IOEVENTFD_FLAG_DEASSIGN)

/**
 * struct um_ioeventfd - see above; immutable
 * @dev: on the bus; its length 0: writes of any length
 * @eventfd: what is signalled
 * @any: whatever is written
 * @datamatch: else only this
 */
struct um_ioeventfd {
	struct um_iodev dev;
	struct eventfd_ctx *eventfd;
	bool any;
	u64 datamatch;
};

static bool ioeventfd_write(struct um_iodev *dev, struct um_vcpu *vcpu, u64 where,
			    unsigned int len, const void *data)
{
	struct um_ioeventfd *e = container_of(dev, struct um_ioeventfd, dev);
	u64 val = 0;

	if (where != dev->start || (dev->len && len != dev->len))
		return false;
	memcpy(&val, data, min_t(unsigned int, len, sizeof(val)));
	if (!e->any && val != e->datamatch)
		return false;
	host_eventfd_signal(e->eventfd);
	return true;
}

static void ioeventfd_destroy(struct um_iodev *dev)
{
	struct um_ioeventfd *e = container_of(dev, struct um_ioeventfd, dev);

	eventfd_ctx_put(e->eventfd);
	kfree(e);
}

static const struct um_iodev_ops ioeventfd_ops = {
	.write = ioeventfd_write,
	.destroy = ioeventfd_destroy,
};

static enum um_bus bus_of(const struct kvm_ioeventfd *args)
{
	return args->flags & KVM_IOEVENTFD_FLAG_PIO ? UM_BUS_PIO : UM_BUS_MMIO;
}

static bool args_valid(const struct kvm_ioeventfd *args)
{
	switch (args->len) {
	case 0:
	case 1:
	case 2:
	case 4:
	case 8:
		break;
	default:
		return false;
	}
	if (args->addr + args->len < args->addr || (args->flags & ~FLAGS))
		return false;
	return args->len || !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
}

static struct um_ioeventfd *make(const struct kvm_ioeventfd *args, struct eventfd_ctx *ctx)
{
	struct um_ioeventfd *e = kzalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);

	if (!e)
		return NULL;
	e->dev = (struct um_iodev){ &ioeventfd_ops, args->addr, args->len };
	e->eventfd = ctx;
	e->any = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	/* The width of the access is that of the comparison. */
	memcpy(&e->datamatch, &args->datamatch, args->len);
	return e;
}

/* Some write would signal both. */
static bool collides(const struct um_ioeventfd *a, const struct um_ioeventfd *b)
{
	if (a->dev.start != b->dev.start)
		return false;
	if (a->dev.len && b->dev.len && a->dev.len != b->dev.len)
		return false;
	return !a->dev.len || !b->dev.len || a->any || b->any || a->datamatch == b->datamatch;
}

static bool same(const struct um_ioeventfd *a, const struct um_ioeventfd *b)
{
	return a->dev.start == b->dev.start && a->dev.len == b->dev.len && a->any == b->any &&
	       a->datamatch == b->datamatch && a->eventfd == b->eventfd;
}

static struct um_ioeventfd *find(struct um_vm *vm, enum um_bus nr, const struct um_ioeventfd *like,
				 bool (*match)(const struct um_ioeventfd *a,
					       const struct um_ioeventfd *b))
{
	struct um_iobus *bus = um_bus_locked(vm, nr);
	unsigned int i;

	for (i = 0; bus && i < bus->count; i++) {
		struct um_ioeventfd *e = container_of(bus->dev[i], struct um_ioeventfd, dev);

		if (bus->dev[i]->ops == &ioeventfd_ops && match(e, like))
			return e;
	}
	return NULL;
}

static long assign(struct um_vm *vm, enum um_bus bus, struct um_ioeventfd *e)
{
	long r = -EEXIST;

	mutex_lock(&vm->slots_lock);
	if (!find(vm, bus, e, collides))
		r = um_bus_add(vm, bus, &e->dev);
	mutex_unlock(&vm->slots_lock);
	return r;
}

static long deassign(struct um_vm *vm, enum um_bus bus, const struct um_ioeventfd *like)
{
	struct um_ioeventfd *e;

	mutex_lock(&vm->slots_lock);
	e = find(vm, bus, like, same);
	if (e)
		um_bus_del(vm, bus, &e->dev);
	mutex_unlock(&vm->slots_lock);
	if (!e)
		return -ENOENT;
	ioeventfd_destroy(&e->dev);
	return 0;
}

long um_ioeventfd(struct um_vm *vm, const struct kvm_ioeventfd *args)
{
	bool remove = args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN;
	struct eventfd_ctx *ctx;
	struct um_ioeventfd *e;
	long r;

	if (!remove && !args_valid(args))
		return -EINVAL;
	ctx = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	if (args->len > sizeof(e->datamatch)) {
		eventfd_ctx_put(ctx);
		return -ENOENT;
	}
	e = make(args, ctx);
	if (!e) {
		eventfd_ctx_put(ctx);
		return -ENOMEM;
	}
	r = remove ? deassign(vm, bus_of(args), e) : assign(vm, bus_of(args), e);
	if (r || remove)
		ioeventfd_destroy(&e->dev);
	return r;
}
