// SPDX-License-Identifier: GPL-2.0
/*
 * module/irqchip/ as a whole with a bus and some vCPUs: messages, timers, routes, ends of
 * interrupts, the split irqchip. Guests see the same in selftests/apic.c and chips.c; here the
 * clock is wound by hand, and every lock and access is watched.
 */
#include "irqchip/chip.h"
#include "irqchip/vlapic.h"
#include "tap.h"

#define LVT0_EXTINT	0x700
#define TMR_PERIODIC	0x20000
#define TMR_DEADLINE	0x40000

u64 shim_now = 1000000000;
bool shim_erratum;

static struct um_vcpu *vcpus[MAX_SHIM_VCPUS];
static struct um_vm vm = { .vcpus = { .entries = vcpus } };
static u32 requests[MAX_SHIM_VCPUS];
static unsigned int acks[64];

void free_page(unsigned long page)
{
	free((void *)page);
}

void um_make_request(struct um_vcpu *vcpu, enum um_request req)
{
	requests[vcpu->id] |= BIT(req);
}

u64 um_guest_tsc(const struct um_vcpu *vcpu, u64 host_tsc)
{
	return host_tsc;
}

void um_kick_vcpu(struct um_vcpu *vcpu)
{
}

void um_smi_post(struct um_vcpu *vcpu)
{
}

void um_pv_eoi_settle(struct um_vcpu *vcpu)
{
}

/* No CPU runs these APICs, so nothing is posted to them. */
void um_lapic_moved(struct um_vcpu *vcpu)
{
}

bool posted_accept(struct um_lapic *l, const struct irq_msg *msg)
{
	shim_assert(false);
	return false;
}

void posted_take(struct um_lapic *l)
{
	shim_assert(false);
}

bool um_cpuid_has(struct um_vcpu *vcpu, u32 leaf, u32 subleaf, int reg, u32 mask)
{
	return true;
}

/* Whoever hears it may raise or lower lines, or take locks of eventfds. */
void um_irq_acked(struct um_vm *v, u32 gsi)
{
	shim_assert(!v->irq.chip->lock.held);
	acks[gsi]++;
}

static void add_vcpu(u32 id)
{
	struct um_vcpu *vcpu = calloc(1, sizeof(*vcpu));

	vcpu->vm = &vm;
	vcpu->id = id;
	vcpu->tsc_khz = 1000000;	/* a tick is a nanosecond */
	vcpu->msr.apic_base = 0xfee00800;
	shim_assert(!um_lapic_create(vcpu, false));
	um_lapic_cpuid_changed(vcpu);
	vcpus[id] = vcpu;
}

static void create(unsigned int n, bool split)
{
	unsigned int id;

	vm.irq.chip = NULL;
	mutex_lock(&vm.lock);
	shim_assert(!um_irqchip_create(&vm, split, split ? 24 : 0));
	mutex_unlock(&vm.lock);
	for (id = 0; id < n; id++)
		add_vcpu(id);
	memset(acks, 0, sizeof(acks));
}

static void destroy(void)
{
	unsigned int id;

	for (id = 0; id < MAX_SHIM_VCPUS; id++) {
		if (!vcpus[id])
			continue;
		um_lapic_destroy(vcpus[id]);
		free(vcpus[id]);
		vcpus[id] = NULL;
		requests[id] = 0;
	}
	um_bus_destroy(&vm);
	memset(vm.irq.bus, 0, sizeof(vm.irq.bus));
	memset(vm.irq.bus_spare, 0, sizeof(vm.irq.bus_spare));
	um_irqchip_destroy(&vm);
}

static void apic_write(unsigned int id, u32 reg, u32 val)
{
	shim_assert(um_mmio_write(vcpus[id], 0xfee00000 + reg, 4, &val));
}

static u32 apic_read(unsigned int id, u32 reg)
{
	u32 val;

	shim_assert(um_mmio_read(vcpus[id], 0xfee00000 + reg, 4, &val));
	return val;
}

static void apic_on(unsigned int id)
{
	apic_write(id, LAPIC_SPIV, 0x1ff);
}

static void out(u16 port, u8 val)
{
	shim_assert(um_bus_write(vcpus[0], UM_BUS_PIO, port, 1, &val));
}

static void ioapic_set(unsigned int pin, u64 entry)
{
	u32 reg = 0x10 + 2 * pin, low = entry, high = entry >> 32;

	um_mmio_write(vcpus[0], 0xfec00000, 4, &reg);
	um_mmio_write(vcpus[0], 0xfec00010, 4, &low);
	reg++;
	um_mmio_write(vcpus[0], 0xfec00000, 4, &reg);
	um_mmio_write(vcpus[0], 0xfec00010, 4, &high);
}

