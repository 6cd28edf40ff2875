// SPDX-License-Identifier: GPL-2.0
/*
 * Who runs a vCPU's local APIC: the CPU where it can (APICv), else irqchip/. The vCPU's thread
 * decides before an entry, the vCPU loaded.
 *
 * The register page is the truth either way. What the CPU keeps besides, the highest vectors
 * requested and in service and whose ends are to exit, follows from it and is renewed here.
 */
#include "apicv.h"
#include "guest_debug.h"
#include "host.h"
#include "hw.h"
#include "irqchip/irqchip.h"

/*
 * Registers in memory are emulated, and that is where an interrupt ends. An APIC that software
 * switched off takes no self-IPI, but the CPU would. Userspace that holds interrupts back also
 * holds back those that the CPU would deliver.
 */
static enum hw_apic wanted(const struct um_vcpu *vcpu)
{
	if (!(vcpu->msr.apic_base & X2APIC_ENABLE) || !um_lapic_sw_enabled(vcpu) ||
	    um_debug_blocks(vcpu))
		return HW_APIC_NONE;
	return HW_APIC_X2APIC;
}

void um_apicv_serve(struct um_vcpu *vcpu)
{
	enum hw_apic mode = wanted(vcpu);
	const u64 *exits;

	um_lapic_merge(vcpu);
	if (mode != vcpu->irq.hw_apic) {
		WRITE_ONCE(vcpu->irq.hw_apic, mode);
		um_lapic_moved(vcpu);
		hw_apic_mode(vcpu, mode, um_lapic_page(vcpu), um_lapic_descriptor(vcpu));
	}
	if (mode == HW_APIC_NONE)
		return;
	exits = um_lapic_new_exits(vcpu);
	if (exits)
		hw_apic_eoi_exits(vcpu, exits);
	hw_apic_status(vcpu, um_lapic_requested(vcpu), um_lapic_new_serving(vcpu));
}

/*
 * The vCPU's thread, and a handler that interrupted it, ask for their turn of the loop. Elsewhere
 * the notification finds the guest, or its next entry, or comes too late and hurts nobody:
 * inner_loop() looks for what is posted.
 */
void um_apicv_notify(struct um_vcpu *vcpu)
{
	int cpu;

	if (hw_caps.posted && READ_ONCE(vcpu->irq.hw_apic) != HW_APIC_NONE) {
		cpu = um_vcpu_guest_cpu(vcpu);
		if (cpu >= 0 && cpu != raw_smp_processor_id()) {
			host_notify_posted(cpu);
			return;
		}
	}
	um_make_request(vcpu, UM_REQ_EVENT);
	um_kick_vcpu(vcpu);
}
