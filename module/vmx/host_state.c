// SPDX-License-Identifier: GPL-2.0
/*
 * The host's registers around the guest: what VM exit restores by itself is put into the
 * VMCS, the rest is switched here. Interrupts off, or preemption off where said; the
 * per-CPU part belongs to its CPU.
 */
#include <linux/user-return-notifier.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fpu/xcr.h>
#include <asm/hw_breakpoint.h>
#include <asm/mmu_context.h>
#include <asm/pkru.h>
#include <asm/processor.h>
#include <asm/tlbflush.h>
#include "vmx.h"

/*
 * Syscall MSRs and TSC_AUX: the kernel itself needs them only on the way to userspace, so the
 * guest's values stay until the user-return notifier puts the host's back.
 */
struct uret_cpu {
	struct user_return_notifier urn;
	bool registered;
	u64 host[URET_NR], current_val[URET_NR];
};

static DEFINE_PER_CPU(struct uret_cpu, uret);
static u64 host_xcr0;
static u64 host_efer;

static const u32 uret_msr[URET_NR] = {
	[URET_STAR] = MSR_STAR, [URET_LSTAR] = MSR_LSTAR, [URET_CSTAR] = MSR_CSTAR,
	[URET_SFMASK] = MSR_SYSCALL_MASK, [URET_TSC_AUX] = MSR_TSC_AUX,
	[URET_EFER] = MSR_EFER,
};

static void on_user_return(struct user_return_notifier *urn)
{
	struct uret_cpu *u = container_of(urn, struct uret_cpu, urn);
	unsigned long flags;
	unsigned int i;

	/* hw_cpu_disable() may come by IPI. */
	local_irq_save(flags);
	if (u->registered) {
		u->registered = false;
		user_return_notifier_unregister(urn);
		for (i = 0; i < URET_NR; i++) {
			if (u->current_val[i] == u->host[i])
				continue;
			wrmsrl(uret_msr[i], u->host[i]);
			u->current_val[i] = u->host[i];
		}
	}
	local_irq_restore(flags);
}

void vmx_uret_set(unsigned int slot, u64 val)
{
	struct uret_cpu *u = this_cpu_ptr(&uret);

	if (u->current_val[slot] == val)
		return;
	if (wrmsrl_safe(uret_msr[slot], val))
		return;
	u->current_val[slot] = val;
	if (!u->registered) {
		u->registered = true;
		user_return_notifier_register(&u->urn);
	}
}

void vmx_host_init(void)
{
	if (boot_cpu_has(X86_FEATURE_OSXSAVE))
		host_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	rdmsrl(MSR_EFER, host_efer);
}

void vmx_host_cpu_init(void)
{
	struct uret_cpu *u = this_cpu_ptr(&uret);
	unsigned int i;

	u->urn.on_user_return = on_user_return;
	for (i = 0; i < URET_NR; i++) {
		if (rdmsrl_safe(uret_msr[i], &u->host[i]))
			u->host[i] = 0;
		u->current_val[i] = u->host[i];
	}
}

void vmx_host_cpu_exit(void)
{
	on_user_return(&this_cpu_ptr(&uret)->urn);
}