/* The vector that vCPU @id takes now; -1: none. */
static int take(unsigned int id)
{
	return um_irqchip_pending(vcpus[id]) ? um_irqchip_ack(vcpus[id]) : -1;
}

static void wind(unsigned int id, u64 ns)
{
	struct hrtimer *timer = &vcpus[id]->irq.lapic->timer;
	u64 end = shim_now + ns;

	while (timer->on && timer->expires <= end) {
		shim_now = timer->expires;
		timer->on = timer->function(timer) == HRTIMER_RESTART;
	}
	shim_now = end;
}

static void test_messages(void)
{
	struct irq_msg msg = { .dest = 2, .vector = 0x50, .assert = true };
	unsigned int id, n;
	u8 vector;

	create(4, false);
	for (id = 0; id < 3; id++)
		apic_on(id);
	ok(um_irq_deliver(&vm, &msg, NULL) == 1 && take(2) == 0x50 && take(1) < 0, "to one id");
	ok(requests[2] & BIT(UM_REQ_EVENT), "its thread is asked to look");
	msg.dest = 3;
	ok(um_irq_deliver(&vm, &msg, NULL) == 0, "an APIC that is off takes nothing");
	msg.dest = 7;
	ok(um_irq_deliver(&vm, &msg, NULL) == 0, "to nobody");
	msg.dest = 0xff;
	msg.vector = 0x60;
	ok(um_irq_deliver(&vm, &msg, NULL) == 3, "to all");
	for (n = 0, id = 0; id < 3; id++)
		n += take(id) == 0x60;
	ok(n == 3, "who take it");
	msg.delivery = IRQ_LOWEST;
	for (n = 0, vector = 0x70; vector < 0x7c; vector++) {
		msg.vector = vector;
		n += um_irq_deliver(&vm, &msg, NULL) == 1;
	}
	ok(n == 12 && take(0) >= 0 && take(1) >= 0 && take(2) >= 0 && take(3) < 0,
	   "lowest priority: one each, among those that are on");
	apic_write(0, LAPIC_ICR2, 1 << 24);
	apic_write(0, LAPIC_ICR, 0x4500);
	apic_write(0, LAPIC_ICR, 0x4612);
	ok(um_lapic_take_init(vcpus[1]) && um_lapic_take_sipi(vcpus[1], &vector) && vector == 0x12,
	   "INIT, then SIPI");
	apic_write(0, LAPIC_ICR, 0x4613);
	apic_write(0, LAPIC_ICR, 0x4500);
	ok(um_lapic_take_init(vcpus[1]) && !um_lapic_take_sipi(vcpus[1], &vector),
	   "INIT wipes out a SIPI before it");
	apic_write(0, LAPIC_ICR, 0x4400);
	ok(um_lapic_take_nmis(vcpus[1]) == 1 && !um_lapic_nmis(vcpus[1]), "NMI");
	destroy();
}

static void test_timer(void)
{
	create(1, false);
	apic_on(0);
	apic_write(0, LAPIC_TDCR, 0xb);
	apic_write(0, LAPIC_LVTT, 0x40);
	apic_write(0, LAPIC_TMICT, 1000000);
	wind(0, 400000);
	ok(apic_read(0, LAPIC_TMCCT) == 600000 && take(0) < 0, "one-shot: the count goes down");
	apic_write(0, LAPIC_TDCR, 0);
	wind(0, 1100000);
	ok(take(0) < 0, "one-shot: half as fast since the divisor changed");
	wind(0, 100000);
	ok(take(0) == 0x40 && !apic_read(0, LAPIC_TMCCT), "one-shot: over");
	apic_write(0, LAPIC_EOI, 0);
	wind(0, 10000000);
	ok(take(0) < 0, "one-shot: once");
	apic_write(0, LAPIC_TDCR, 0xb);
	apic_write(0, LAPIC_LVTT, TMR_PERIODIC | 0x41);
	apic_write(0, LAPIC_TMICT, 300000);
	wind(0, 450000);
	ok(take(0) == 0x41 && apic_read(0, LAPIC_TMCCT) == 150000, "periodic: starts over");
	apic_write(0, LAPIC_EOI, 0);
	wind(0, 300000);
	ok(take(0) == 0x41, "periodic: again");
	apic_write(0, LAPIC_EOI, 0);
	apic_write(0, LAPIC_LVTT, TMR_DEADLINE | 0x42);
	ok(!apic_read(0, LAPIC_TMICT), "TSC deadline: the count is gone");
	um_lapic_set_deadline(vcpus[0], shim_now + 5000);
	ok(um_lapic_deadline(vcpus[0]) == shim_now + 5000, "TSC deadline: reads back");
	wind(0, 4999);
	ok(take(0) < 0, "TSC deadline: not before");
	wind(0, 2);
	ok(take(0) == 0x42 && !um_lapic_deadline(vcpus[0]), "TSC deadline: then it is 0");
	um_lapic_set_deadline(vcpus[0], ~0ULL);
	wind(0, 1ULL << 60);
	ok(take(0) < 0, "TSC deadline: never");
	apic_write(0, LAPIC_LVTT, 0x43);
	apic_write(0, LAPIC_TMICT, 1);
	apic_write(0, LAPIC_LVTT, TMR_PERIODIC | 0x43);
	wind(0, 2);
	ok(vcpus[0]->irq.lapic->timer.expires >= shim_now + 199000,
	   "one-shot made periodic: not faster than a periodic one may be");
	destroy();
}

