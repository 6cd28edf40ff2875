// SPDX-License-Identifier: GPL-2.0
/*
 * APICv: the local APIC in the hands of the CPU. Its register page serves as the virtual-APIC page:
 * the CPU evaluates the TPR, delivers interrupts, ends them, and answers reads (SDM "APIC
 * Virtualization and Virtual Interrupts"). The vCPU is loaded.
 */
#include <asm/irq_vectors.h>

#include "../host.h"
#include "../irqchip/irqchip.h"
#include "../irqchip/lapic.h"
#include "../msr.h"
#include "vmx.h"

#define X2APIC_BIT(reg)		BIT_ULL((reg) >> 4)
#define X2APIC_BANK(reg)	(GENMASK_ULL(7, 0) << ((reg) >> 4))

/*
 * Registers that read as they are in the page. Not so the timer's count; the ICR has its high half
 * elsewhere, and the LVT register for corrected machine checks may not be there.
 */
#define X2APIC_READABLE								\
	(X2APIC_BIT(LAPIC_ID) | X2APIC_BIT(LAPIC_VERSION) | X2APIC_BIT(LAPIC_TPR) |	\
	 X2APIC_BIT(LAPIC_PPR) | X2APIC_BIT(LAPIC_LDR) | X2APIC_BIT(LAPIC_SPIV) |	\
	 X2APIC_BANK(LAPIC_ISR) | X2APIC_BANK(LAPIC_TMR) | X2APIC_BANK(LAPIC_IRR) |	\
	 X2APIC_BIT(LAPIC_ESR) | X2APIC_BIT(LAPIC_LVTT) | X2APIC_BIT(LAPIC_LVTTHMR) |	\
	 X2APIC_BIT(LAPIC_LVTPC) | X2APIC_BIT(LAPIC_LVT0) | X2APIC_BIT(LAPIC_LVT1) |	\
	 X2APIC_BIT(LAPIC_LVTERR) | X2APIC_BIT(LAPIC_TMICT) | X2APIC_BIT(LAPIC_TDCR))

/* Those whose writes the CPU acts upon by itself. */
#define X2APIC_WRITABLE	\
	(X2APIC_BIT(LAPIC_TPR) | X2APIC_BIT(LAPIC_EOI) | X2APIC_BIT(LAPIC_SELF_IPI))

/* SDM "MSR-Bitmap Address": of low MSRs, reads first, writes 2 KiB on; a u64 for 64 of them. */
#define BITMAP_READS	(UM_X2APIC_MSR_FIRST / 64)
#define BITMAP_WRITES	(2 * UM_PAGE_SIZE / 4 / sizeof(u64) + UM_X2APIC_MSR_FIRST / 64)

/* SDM "Guest Non-Register State": RVI in the low byte, SVI in the high one. */
#define STATUS_SERVING_SHIFT	8
#define STATUS_SERVING		0xff00

void vmx_apicv_msrs(struct vmx_vcpu *vmx)
{
	u64 *bitmap = (u64 *)vmx->msr_bitmap;
	bool x2apic = vmx->vcpu.irq.hw_apic == HW_APIC_X2APIC;

	bitmap[BITMAP_READS] = x2apic ? ~X2APIC_READABLE : ~0ULL;
	bitmap[BITMAP_WRITES] = x2apic ? ~X2APIC_WRITABLE : ~0ULL;
}

u32 vmx_apicv_cpu(const struct vmx_vcpu *vmx, u32 ctl)
{
	if (vmx->vcpu.irq.hw_apic == HW_APIC_NONE)
		return ctl;
	ctl &= ~(CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING);
	return ctl | CPU_BASED_TPR_SHADOW;
}

u32 vmx_apicv_cpu2(const struct vmx_vcpu *vmx)
{
	static const u32 controls[] = {
		[HW_APIC_NONE] = SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES,
		[HW_APIC_XAPIC] = VMX_CPU2_APICV & ~SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE,
		[HW_APIC_X2APIC] = VMX_CPU2_APICV & ~SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES,
	};
	u32 ctl = controls[vmx->vcpu.irq.hw_apic];

	/* Where it is mapped, nobody may take it for memory. */
	return vmx->vcpu.vm->irq.apic_page ? ctl : ctl & ~SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES;
}

