// SPDX-License-Identifier: GPL-2.0
/*
 * VMX operation on each CPU and the life of a VMCS: which one is current, which are active on a
 * CPU. The per-CPU lists are touched on their own CPU with interrupts off.
 */
#define pr_fmt(fmt) "umbra: " fmt

#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/tlbflush.h>
#include "invalidate.h"
#include "vmx.h"

static DEFINE_PER_CPU(struct vmcs_hdr *, vmxon_region);
static DEFINE_PER_CPU(struct vmx_vcpu *, current_vmx);
static DEFINE_PER_CPU(struct list_head, active_list);
static DEFINE_PER_CPU(bool, vmx_on);

struct vmcs_hdr *vmcs_alloc(int node, gfp_t gfp)
{
	struct page *page = alloc_pages_node(node, gfp | __GFP_ZERO, 0);
	struct vmcs_hdr *vmcs;

	if (!page)
		return NULL;
	vmcs = page_address(page);
	vmcs->revision = vmx_basic_vmcs_revision_id(vmx_caps.basic);
	return vmcs;
}

void vmcs_free(struct vmcs_hdr *vmcs)
{
	free_page((unsigned long)vmcs);
}

void vmx_vmwrite_error(unsigned long field, u64 val)
{
	pr_warn_ratelimited("VMWRITE of %#llx to field %#lx failed, VM-instruction error %u\n",
			    val, field, vmcs_read32(VM_INSTRUCTION_ERROR));
}

/* 0, or -EIO on VMfail or a fault (SDM "Conventions": CF or ZF is set). */
#define VMX_INSN(insn, phys)						\
({									\
	u64 __pa = (phys);						\
	int __r = -EIO;							\
									\
	asm volatile("1: " insn " %[pa]\n"				\
		     "jna 2f\n"						\
		     "xor %[r], %[r]\n"					\
		     "2:\n"						\
		     _ASM_EXTABLE(1b, 2b)				\
		     : [r] "+r" (__r) : [pa] "m" (__pa) : "cc", "memory"); \
	__r;								\
})

int vmx_cpu_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		INIT_LIST_HEAD(&per_cpu(active_list, cpu));
		per_cpu(vmxon_region, cpu) = vmcs_alloc(cpu_to_node(cpu), GFP_KERNEL);
		if (!per_cpu(vmxon_region, cpu)) {
			vmx_cpu_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

void vmx_cpu_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		vmcs_free(per_cpu(vmxon_region, cpu));
		per_cpu(vmxon_region, cpu) = NULL;
	}
}

int hw_cpu_enable(void)
{
	int r;

	if (this_cpu_read(vmx_on))
		return 0;
	if (cr4_read_shadow() & X86_CR4_VMXE)
		return -EBUSY;
	cr4_set_bits_irqsoff(X86_CR4_VMXE);
	r = VMX_INSN("vmxon", __pa(this_cpu_read(vmxon_region)));
	if (r) {
		cr4_clear_bits_irqsoff(X86_CR4_VMXE);
		return r;
	}
	vmx_host_cpu_init();
	this_cpu_write(vmx_on, true);
	return 0;
}

/*
 * Write the VMCS back to memory and forget where it was; on the CPU where it is
 * active, interrupts off.
 */
static void clear_here(struct vmx_vcpu *vmx)
{
	int cpu = smp_processor_id();

	if (vmx->active_cpu != cpu)
		return;
	VMX_INSN("vmclear", __pa(vmx->vmcs));
	if (this_cpu_read(current_vmx) == vmx)
		this_cpu_write(current_vmx, NULL);
	list_del(&vmx->on_cpu);
	vmx->launched = false;
	/*
	 * Pairs with the acquire in vmx_vmcs_activate(): the next CPU
	 * sees the entry off this list.
	 */
	smp_store_release(&vmx->active_cpu, -1);
}

void hw_cpu_disable(void)
{
	struct vmx_vcpu *vmx, *tmp;

	if (!this_cpu_read(vmx_on))
		return;
	list_for_each_entry_safe(vmx, tmp, this_cpu_ptr(&active_list), on_cpu)
		clear_here(vmx);
	vmx_host_cpu_exit();
	asm volatile("1: vmxoff\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b) : : : "cc", "memory");
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
	this_cpu_write(vmx_on, false);
}

static void clear_ipi(void *vmx)
{
	clear_here(vmx);
}

void vmx_vmcs_clear(struct vmx_vcpu *vmx)
{
	int cpu = READ_ONCE(vmx->active_cpu);

	if (cpu >= 0)
		smp_call_function_single(cpu, clear_ipi, vmx, true);
}

void vmx_vmcs_activate(struct vmx_vcpu *vmx)
{
	struct vmx_vcpu *prev = this_cpu_read(current_vmx);
	int cpu = smp_processor_id();
	unsigned long flags;

	if (prev == vmx)
		return;
	/* Pairs with the release in clear_here(). */
	if (smp_load_acquire(&vmx->active_cpu) != cpu) {
		vmx_vmcs_clear(vmx);
		local_irq_save(flags);
		VMX_INSN("vmclear", __pa(vmx->vmcs));
		list_add(&vmx->on_cpu, this_cpu_ptr(&active_list));
		vmx->active_cpu = cpu;
		local_irq_restore(flags);
	}
	this_cpu_write(current_vmx, vmx);
	VMX_INSN("vmptrld", __pa(vmx->vmcs));
	vmx_mitigation_load(vmx);
}