void vmx_host_constants(void)
{
	struct desc_ptr idt;
	u64 sysenter_cs, sysenter_eip;

	store_idt(&idt);
	vmcs_writel(HOST_IDTR_BASE, idt.address);
	vmcs_writel(HOST_RIP, (unsigned long)vmx_exit_point);
	vmcs_writel(HOST_RSP, 0);
	vmcs_writel(HOST_CR0, read_cr0() & ~X86_CR0_TS);
	vmcs_write16(HOST_CS_SELECTOR, __KERNEL_CS);
	vmcs_write16(HOST_SS_SELECTOR, __KERNEL_DS);
	vmcs_write16(HOST_DS_SELECTOR, 0);
	vmcs_write16(HOST_ES_SELECTOR, 0);
	vmcs_write16(HOST_FS_SELECTOR, 0);
	vmcs_write16(HOST_GS_SELECTOR, 0);
	vmcs_writel(HOST_FS_BASE, 0);
	vmcs_write16(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	if (vmx_caps.efer)
		vmcs_write64(HOST_IA32_EFER, host_efer);
	rdmsrl(MSR_IA32_SYSENTER_CS, sysenter_cs);
	vmcs_write32(HOST_IA32_SYSENTER_CS, sysenter_cs);
	rdmsrl(MSR_IA32_SYSENTER_EIP, sysenter_eip);
	vmcs_writel(HOST_IA32_SYSENTER_EIP, sysenter_eip);
}

void vmx_host_cpu_fields(struct vmx_vcpu *vmx, int cpu)
{
	vmx->host.gdt.address = (unsigned long)get_cpu_gdt_ro(cpu);
	vmx->host.gdt.size = GDT_SIZE - 1;
	vmcs_writel(HOST_GS_BASE, cpu_kernelmode_gs_base(cpu));
	vmcs_writel(HOST_TR_BASE, (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	vmcs_writel(HOST_GDTR_BASE, vmx->host.gdt.address);
	if (IS_ENABLED(CONFIG_IA32_EMULATION) || IS_ENABLED(CONFIG_X86_32))
		vmcs_writel(HOST_IA32_SYSENTER_ESP, (unsigned long)(cpu_entry_stack(cpu) + 1));
}

/* VM exit wants selectors with TI and RPL 0; others are loaded back by hand. */
static bool loadable_by_exit(u16 sel)
{
	return !(sel & (SEGMENT_TI_MASK | SEGMENT_RPL_MASK));
}

static void write_host_fsgs(struct vmx_host *h, u16 fs, u16 gs, unsigned long fs_base)
{
	if (h->fs_sel != fs)
		vmcs_write16(HOST_FS_SELECTOR, loadable_by_exit(fs) ? fs : 0);
	if (h->gs_sel != gs)
		vmcs_write16(HOST_GS_SELECTOR, loadable_by_exit(gs) ? gs : 0);
	if (h->fs_base != fs_base)
		vmcs_writel(HOST_FS_BASE, fs_base);
	h->fs_sel = fs;
	h->gs_sel = gs;
	h->fs_base = fs_base;
}

/*
 * VM entry and exit switch LME and LMA by themselves, and the kernel needs SCE
 * only to return to userspace.
 */
void vmx_load_sce(struct vmx_vcpu *vmx)
{
	vmx_uret_set(URET_EFER, (host_efer & ~(u64)EFER_SCE) | (vmx->vcpu.efer & EFER_SCE));
}

static void load_syscall_msrs(struct vmx_vcpu *vmx)
{
	const struct um_msrs *m = &vmx->vcpu.msr;

	if (vmx->vcpu.efer & EFER_SCE) {
		vmx_uret_set(URET_STAR, m->star);
		vmx_uret_set(URET_LSTAR, m->lstar);
		vmx_uret_set(URET_CSTAR, m->cstar);
		vmx_uret_set(URET_SFMASK, m->sfmask);
	}
	if (hw_caps.rdtscp)
		vmx_uret_set(URET_TSC_AUX, m->tsc_aux);
	if (!vmx_caps.efer)
		vmx_load_sce(vmx);
}

void vmx_switch_to_guest(struct vmx_vcpu *vmx)
{
	struct vmx_host *h = &vmx->host;

	h->switched = true;
	vmx->l1d_flush = true;	/* userspace or another task ran here */
	current_save_fsgs();
	store_ldt(h->ldt_sel);
	savesegment(ds, h->ds_sel);
	savesegment(es, h->es_sel);
	write_host_fsgs(h, current->thread.fsindex, current->thread.gsindex,
			current->thread.fsbase);
	h->kernel_gs_base = current->thread.gsbase;
	wrmsrl(MSR_KERNEL_GS_BASE, vmx->vcpu.msr.kernel_gs_base);
	load_syscall_msrs(vmx);
}

static void load_host_segments(const struct vmx_host *h)
{
	if (h->ldt_sel)
		asm volatile("lldt %0" : : "rm" (h->ldt_sel));
	if (!loadable_by_exit(h->gs_sel))
		load_gs_index(h->gs_sel);
	if (!loadable_by_exit(h->fs_sel))
		loadsegment(fs, h->fs_sel);
	if (h->ds_sel | h->es_sel) {
		loadsegment(ds, h->ds_sel);
		loadsegment(es, h->es_sel);
	}
}

void vmx_switch_to_host(struct vmx_vcpu *vmx)
{
	struct vmx_host *h = &vmx->host;

	if (!h->switched)
		return;
	h->switched = false;
	rdmsrl(MSR_KERNEL_GS_BASE, vmx->vcpu.msr.kernel_gs_base);
	load_host_segments(h);
	/* VM exit leaves limits of 0x67 and 0xffff in TR and GDTR. */
	invalidate_tss_limit();
	wrmsrl(MSR_KERNEL_GS_BASE, h->kernel_gs_base);
	native_load_gdt(&h->gdt);
}

/* DR7's enable bits: only then do DR0-3 matter to the guest. */
static void load_guest_debug(struct vmx_vcpu *vmx)
{
	const u64 *db = um_debug_db(&vmx->vcpu);
	u64 dr7 = um_debug_dr7(&vmx->vcpu);

	if (!(dr7 & DR_GLOBAL_ENABLE_MASK) && !(dr7 & DR_LOCAL_ENABLE_MASK))
		return;
	set_debugreg(0, 7);
	set_debugreg(db[0], 0);
	set_debugreg(db[1], 1);
	set_debugreg(db[2], 2);
	set_debugreg(db[3], 3);
	vmx->host.dr_loaded = true;
}

static void load_guest_xcr0(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;

	/* OSXSAVE is never the guest's own bit: the cache has it without a read. */
	if (!host_xcr0 || !(vcpu->cr4 & X86_CR4_OSXSAVE) || vcpu->xcr0 == host_xcr0)
		return;
	xsetbv(XCR_XFEATURE_ENABLED_MASK, vcpu->xcr0);
	vmx->host.xcr0_loaded = true;
}

/* A guest reaches PKRU through its keys and through XSAVE, which needs no CR4.PKE. */
static bool uses_pkru(const struct um_vcpu *vcpu)
{
	return cpu_feature_enabled(X86_FEATURE_OSPKE) &&
	       ((vcpu->cr4 & X86_CR4_PKE) || (vcpu->xcr0 & XFEATURE_MASK_PKRU));
}

static void load_guest_pkru(struct vmx_vcpu *vmx)
{
	if (!uses_pkru(&vmx->vcpu))
		return;
	vmx->host.pkru = read_pkru();
	vmx->host.pkru_loaded = true;
	write_pkru(vmx->vcpu.pkru);
}

static void save_guest_pkru(struct vmx_vcpu *vmx)
{
	vmx->vcpu.pkru = read_pkru();
	write_pkru(vmx->host.pkru);
	vmx->host.pkru_loaded = false;
}

void vmx_enter_prepare(struct vmx_vcpu *vmx)
{
	struct vmx_host *h = &vmx->host;
	unsigned long cr3 = __get_current_cr3_fast(), cr4 = cr4_read_shadow();

	h->entered = true;
	if (!h->switched)
		vmx_switch_to_guest(vmx);
	if (h->cr3 != cr3) {
		vmcs_writel(HOST_CR3, cr3);
		h->cr3 = cr3;
	}
	if (h->cr4 != cr4) {
		vmcs_writel(HOST_CR4, cr4);
		h->cr4 = cr4;
	}
	h->debugctl = get_debugctlmsr();
	load_guest_debug(vmx);
	load_guest_xcr0(vmx);
	load_guest_pkru(vmx);
}

void vmx_leave_restore(struct vmx_vcpu *vmx)
{
	struct vmx_host *h = &vmx->host;

	if (h->xcr0_loaded) {
		xsetbv(XCR_XFEATURE_ENABLED_MASK, host_xcr0);
		h->xcr0_loaded = false;
	}
	if (h->pkru_loaded)
		save_guest_pkru(vmx);
	/* VM exit cleared DEBUGCTL and disabled all breakpoints in DR7. */
	if (h->debugctl)
		update_debugctlmsr(h->debugctl);
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
	h->dr_loaded = false;
	h->entered = false;
}