static void test_level(void)
{
	create(1, false);
	apic_on(0);
	/* The PIC has its pin too. */
	apic_write(0, LAPIC_LVT0, 0x10000);
	ioapic_set(5, 0x8051);
	ok(um_irq_set(&vm, UM_IRQ_USER, 5, true) >= 1 && take(0) == 0x51, "level: raised");
	um_irq_set(&vm, UM_IRQ_RESAMPLE, 5, true);
	um_irq_set(&vm, UM_IRQ_USER, 5, false);
	apic_write(0, LAPIC_EOI, 0);
	ok(take(0) == 0x51 && acks[5] == 1, "level: another source holds it after the EOI");
	um_irq_set(&vm, UM_IRQ_RESAMPLE, 5, false);
	apic_write(0, LAPIC_EOI, 0);
	ok(take(0) < 0 && acks[5] == 2, "level: all let it go");
	ioapic_set(6, 0x52);
	um_irq_set(&vm, UM_IRQ_USER, 6, true);
	ok(take(0) == 0x52, "edge: taken");
	apic_write(0, LAPIC_EOI, 0);
	ok(!acks[6], "edge: nobody is told of the EOI");
	um_irqchip_edge_acks(&vm, 1);
	um_irq_set(&vm, UM_IRQ_USER, 6, false);
	um_irq_set(&vm, UM_IRQ_USER, 6, true);
	take(0);
	apic_write(0, LAPIC_EOI, 0);
	ok(acks[6] == 1, "edge: unless somebody asked for it");
	destroy();
}

