// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's local APIC as its thread sees it: registers by MMIO and MSR, and what is pending. The
 * vCPU's mutex guards it but for what vlapic.h says to be atomic; MSRs also in the inner loop.
 */
#include <linux/slab.h>
#include <linux/cpufeature.h>

#include "vlapic.h"

#define BASE_X2APIC	BIT_ULL(10)
#define BASE_ENABLE	BIT_ULL(11)
#define REG_MASK	0xff0
#define CPUID_1_ECX_X2APIC	BIT(21)
#define CPUID_1_ECX_DEADLINE	BIT(24)

static_assert(sizeof(struct kvm_lapic_state) == LAPIC_REGS_SIZE);

void vlapic_tell_end(struct um_lapic *l, u8 vector)
{
	bool quiet = lapic_get(&l->regs, LAPIC_SPIV) & LAPIC_SPIV_NO_BROADCAST;

	um_chip_ended(l->vcpu, vector, lapic_test_vector(&l->regs, LAPIC_TMR, vector), !quiet);
}

static void end_of_interrupt(struct um_lapic *l)
{
	int vector = lapic_eoi(&l->regs);

	if (vector < 0)
		return;
	vlapic_tell_end(l, vector);
	l->serving_new = true;
	if (l->vcpu->irq.hw_apic != HW_APIC_NONE || lapic_pending(&l->regs) >= 0)
		um_make_request(l->vcpu, UM_REQ_EVENT);
}

static void send_ipi(struct um_lapic *l, u32 low, u32 high)
{
	struct irq_msg msg = lapic_icr_msg(&l->regs, low, high);

	um_irq_deliver(l->vcpu->vm, &msg, l->vcpu);
}

/* What a register write asks of the rest of the machine. */
static void apply(struct um_lapic *l, u32 effects)
{
	if (effects & LAPIC_FX_EOI)
		end_of_interrupt(l);
	if (effects & LAPIC_FX_IPI)
		send_ipi(l, lapic_get(&l->regs, LAPIC_ICR), lapic_get(&l->regs, LAPIC_ICR2));
	if (effects & LAPIC_FX_TIMER_STOP)
		vlapic_timer_stop(l);
	if (effects & LAPIC_FX_TIMER_COUNT)
		vlapic_timer_start(l);
	if (effects & LAPIC_FX_TIMER_DIVIDE)
		vlapic_timer_rescale(l);
	if (effects & LAPIC_FX_TPR)
		l->vcpu->cr8 = lapic_get(&l->regs, LAPIC_TPR) >> 4;
	if ((effects & LAPIC_FX_ENABLE) ||
	    ((effects & LAPIC_FX_EVENT) && um_irqchip_pending(l->vcpu)))
		um_make_request(l->vcpu, UM_REQ_EVENT);
}

/* 0, or 1: there is no such register. */
static int reg_write(struct um_lapic *l, u32 reg, u32 val)
{
	int effects = lapic_write(&l->regs, reg, val);

	vlapic_note_regs(l);
	if (effects > 0)
		apply(l, effects);
	return effects < 0;
}

/* What a write does depends on what was there before. */
void um_lapic_written(struct um_vcpu *vcpu, u32 reg)
{
	struct um_lapic *l = vcpu->irq.lapic;
	u32 val;

	reg &= LAPIC_REGS_SIZE - LAPIC_STRIDE;
	val = lapic_get(&l->regs, reg);
	if (vcpu->irq.hw_apic == HW_APIC_XAPIC)
		lapic_set(&l->regs, reg, l->known[reg / LAPIC_STRIDE]);
	reg_write(l, reg, val);
}

static int reg_read(struct um_lapic *l, u32 reg, u32 *val)
{
	int r = lapic_read(&l->regs, reg, val);

	if (!r && reg == LAPIC_TMCCT)
		*val = vlapic_timer_count(l);
	return r;
}

static bool is_mine(const struct um_vcpu *vcpu, gpa_t gpa)
{
	return ((vcpu->msr.apic_base ^ gpa) & UM_PAGE_MASK) == 0;
}

/* Where an APIC would be but none answers, the bus floats high. */
static bool is_hole(const struct um_lapic *l)
{
	return !l->regs.enabled || l->regs.x2apic;
}