void vmx_apicv_init_vmcs(struct vmx_vcpu *vmx)
{
	if (vmx->vcpu.vm->irq.apic_page)
		vmcs_write64(APIC_ACCESS_ADDR, __pa(vmx->vcpu.vm->irq.apic_page));
}

/* An interrupt is acknowledged to see whether it is the notification of posted ones. */
static void process_posted(bool on, const void *posted)
{
	vmcs_write32(PIN_BASED_VM_EXEC_CONTROL, vmx_caps.pin | (on ? PIN_BASED_POSTED_INTR : 0));
	vmcs_write32(VM_EXIT_CONTROLS, vmx_caps.exit | (on ? VM_EXIT_ACK_INTR_ON_EXIT : 0));
	vmcs_write16(POSTED_INTR_NV, HOST_POSTED_VECTOR);
	vmcs_write64(POSTED_INTR_DESC_ADDR, __pa(posted));
}

void hw_apic_mode(struct um_vcpu *vcpu, enum hw_apic mode, const void *page, const void *posted)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->apic_page = mode == HW_APIC_NONE ? NULL : page;
	vmcs_write64(VIRTUAL_APIC_PAGE_ADDR, __pa(page));
	vmcs_write32(TPR_THRESHOLD, 0);
	if (hw_caps.posted)
		process_posted(mode != HW_APIC_NONE, posted);
	vmx_write_controls(vmx);
	vmx_apicv_msrs(vmx);
}

void hw_apic_status(struct um_vcpu *vcpu, u8 requested, int serving)
{
	u16 old = vmcs_read16(GUEST_INTR_STATUS), status = requested;

	status |= serving < 0 ? old & STATUS_SERVING : serving << STATUS_SERVING_SHIFT;
	if (status != old)
		vmcs_write16(GUEST_INTR_STATUS, status);
}

void hw_apic_eoi_exits(struct um_vcpu *vcpu, const u64 *vectors)
{
	vmcs_write64(EOI_EXIT_BITMAP0, vectors[0]);
	vmcs_write64(EOI_EXIT_BITMAP1, vectors[1]);
	vmcs_write64(EOI_EXIT_BITMAP2, vectors[2]);
	vmcs_write64(EOI_EXIT_BITMAP3, vectors[3]);
}

void vmx_apicv_leave(struct vmx_vcpu *vmx)
{
	vmx->vcpu.cr8 = READ_ONCE(vmx->apic_page[LAPIC_TPR / sizeof(u32)]) >> 4;
}

void hw_interrupt(struct um_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	void (*stub)(void);
	u32 info;

	if (vmx->exit_reason != EXIT_REASON_EXTERNAL_INTERRUPT || !vmx->apic_page)
		return;
	info = vmx_intr_info(vmx);
	if (!(info & INTR_INFO_VALID_MASK))
		return;
	info &= INTR_INFO_VECTOR_MASK;
	if (WARN_ON_ONCE(info < FIRST_EXTERNAL_VECTOR))
		return;
	stub = (void *)(vmx_irq_stubs + (info - FIRST_EXTERNAL_VECTOR) * VMX_IRQ_STUB_SIZE);
	stub();
}

/* SDM "Exit Qualification for APIC-Access VM Exits" */
#define ACCESS_TYPE_SHIFT	12
#define ACCESS_TYPE		0xf
#define ACCESS_LINEAR_WRITE	1	/* a read is 0 */

int exit_apic_access(struct vmx_vcpu *vmx)
{
	unsigned long qual = vmx_exit_qual(vmx);
	bool own = (qual >> ACCESS_TYPE_SHIFT & ACCESS_TYPE) <= ACCESS_LINEAR_WRITE;

	return vmx_emulate_access(&vmx->vcpu, UM_APIC_BASE_DEFAULT + um_page_offset(qual), own);
}

/* Traps: the instruction has retired. */
bool exit_apic_fast(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;

	switch (vmx->exit_reason) {
	case EXIT_REASON_EOI_INDUCED:
		vcpu->stats.exit.eoi++;
		um_lapic_ended(vcpu, vmx_exit_qual(vmx));
		return true;
	case EXIT_REASON_APIC_WRITE:
		vcpu->stats.exit.apic_write++;
		um_lapic_written(vcpu, vmx_exit_qual(vmx));
		return true;
	default:
		return false;
	}
}