static void init_pic(void)
{
	static const u8 port_val[][2] = {
		{ 0x20, 0x11 }, { 0x21, 0x30 }, { 0x21, 4 }, { 0x21, 1 },
		{ 0xa0, 0x11 }, { 0xa1, 0x38 }, { 0xa1, 2 }, { 0xa1, 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(port_val); i++)
		out(port_val[i][0], port_val[i][1]);
}

static void test_pic(void)
{
	create(2, false);
	init_pic();
	apic_on(0);
	apic_on(1);
	apic_write(1, LAPIC_LVT0, 0x10000);
	requests[0] = 0;
	requests[1] = 0;
	um_irq_set(&vm, UM_IRQ_USER, 4, true);
	ok((requests[0] & BIT(UM_REQ_EVENT)) && !requests[1], "PIC: the boot CPU is asked");
	ok(take(1) < 0 && take(0) == 0x34, "PIC: only it takes the interrupt");
	out(0x20, 0x20);
	ok(acks[4] == 1, "PIC: the EOI is told");
	um_irq_set(&vm, UM_IRQ_USER, 12, true);
	ok(take(0) == 0x3c, "PIC: the slave");
	out(0xa0, 0x20);
	ok(acks[12] == 1, "PIC: the slave's EOI is told");
	destroy();
}

static long set_routes(const struct kvm_irq_routing_entry *e, u32 n)
{
	struct kvm_irq_routing *r = calloc(1, sizeof(*r) + n * sizeof(*e));
	long ret;

	r->nr = n;
	if (n)
		memcpy(r->entries, e, n * sizeof(*e));
	ret = um_irq_set_routes(&vm, r);
	free(r);
	return ret;
}

static void test_routes(void)
{
	struct kvm_irq_routing_entry e[3] = {
		{ .gsi = 9, .type = KVM_IRQ_ROUTING_IRQCHIP,
		  .u.irqchip = { KVM_IRQCHIP_IOAPIC, 7 } },
		{ .gsi = 4095, .type = KVM_IRQ_ROUTING_MSI,
		  .u.msi = { .address_lo = 0xfee01000, .data = 0x61 } },
		{ .gsi = 9, .type = KVM_IRQ_ROUTING_IRQCHIP,
		  .u.irqchip = { KVM_IRQCHIP_PIC_SLAVE, 1 } },
	};

	create(2, false);
	apic_on(1);
	ok(!set_routes(e, 3), "routes");
	ok(um_irq_set(&vm, UM_IRQ_USER, 4095, true) == 1 && take(1) == 0x61, "a message");
	ok(um_irq_set(&vm, UM_IRQ_USER, 4095, false) == -1, "which has no end");
	ok(um_irq_set(&vm, UM_IRQ_USER, 4096, true) == -1 &&
	   um_irq_set(&vm, UM_IRQ_USER, 8, true) == -1, "nowhere");
	um_irq_set(&vm, UM_IRQ_USER, 9, true);
	ok(vm.irq.chip->ioapic.irr == BIT(7) && vm.irq.chip->pic.chip[1].irr == BIT(1),
	   "a pin of each controller");
	e[2].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
	ok(set_routes(e, 3) == -EINVAL, "not two of one");
	ok(!set_routes(NULL, 0) && um_irq_set(&vm, UM_IRQ_USER, 9, true) == -1, "none at all");
	destroy();
}

static void test_split(void)
{
	struct kvm_irq_routing_entry e = {
		.gsi = 3, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000, .data = 0xc061 },
	};

	create(1, true);
	apic_on(0);
	ok(!um_pic_in_kernel(&vm) && !set_routes(&e, 1), "split: routes");
	um_irq_set(&vm, UM_IRQ_USER, 3, true);
	ok(take(0) == 0x61, "split: a message for a pin");
	requests[0] = 0;
	apic_write(0, LAPIC_EOI, 0);
	ok((requests[0] & BIT(UM_REQ_IOAPIC_EOI)) && um_irqchip_ended_vector(vcpus[0]) == 0x61,
	   "split: userspace is to hear of its end");
	apic_write(0, LAPIC_LVT0, LVT0_EXTINT);
	ok(um_irqchip_ready(vcpus[0]) && !um_irqchip_extint(vcpus[0], 0x20) &&
	   um_irqchip_extint(vcpus[0], 0x21) == -EEXIST, "split: one vector of the PIC at a time");
	ok(take(0) == 0x20 && take(0) < 0, "split: which comes first");
	destroy();
}

static bool answers(struct um_iodev *dev, struct um_vcpu *vcpu, u64 where, unsigned int len,
		    const void *data)
{
	return *(const u8 *)data == dev->start % 251;
}

static const struct um_iodev_ops bus_ops = { .write = answers };

/* Against a search through all devices. */
static void test_bus(void)
{
	static struct um_iodev dev[64];
	bool good = true;
	unsigned int i, j;
	u8 val;

	create(1, true);
	mutex_lock(&vm.slots_lock);
	for (i = 0; i < ARRAY_SIZE(dev); i++) {
		dev[i] = (struct um_iodev){ &bus_ops, (i * 37) % 101, i % 5 ? 1 << i % 4 : 0 };
		if (i == 1)	/* one that others lie inside of */
			dev[i].len = 40;
		shim_assert(!um_bus_add(&vm, UM_BUS_MMIO, &dev[i]));
	}
	for (i = 0; i < ARRAY_SIZE(dev); i += 3)
		um_bus_del(&vm, UM_BUS_MMIO, &dev[i]);
	for (i = 0; i < 120 * 120; i++) {
		bool want = false;

		val = i % 120;
		for (j = 0; j < ARRAY_SIZE(dev); j++)
			want |= j % 3 && val == dev[j].start % 251 &&
				(dev[j].len ? i / 120 >= dev[j].start &&
					      i / 120 + 1 <= dev[j].start + dev[j].len :
					      i / 120 == dev[j].start);
		good &= um_bus_write(vcpus[0], UM_BUS_MMIO, i / 120, 1, &val) == want;
	}
	ok(good, "bus: who answers where");
	for (i = 0; i < ARRAY_SIZE(dev); i++)
		if (i % 3)
			um_bus_del(&vm, UM_BUS_MMIO, &dev[i]);
	ok(!vm.irq.bus[UM_BUS_MMIO], "bus: empty again");
	mutex_unlock(&vm.slots_lock);
	destroy();
}

int main(void)
{
	test_messages();
	test_timer();
	test_level();
	test_pic();
	test_routes();
	test_split();
	test_bus();
	return tap_done();
}
