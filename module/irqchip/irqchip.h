/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Seam: what the core asks of the interrupt controllers in the kernel. "The owner" is the thread
 * that has the vCPU; the rest may be called in any context.
 */
#ifndef UM_IRQCHIP_H
#define UM_IRQCHIP_H

#include <linux/compiler.h>

#include "../types.h"
#include "irq_msg.h"

struct kvm_irq_routing;
struct kvm_irqchip;
struct kvm_msi;
struct kvm_pit_state2;
struct um_vcpu;
struct um_vm;

#define UM_X2APIC_MSR_FIRST	0x800
#define UM_X2APIC_MSR_LAST	0x8ff

/* lapic_vcpu.c: the owner's calls, for a vCPU that has a lapic. */
/* 0 or -ENOMEM; sleeps. @posted: the CPU may run it. */
int um_lapic_create(struct um_vcpu *vcpu, bool posted);
void um_lapic_destroy(struct um_vcpu *vcpu);	/* none is fine too; sleeps */
void um_lapic_reset(struct um_vcpu *vcpu);	/* RESET or INIT */
void um_lapic_base_changed(struct um_vcpu *vcpu);	/* vcpu->msr.apic_base is new */
void um_lapic_cpuid_changed(struct um_vcpu *vcpu);
/* Corrected machine checks: are they signalled through the APIC? Signal one. */
void um_lapic_set_cmci(struct um_vcpu *vcpu, bool cmci);
void um_lapic_cmci(struct um_vcpu *vcpu);
void um_lapic_set_tpr(struct um_vcpu *vcpu, u8 tpr);
/* False: the address is not the APIC's. vm->srcu held. */
bool um_lapic_mmio_read(struct um_vcpu *vcpu, gpa_t gpa, unsigned int len, void *data);
bool um_lapic_mmio_write(struct um_vcpu *vcpu, gpa_t gpa, unsigned int len, const void *data);
/* 0, or 1: #GP. Also in the inner loop. */
int um_x2apic_read(struct um_vcpu *vcpu, u32 index, u64 *val);
int um_x2apic_write(struct um_vcpu *vcpu, u32 index, u64 val);
u64 um_lapic_deadline(struct um_vcpu *vcpu);	/* IA32_TSC_DEADLINE */
void um_lapic_set_deadline(struct um_vcpu *vcpu, u64 tsc);

/* What INIT, SIPI and NMI messages left for the owner; each is taken by asking. */
bool um_lapic_has_init_sipi(const struct um_vcpu *vcpu);
bool um_lapic_take_init(struct um_vcpu *vcpu);
/* Userspace looks at an INIT that waits, and sets it. */
bool um_lapic_has_init(const struct um_vcpu *vcpu);
void um_lapic_set_init(struct um_vcpu *vcpu, bool pending);
bool um_lapic_take_sipi(struct um_vcpu *vcpu, u8 *vector);
void um_lapic_post_sipi(struct um_vcpu *vcpu);	/* as if one had come, with the last vector */
unsigned int um_lapic_nmis(const struct um_vcpu *vcpu);
unsigned int um_lapic_take_nmis(struct um_vcpu *vcpu);
/* Another vCPU woke this one by hypercall, and it has heard of that. */
bool um_lapic_unhalted(const struct um_vcpu *vcpu);
void um_lapic_wake_seen(struct um_vcpu *vcpu);

/* @vector is in service, nothing else waits, and nobody hears of its end. End it. */
bool um_lapic_serves_only(struct um_vcpu *vcpu, u8 vector);
void um_lapic_eoi(struct um_vcpu *vcpu);

/*
 * ../pv_eoi.c. MSR_KVM_PV_EOI_EN: 0, or 1: #GP. Offer the guest to end @vector, which it takes
 * now, in memory; sleeps. See whether it did, and end the offer; vm->srcu held; sleeps.
 */
int um_pv_eoi_write(struct um_vcpu *vcpu, u64 val);
void um_pv_eoi_offer(struct um_vcpu *vcpu, u8 vector);
void um_pv_eoi_settle(struct um_vcpu *vcpu);

/*
 * posted.c, for an APIC that the CPU may run; the owner's calls. merge: what was posted is
 * requested now. moved: from now on another runs it. requested: the highest vector, 0: none.
 */
