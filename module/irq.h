/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a VM and a vCPU have for interrupts when the kernel emulates the controllers, and how the
 * run loop uses it. Each field says which lock guards it.
 */
#ifndef UM_IRQ_H
#define UM_IRQ_H

#include <linux/list.h>
#include <linux/rcuwait.h>
#include <linux/spinlock.h>

#include "types.h"

struct kvm_enable_cap;
struct kvm_ioeventfd;
struct kvm_irqfd;
struct um_iobus;
struct um_irqchip;
struct um_lapic;
struct um_pit;
struct um_vcpu;
struct um_vm;

#define UM_MAX_IRQ_ROUTES	4096
/* What KVM_CAP_X2APIC_API takes. */
#define UM_X2APIC_API_FLAGS	(KVM_X2APIC_API_USE_32BIT_IDS | \
				 KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)

/* What of a vCPU's local APIC the CPU runs while the guest does; see hw_apic_mode(). */
enum hw_apic { HW_APIC_NONE, HW_APIC_XAPIC, HW_APIC_X2APIC };

enum um_bus { UM_BUS_PIO, UM_BUS_MMIO, UM_NR_BUSES };

struct um_vm_irq {
	/* the controllers; NULL: userspace has them. Set once under vm->lock, before any vCPU */
	struct um_irqchip *chip;
	/* devices in the kernel, NULL: none; replaced under vm->slots_lock, read under vm->srcu */
	struct um_iobus __rcu *bus[UM_NR_BUSES];
	struct um_iobus *bus_spare[UM_NR_BUSES];	/* for the next change; slots_lock */
	struct um_pit *pit;	/* NULL: none; set once under vm->lock */
	/* apicv.c: where vCPUs find an xAPIC that the CPU runs; NULL: nowhere. vm->lock, once */
	void *apic_page;
	bool apic_page_off;	/* they do not any more; mmu_lock */
	spinlock_t irqfd_lock;
	struct list_head irqfds, resamplers;	/* irqfd.c; irqfd_lock, resamplers: RCU */
	u32 boot_cpu;		/* id of the vCPU that starts by itself; vm->lock */
	/* KVM_CAP_X2APIC_API: ids have 32 bits; 0xff addresses x2APIC number 255 only; vm->lock */
	bool wide_ids, no_broadcast_quirk;
};

struct um_vcpu_irq {
	struct um_lapic *lapic;	/* NULL: userspace has it. Fixed at creation */
	struct rcuwait wait;	/* where its thread sleeps in HLT */
	unsigned int poll_ns;	/* how long it polls before; vcpu->mutex */
	enum hw_apic hw_apic;	/* NONE where the CPU cannot; mutex, others READ_ONCE() */
	/* bit 0: something is posted to the APIC; NULL: nothing ever is. Fixed at creation */
	const unsigned long *posted;
	bool window;		/* an interrupt waits for the guest to be able to take it; mutex */
};

/*
 * irq.c. Before an entry, for UM_REQ_EVENT and a vCPU with a lapic: INIT and SIPI, sleep while it
 * does not run, take an interrupt. Loaded, sleeps. 1: go on, <0: KVM_RUN's errno.
 */
int um_irq_serve(struct um_vcpu *vcpu);
/* An interrupt that the guest may have ended in memory. Loaded. */
void um_irq_settle(struct um_vcpu *vcpu);
/* INIT and SIPI that have arrived. Loaded, vm->srcu held. */
void um_irq_init_sipi(struct um_vcpu *vcpu);
/* There is something for which a vCPU wakes up. Loaded. */
bool um_irq_has_event(struct um_vcpu *vcpu);
/* vm.c: the CPU that is in the vCPU's inner loop, -1: none. Any context. */
int um_vcpu_guest_cpu(struct um_vcpu *vcpu);
long um_ioc_get_mp_state(void *owner, void *arg, unsigned long uarg);
long um_ioc_set_mp_state(void *owner, void *arg, unsigned long uarg);

/* halt.c: HLT has retired. 1: sleep before the next entry, 0: to userspace. */
int um_hlt(struct um_vcpu *vcpu);
/* Sleep until um_irq_has_event() or a signal. Loaded. */
void um_block(struct um_vcpu *vcpu);

/* irqfd.c and ioeventfd.c: 0 or errno */
int um_irqfd_module_init(void);
void um_irqfd_module_exit(void);
void um_irqfd_init(struct um_vm *vm);
void um_irqfd_stop(struct um_vm *vm);
long um_irqfd(struct um_vm *vm, const struct kvm_irqfd *args);
long um_ioeventfd(struct um_vm *vm, const struct kvm_ioeventfd *args);

/* vm_irq.c: the VM's ioctls for interrupts and devices in the kernel; -ENOTTY: it is none */
long um_vm_irq_ioctl(struct um_vm *vm, unsigned int cmd, unsigned long uarg);
long um_irq_enable_cap(struct um_vm *vm, const struct kvm_enable_cap *cap);
/* All of it; nobody can reach the VM any more. stop: no timer or eventfd calls in after it. */
void um_vm_irq_stop(struct um_vm *vm);
void um_vm_irq_destroy(struct um_vm *vm);

#endif