bool um_lapic_mmio_read(struct um_vcpu *vcpu, gpa_t gpa, unsigned int len, void *data)
{
	struct um_lapic *l = vcpu->irq.lapic;
	unsigned int offset = um_page_offset(gpa), low = offset & 15;
	u32 val = 0;

	if (!is_mine(vcpu, gpa))
		return false;
	um_pv_eoi_settle(vcpu);
	if (is_hole(l)) {
		memset(data, 0xff, len);
		return true;
	}
	memset(data, 0, len);
	if (low + len <= sizeof(val) && !reg_read(l, offset - low, &val))
		memcpy(data, (u8 *)&val + low, len);
	return true;
}

bool um_lapic_mmio_write(struct um_vcpu *vcpu, gpa_t gpa, unsigned int len, const void *data)
{
	struct um_lapic *l = vcpu->irq.lapic;
	unsigned int offset = um_page_offset(gpa);
	u32 val;

	if (!is_mine(vcpu, gpa))
		return false;
	um_pv_eoi_settle(vcpu);
	if (is_hole(l) || len != sizeof(val) || (offset & 15))
		return true;
	memcpy(&val, data, sizeof(val));
	reg_write(l, offset & REG_MASK, val);
	return true;
}

static u32 x2apic_reg(u32 index)
{
	return (index - UM_X2APIC_MSR_FIRST) << 4;
}

int um_x2apic_read(struct um_vcpu *vcpu, u32 index, u64 *val)
{
	struct um_lapic *l = vcpu->irq.lapic;
	u32 low;

	if (!l || !l->regs.x2apic || vcpu->pv.eoi_offered || reg_read(l, x2apic_reg(index), &low))
		return 1;
	*val = low;
	if (x2apic_reg(index) == LAPIC_ICR)
		*val |= (u64)lapic_get(&l->regs, LAPIC_ICR2) << 32;
	return 0;
}

int um_x2apic_write(struct um_vcpu *vcpu, u32 index, u64 val)
{
	struct um_lapic *l = vcpu->irq.lapic;

	if (!l || !l->regs.x2apic || vcpu->pv.eoi_offered)
		return 1;
	if (x2apic_reg(index) == LAPIC_ICR)
		lapic_set(&l->regs, LAPIC_ICR2, val >> 32);
	else if (val >> 32)
		return 1;
	return reg_write(l, x2apic_reg(index), val);
}

void um_lapic_set_tpr(struct um_vcpu *vcpu, u8 tpr)
{
	reg_write(vcpu->irq.lapic, LAPIC_TPR, tpr);
}

void um_lapic_base_changed(struct um_vcpu *vcpu)
{
	u64 base = vcpu->msr.apic_base;

	lapic_set_mode(&vcpu->irq.lapic->regs, base & BASE_ENABLE, base & BASE_X2APIC);
	um_make_request(vcpu, UM_REQ_EVENT);
}

void um_lapic_cpuid_changed(struct um_vcpu *vcpu)
{
	struct lapic *l = &vcpu->irq.lapic->regs;

	l->deadline_offered = um_cpuid_has(vcpu, 1, 0, CPUID_ECX, CPUID_1_ECX_DEADLINE);
	/* With an IOAPIC that has no EOI register of its own there is no other way. */
	l->eoi_suppress = !um_pic_in_kernel(vcpu->vm) &&
			  um_cpuid_has(vcpu, 1, 0, CPUID_ECX, CPUID_1_ECX_X2APIC);
	lapic_set_version(l);
}

void um_lapic_reset(struct um_vcpu *vcpu)
{
	struct um_lapic *l = vcpu->irq.lapic;

	vlapic_timer_stop(l);
	um_lapic_base_changed(vcpu);
	vlapic_take_posted(l);
	lapic_reset(&l->regs, vcpu->id == vcpu->vm->irq.boot_cpu);
	um_lapic_moved(vcpu);
	vcpu->cr8 = 0;
	vcpu->pv.eoi = 0;
	vcpu->pv.eoi_offered = false;
	atomic_set(&l->nmis, 0);
	WRITE_ONCE(l->unhalted, false);
	l->extint = -1;
}

static void destroy(struct um_lapic *l)
{
	free_page((unsigned long)l->regs.regs);
	free_page((unsigned long)l->posted);
	kfree(l);
}

int um_lapic_create(struct um_vcpu *vcpu, bool posted)
{
	struct um_lapic *l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);

	if (!l)
		return -ENOMEM;
	l->regs.regs = (u32 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (posted)
		l->posted = (struct posted *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!l->regs.regs || (posted && !l->posted)) {
		destroy(l);
		return -ENOMEM;
	}
	if (posted)
		vcpu->irq.posted = &l->posted->control;
	l->regs.id = vcpu->id;
	l->vcpu = vcpu;
	vlapic_timer_init(l);
	vcpu->irq.lapic = l;
	um_lapic_reset(vcpu);
	return 0;
}