void um_lapic_merge(struct um_vcpu *vcpu);
bool um_lapic_sw_enabled(const struct um_vcpu *vcpu);
const void *um_lapic_page(const struct um_vcpu *vcpu);	/* the registers */
const void *um_lapic_descriptor(const struct um_vcpu *vcpu);	/* where others post */
void um_lapic_moved(struct um_vcpu *vcpu);
u8 um_lapic_requested(const struct um_vcpu *vcpu);
/* What the CPU does not know yet: the highest vector in service, 0: none, -1: it knows; */
int um_lapic_new_serving(struct um_vcpu *vcpu);
/* and of which vectors it has to tell the end, 256 bits, NULL: it knows. */
const u64 *um_lapic_new_exits(struct um_vcpu *vcpu);
/* It tells: an interrupt has ended; a register has been written, the page holds the value. */
void um_lapic_ended(struct um_vcpu *vcpu, u8 vector);
void um_lapic_written(struct um_vcpu *vcpu, u32 reg);

/*
 * An interrupt for this vCPU, from its APIC or through it from a PIC. ack: its vector. injectable:
 * one that an entry has to bring.
 */
bool um_irqchip_pending(struct um_vcpu *vcpu);
bool um_irqchip_injectable(struct um_vcpu *vcpu);
u8 um_irqchip_ack(struct um_vcpu *vcpu);
/* KVM_INTERRUPT: the PIC that userspace emulates has @vector. 0, -ENXIO, -EEXIST */
long um_irqchip_extint(struct um_vcpu *vcpu, u8 vector);

long um_ioc_set_vapic_addr(void *owner, void *arg, unsigned long uarg);
long um_ioc_get_lapic(void *owner, void *arg, unsigned long uarg);
long um_ioc_set_lapic(void *owner, void *arg, unsigned long uarg);

/* chip.c. create: vm->lock held; 0, -EEXIST, -EINVAL: too late, -ENOMEM */
long um_irqchip_create(struct um_vm *vm, bool split, u32 reserved_pins);
void um_irqchip_destroy(struct um_vm *vm);
bool um_pic_in_kernel(const struct um_vm *vm);
long um_irqchip_get(struct um_vm *vm, struct kvm_irqchip *state);
long um_irqchip_set(struct um_vm *vm, const struct kvm_irqchip *state);
/* Somebody more (1) or less (-1) waits for the end of edge-triggered interrupts. */
void um_irqchip_edge_acks(struct um_vm *vm, int change);
/* Split: userspace may give a vector with KVM_INTERRUPT. The vector that ended, for its IOAPIC. */
bool um_irqchip_ready(struct um_vcpu *vcpu);
u8 um_irqchip_ended_vector(const struct um_vcpu *vcpu);

/* Who can hold a line high. */
enum um_irq_source { UM_IRQ_USER, UM_IRQ_RESAMPLE, UM_IRQ_PIT };

/*
 * routing.c. Where @gsi leads, any context: how many CPUs took it, 0: one more of the same, -1:
 * nobody. The VM has controllers.
 */
int um_irq_set(struct um_vm *vm, unsigned int source, u32 gsi, bool level);
long um_irq_signal_msi(struct um_vm *vm, const struct kvm_msi *msi);
long um_irq_set_routes(struct um_vm *vm, const struct kvm_irq_routing __user *user);

/* pit_dev.c. 0 or errno; acked: the guest has served GSI 0, any context */
long um_pit_create(struct um_vm *vm, bool speaker);
void um_pit_stop(struct um_vm *vm);
void um_pit_destroy(struct um_vm *vm);
void um_pit_acked(struct um_vm *vm);
long um_pit_get(struct um_vm *vm, struct kvm_pit_state2 *state);
long um_pit_set(struct um_vm *vm, const struct kvm_pit_state2 *state, bool with_flags);
long um_pit_reinject(struct um_vm *vm, bool on);

/* ../irqfd.c, for the controllers: the guest has served @gsi. Any context but under chip->lock. */
void um_irq_acked(struct um_vm *vm, u32 gsi);

/* ../apicv.c, for the controllers: something is posted that was not before. Any context. */
void um_apicv_notify(struct um_vcpu *vcpu);

/* ../smm.c, for the controllers: an SMI for @vcpu. Any context. */
void um_smi_post(struct um_vcpu *vcpu);

/* deliver.c: to whom it addresses; how many took it. */
int um_irq_deliver(struct um_vm *vm, const struct irq_msg *msg, struct um_vcpu *source);

#endif
