// SPDX-License-Identifier: GPL-2.0
/*
 * Exits caused by an instruction that the module answers or hands to userspace: CPUID,
 * VMCALL, MSRs, I/O, HLT, INVLPG, debug registers and the like. Fast handlers run with
 * interrupts off and take no lock.
 */
#include "../audit.h"
#include "../irqchip/irqchip.h"
#include "../msr.h"
#include "../pv.h"
#include "vmx.h"

#define BLOCKED_FOR_ONE	(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

/*
 * um_skip_insn() for the inner loop, straight on the VMCS: no cache holds these fields yet. Traps
 * and a carry out of bit 31 take the long way.
 */
bool vmx_skip_fast(struct vmx_vcpu *vmx)
{
	unsigned long rip = vmcs_readl(GUEST_RIP);
	unsigned long next = rip + vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	u32 state;

	if (unlikely((vmcs_readl(GUEST_RFLAGS) & X86_EFLAGS_TF) || ((next ^ rip) & BIT_ULL(32))))
		return vmx_skip(&vmx->vcpu) == 1;
	state = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
	if (unlikely(state & BLOCKED_FOR_ONE))
		vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, state & ~BLOCKED_FOR_ONE);
	vmcs_writel(GUEST_RIP, next);
	return true;
}

bool exit_cpuid_fast(struct vmx_vcpu *vmx)
{
	if (unlikely(vmx->vcpu.msr.misc_features) && um_cpl(&vmx->vcpu))
		return false;
	vmx->vcpu.stats.exit.cpuid++;
	um_cpuid(&vmx->vcpu);
	return vmx_skip_fast(vmx);
}

static void hypercall(struct um_vcpu *vcpu)
{
	bool long_mode = um_64bit(vcpu);
	u64 nr = vcpu->gpr[UM_RAX], ret;

	if (um_cpl(vcpu))
		ret = -KVM_EPERM;
	else
		ret = um_hypercall(vcpu, long_mode ? nr : (u32)nr, long_mode);
	vcpu->gpr[UM_RAX] = long_mode ? ret : (u32)ret;
}

/* Not those that may take long, or that userspace may answer. */
bool exit_vmcall_fast(struct vmx_vcpu *vmx)
{
	u64 nr = vmx->vcpu.gpr[UM_RAX];

	if (nr == KVM_HC_SEND_IPI || nr == KVM_HC_MAP_GPA_RANGE)
		return false;
	vmx->vcpu.stats.exit.vmcall++;
	hypercall(&vmx->vcpu);
	return vmx_skip_fast(vmx);
}

int exit_vmcall(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;

	if (!um_cpl(vcpu) && um_hypercall_exits(vcpu, vcpu->gpr[UM_RAX], vmx_insn_len(vmx)))
		return 0;
	hypercall(vcpu);
	return vmx_skip(&vmx->vcpu);
}

static void set_edx_eax(struct um_vcpu *vcpu, u64 val)
{
	vcpu->gpr[UM_RAX] = (u32)val;
	vcpu->gpr[UM_RDX] = val >> 32;
}

static u64 edx_eax(const struct um_vcpu *vcpu)
{
	return (u32)vcpu->gpr[UM_RAX] | vcpu->gpr[UM_RDX] << 32;
}

bool exit_rdmsr_fast(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	u64 val;

	if (unlikely(rcu_access_pointer(vcpu->vm->msr_filter)) ||
	    um_msr_read(vcpu, vcpu->gpr[UM_RCX], &val, false))
		return false;
	vcpu->stats.exit.rdmsr++;
	set_edx_eax(vcpu, val);
	return vmx_skip_fast(vmx);
}

int exit_rdmsr(struct vmx_vcpu *vmx)
{
	return um_rdmsr(&vmx->vcpu, vmx_insn_len(vmx));
}

/*
 * Writes whose effect is a value to remember; EFER and the like change
 * paging, which takes locks.
 */
static bool plain_msr(u32 index)
{
	return index == MSR_STAR || index == MSR_LSTAR || index == MSR_CSTAR ||
	       index == MSR_SYSCALL_MASK || index == MSR_TSC_AUX ||
	       index == MSR_IA32_TSC_ADJUST || index == MSR_IA32_TSC_DEADLINE;
}

/* The APIC's do what they do without a lock; those that fail have done nothing. */
static bool x2apic_write_fast(struct vmx_vcpu *vmx, u32 index)
{
	if (um_x2apic_write(&vmx->vcpu, index, edx_eax(&vmx->vcpu)))
		return false;
	vmx->vcpu.stats.exit.wrmsr++;
	return vmx_skip_fast(vmx);
}

bool exit_wrmsr_fast(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	u32 index = vcpu->gpr[UM_RCX];

	if (index >= UM_X2APIC_MSR_FIRST && index <= UM_X2APIC_MSR_LAST)
		return x2apic_write_fast(vmx, index);
	if (!plain_msr(index) || rcu_access_pointer(vcpu->vm->msr_filter) ||
	    um_msr_write(vcpu, index, edx_eax(vcpu), false))
		return false;
	vcpu->stats.exit.wrmsr++;
	return vmx_skip_fast(vmx);
}

int exit_wrmsr(struct vmx_vcpu *vmx)
{
	return um_wrmsr(&vmx->vcpu, vmx_insn_len(vmx));
}