void um_lapic_destroy(struct um_vcpu *vcpu)
{
	struct um_lapic *l = vcpu->irq.lapic;

	if (!l)
		return;
	vlapic_timer_stop(l);
	destroy(l);
	vcpu->irq.lapic = NULL;
}

bool um_lapic_has_init_sipi(const struct um_vcpu *vcpu)
{
	return READ_ONCE(vcpu->irq.lapic->pending);
}

bool um_lapic_has_init(const struct um_vcpu *vcpu)
{
	return test_bit(VLAPIC_INIT, &vcpu->irq.lapic->pending);
}

void um_lapic_set_init(struct um_vcpu *vcpu, bool pending)
{
	if (pending)
		set_bit(VLAPIC_INIT, &vcpu->irq.lapic->pending);
	else
		clear_bit(VLAPIC_INIT, &vcpu->irq.lapic->pending);
}

bool um_lapic_take_init(struct um_vcpu *vcpu)
{
	return test_and_clear_bit(VLAPIC_INIT, &vcpu->irq.lapic->pending);
}

bool um_lapic_take_sipi(struct um_vcpu *vcpu, u8 *vector)
{
	struct um_lapic *l = vcpu->irq.lapic;

	/* A full barrier; pairs with accept_sipi(). */
	if (!test_and_clear_bit(VLAPIC_SIPI, &l->pending))
		return false;
	*vector = READ_ONCE(l->sipi_vector);
	return true;
}

bool um_lapic_serves_only(struct um_vcpu *vcpu, u8 vector)
{
	return lapic_serves_only(&vcpu->irq.lapic->regs, vector) && !um_chip_hears(vcpu, vector);
}

void um_lapic_eoi(struct um_vcpu *vcpu)
{
	end_of_interrupt(vcpu->irq.lapic);
}

bool um_lapic_unhalted(const struct um_vcpu *vcpu)
{
	return READ_ONCE(vcpu->irq.lapic->unhalted);
}

void um_lapic_wake_seen(struct um_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->irq.lapic->unhalted, false);
}

void um_lapic_post_sipi(struct um_vcpu *vcpu)
{
	set_bit(VLAPIC_SIPI, &vcpu->irq.lapic->pending);
}

unsigned int um_lapic_nmis(const struct um_vcpu *vcpu)
{
	return atomic_read(&vcpu->irq.lapic->nmis);
}

unsigned int um_lapic_take_nmis(struct um_vcpu *vcpu)
{
	return atomic_xchg(&vcpu->irq.lapic->nmis, 0);
}

/* Nothing asks for a shared page: what is written there would be lost. */
long um_ioc_set_vapic_addr(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_vapic_addr *vapic = arg;
	struct um_vcpu *vcpu = owner;

	return vcpu->irq.lapic && !vapic->vapic_addr ? 0 : -EINVAL;
}

long um_ioc_get_lapic(void *owner, void *arg, unsigned long uarg)
{
	struct um_vcpu *vcpu = owner;
	struct um_lapic *l = vcpu->irq.lapic;
	u32 *state = arg;

	if (!l)
		return -EINVAL;
	vlapic_take_posted(l);
	lapic_save(&l->regs, state, vcpu->vm->irq.wide_ids);
	state[LAPIC_TMCCT / 4] = vlapic_timer_count(l);
	return 0;
}

long um_ioc_set_lapic(void *owner, void *arg, unsigned long uarg)
{
	struct um_vcpu *vcpu = owner;
	struct um_lapic *l = vcpu->irq.lapic;
	const u32 *state = arg;
	int r;

	if (!l)
		return -EINVAL;
	vlapic_timer_stop(l);
	vlapic_take_posted(l);
	r = lapic_restore(&l->regs, state, vcpu->vm->irq.wide_ids);
	if (r)
		return r;
	um_lapic_moved(vcpu);
	um_make_request(vcpu, UM_REQ_EVENT);
	vlapic_timer_restore(l, state[LAPIC_TMCCT / 4]);
	apply(l, LAPIC_FX_TPR | LAPIC_FX_EVENT);
	return 0;
}

void um_lapic_set_cmci(struct um_vcpu *vcpu, bool cmci)
{
	lapic_set_cmci(&vcpu->irq.lapic->regs, cmci);
}

void um_lapic_cmci(struct um_vcpu *vcpu)
{
	vlapic_local(vcpu->irq.lapic, LAPIC_LVTCMCI);
}
