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
#include "mmu.h"
#include "msr.h"

/* Under EPT only: shadow tables would need one more kind of leaf. */
int um_apicv_vm_init(struct um_vm *vm)
{
	bool wanted = hw_caps.apicv && vm->irq.chip && vm->backend == UM_BACKEND_EPT;

	/* The backend may change until there is a vCPU. */
	if (!wanted)
		um_apicv_vm_destroy(vm);
	else if (!vm->irq.apic_page)
		vm->irq.apic_page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return wanted && !vm->irq.apic_page ? -ENOMEM : 0;
}

void um_apicv_vm_destroy(struct um_vm *vm)
{
	free_page((unsigned long)vm->irq.apic_page);
	vm->irq.apic_page = NULL;
}

bool um_apicv_page_here(const struct um_vm *vm, gfn_t gfn)
{
	return gfn == gpa_to_gfn(UM_APIC_BASE_DEFAULT) && vm->irq.apic_page &&
	       !vm->irq.apic_page_off;
}

/*
 * All vCPUs share the tables, and to one in x2APIC mode the page would be memory. So the first of
 * those takes it away from all, for good; registers in memory are emulated then.
 */
static void take_page_away(struct um_vm *vm)
{
	gfn_t gfn = gpa_to_gfn(UM_APIC_BASE_DEFAULT);

	if (!vm->irq.apic_page || vm->irq.apic_page_off)
		return;
	write_lock(&vm->mmu_lock);
	vm->irq.apic_page_off = true;
	if (vm->mmu[UM_BACKEND_EPT]->unmap(vm, NULL, gfn, gfn + 1))
		um_flush_remote_tlbs(vm);
	write_unlock(&vm->mmu_lock);
}

/*
 * An APIC that software switched off takes no self-IPI, but the CPU would. Userspace that holds
 * interrupts back also holds back those that the CPU would deliver. An xAPIC without its page is
 * emulated, and that is where an interrupt ends.
 */
static enum hw_apic wanted(const struct um_vcpu *vcpu)
{
	u64 base = vcpu->msr.apic_base & ~MSR_IA32_APICBASE_BSP;

	if (!um_lapic_sw_enabled(vcpu) || um_debug_blocks(vcpu))
		return HW_APIC_NONE;
	if (base & X2APIC_ENABLE)
		return HW_APIC_X2APIC;
	if (base != (UM_APIC_BASE_DEFAULT | MSR_IA32_APICBASE_ENABLE))
		return HW_APIC_NONE;
	return vcpu->vm->irq.apic_page && !READ_ONCE(vcpu->vm->irq.apic_page_off) ?
	       HW_APIC_XAPIC : HW_APIC_NONE;
}

void um_apicv_serve(struct um_vcpu *vcpu)
{
	enum hw_apic mode = wanted(vcpu);
	const u64 *exits;

	um_lapic_merge(vcpu);
	if (mode != vcpu->irq.hw_apic) {
		if (mode == HW_APIC_X2APIC)
			take_page_away(vcpu->vm);
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