/* SDM "Exit Qualification for I/O Instructions". */
int exit_io(struct vmx_vcpu *vmx)
{
	unsigned long qual = vmx_exit_qual(vmx);
	unsigned int size = (qual & 7) + 1;

	if (qual & BIT(4)) {
		int idx = srcu_read_lock(&vmx->vcpu.vm->srcu), r = um_emulate(&vmx->vcpu, 0, false);

		srcu_read_unlock(&vmx->vcpu.vm->srcu, idx);
		return r;
	}
	return um_pio(&vmx->vcpu, qual >> 16, size, qual & BIT(3), vmx_insn_len(vmx));
}

int exit_hlt(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	int r = vmx_skip(vcpu);

	if (r <= 0)
		return r;
	return um_hlt(vcpu);
}

bool exit_invlpg_fast(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;

	if (!vcpu->mmu->invlpg || !vcpu->mmu->invlpg(vcpu, vmx_exit_qual(vmx), false, true))
		return false;
	vcpu->stats.exit.invlpg++;
	um_audit_vcpu(vcpu);
	return vmx_skip_fast(vmx);
}

int exit_invlpg(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;

	if (vcpu->mmu->invlpg)
		vcpu->mmu->invlpg(vcpu, vmx_exit_qual(vmx), false, false);
	um_audit_vcpu(vcpu);
	return vmx_skip(vcpu);
}

/* SDM "INVPCID": the types. */
enum { INVPCID_ADDRESS, INVPCID_SINGLE, INVPCID_ALL_GLOBAL, INVPCID_ALL };

/* The descriptor: a PCID in 12 bits, reserved bits, a linear address. */
static bool invpcid_valid(struct um_vcpu *vcpu, u64 type, const u64 desc[2])
{
	bool pcide = um_cr4(vcpu) & X86_CR4_PCIDE;

	if (type > INVPCID_ALL || desc[0] >> 12)
		return false;
	if ((type == INVPCID_ADDRESS || type == INVPCID_SINGLE) && desc[0] && !pcide)
		return false;
	return type != INVPCID_ADDRESS ||
	       __is_canonical_address(desc[1], um_cr4(vcpu) & X86_CR4_LA57 ? 57 : 48);
}

/*
 * SDM "Format of the VM-Exit Instruction-Information Field as Used for INVEPT,
 * INVPCID, and INVVPID".
 */
static gva_t insn_operand(struct um_vcpu *vcpu, unsigned long disp, u32 info)
{
	unsigned int index = (info >> 18) & 15, base = (info >> 23) & 15, seg = (info >> 15) & 7;
	gva_t gva = disp;

	if (!(info & BIT(27)))
		gva += um_gpr_read(vcpu, base);
	if (!(info & BIT(22)))
		gva += um_gpr_read(vcpu, index) << (info & 3);
	if (((info >> 7) & 7) == 1)
		gva = (u32)gva;
	um_need(vcpu, UM_ST_SEGS);
	if (!um_64bit(vcpu))
		return (u32)(gva + vcpu->segs[seg].base);
	if (seg == UM_FS || seg == UM_GS)
		gva += vcpu->segs[seg].base;
	return gva;
}

static int read_operand(struct um_vcpu *vcpu, gva_t gva, void *data, size_t len)
{
	u8 *p = data;

	while (len) {
		size_t n = min_t(size_t, len, UM_PAGE_SIZE - um_page_offset(gva));
		u32 error;
		gpa_t gpa;

		if (um_gva_to_gpa(vcpu, gva, 0, true, &gpa, &error) != WALK_OK) {
			um_queue_pf(vcpu, gva, error);
			return -EFAULT;
		}
		if (um_read_guest(vcpu->vm, gpa, p, n))
			memset(p, 0xff, n);
		p += n;
		gva += n;
		len -= n;
	}
	return 0;
}

int exit_invpcid(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	u32 info = vmcs_read32(VMX_INSTRUCTION_INFO);
	u64 type = um_gpr_read(vcpu, (info >> 28) & 15), desc[2];
	gva_t gva = insn_operand(vcpu, vmx_exit_qual(vmx), info);

	if (!um_64bit(vcpu))
		type = (u32)type;
	if (read_operand(vcpu, gva, desc, sizeof(desc)))
		return 1;
	if (!invpcid_valid(vcpu, type, desc)) {
		um_queue_gp(vcpu);
		return 1;
	}
	if (vcpu->mmu->invlpg)
		vcpu->mmu->invlpg(vcpu, desc[1], type != INVPCID_ADDRESS, false);
	um_audit_vcpu(vcpu);
	return vmx_skip(vcpu);
}

int exit_xsetbv(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;

	if (um_cpl(vcpu) || um_set_xcr0(vcpu, vcpu->gpr[UM_RCX], edx_eax(vcpu))) {
		um_queue_gp(vcpu);
		return 1;
	}
	return vmx_skip(vcpu);
}

int exit_ud(struct vmx_vcpu *vmx)
{
	um_queue_exception(&vmx->vcpu, UM_UD);
	return 1;
}

int exit_gp(struct vmx_vcpu *vmx)
{
	um_queue_gp(&vmx->vcpu);
	return 1;
}

int exit_skip(struct vmx_vcpu *vmx)
{
	return vmx_skip(&vmx->vcpu);
}

int exit_pause(struct vmx_vcpu *vmx)
{
	um_spin(&vmx->vcpu);
	return vmx_skip(&vmx->vcpu);
}

int exit_triple_fault(struct vmx_vcpu *vmx)
{
	vmx->vcpu.run->exit_reason = KVM_EXIT_SHUTDOWN;
	return 0;
}

int exit_task_switch(struct vmx_vcpu *vmx)
{
	return um_exit_internal_error(&vmx->vcpu, KVM_INTERNAL_ERROR_EMULATION, 0, NULL);
}
