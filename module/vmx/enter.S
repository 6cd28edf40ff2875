/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One VM entry and the VM exit that follows. Runs with interrupts off on the CPU where the VMCS is
 * current; touches no lock and no memory but the stack, the register array and the cached host RSP.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/frame.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>

/* The register array is in the order of enum um_gpr: RAX RCX RDX RBX RSP RBP RSI RDI R8.. */
#define GPR(n)		((n) * 8)
#define VMCS_HOST_RSP	0x6c14		/* SDM "Field Encoding in VMCS": host RSP */
#define RESUME_BIT	0		/* VMX_ENTER_RESUME_BIT */

/* struct vmx_entry */
#define ENTRY_HOST_RSP	0
#define ENTRY_SPEC_CTRL	8
#define ENTRY_FLAGS	16
#define SPEC_CTRL_OWN	1		/* VMX_SPEC_CTRL_OWN */
#define SPEC_CTRL_PASSED 2		/* VMX_SPEC_CTRL_PASSED */

.section .noinstr.text, "ax"

/*
 * bool vmx_enter_guest(u64 *gpr, struct vmx_entry *entry, unsigned long flags)
 *
 * %rdi: the guest's general registers, RSP's slot unused; %rsi: what the VMCS holds as host RSP
 * and the guest's IA32_SPEC_CTRL, both updated here; %rdx: VMX_ENTER_RESUME unless the VMCS was
 * cleared since its last launch.
 * True after a VM exit, false when VMLAUNCH or VMRESUME itself failed.
 */
SYM_FUNC_START(vmx_enter_guest)
	push %rbp
	mov  %rsp, %rbp
	push %r15
	push %r14
	push %r13
	push %r12
	push %rbx
	push %rsi
	push %rdi

	cmp  %rsp, ENTRY_HOST_RSP(%rsi)
	je   .Lrsp_ok
	mov  %rsp, ENTRY_HOST_RSP(%rsi)
	mov  $VMCS_HOST_RSP, %eax
	vmwrite %rsp, %rax
.Lrsp_ok:
	/* From the guest's IA32_SPEC_CTRL on there is no RET and no indirect branch. */
	ALTERNATIVE "jmp .Lguest_spec_ctrl", "", X86_FEATURE_MSR_SPEC_CTRL
	testl $SPEC_CTRL_OWN, ENTRY_FLAGS(%rsi)
	jz   .Lguest_spec_ctrl
	mov  ENTRY_SPEC_CTRL(%rsi), %rax
	cmp  PER_CPU_VAR(x86_spec_ctrl_current), %rax
	je   .Lguest_spec_ctrl
	mov  %edx, %r8d
	mov  $MSR_IA32_SPEC_CTRL, %ecx
	xor  %edx, %edx
	wrmsr
	mov  %r8d, %edx
.Lguest_spec_ctrl:
	/* The flag waits in CF: no move changes it, and VERW changes only ZF. */
	bt   $RESUME_BIT, %edx

	mov  GPR(1)(%rdi), %rcx
	mov  GPR(2)(%rdi), %rdx
	mov  GPR(3)(%rdi), %rbx
	mov  GPR(5)(%rdi), %rbp
	mov  GPR(6)(%rdi), %rsi
	mov  GPR(8)(%rdi), %r8
	mov  GPR(9)(%rdi), %r9
	mov  GPR(10)(%rdi), %r10
	mov  GPR(11)(%rdi), %r11
	mov  GPR(12)(%rdi), %r12
	mov  GPR(13)(%rdi), %r13
	mov  GPR(14)(%rdi), %r14
	mov  GPR(15)(%rdi), %r15
	mov  GPR(0)(%rdi), %rax
	mov  GPR(7)(%rdi), %rdi

	/* Which of the two features speaks for VM entry depends on the kernel's version. */
	ALTERNATIVE_2 "jmp .Lverw_done", "", X86_FEATURE_CLEAR_CPU_BUF, \
		      "", X86_FEATURE_CLEAR_CPU_BUF_VM
	verw x86_verw_sel(%rip)
.Lverw_done:

	UNWIND_HINT_SAVE
	jnc  .Llaunch
.Lresume:
	vmresume
	jmp  .Lfailed
.Llaunch:
	vmlaunch
	jmp  .Lfailed

/* HOST_RIP: here with %rsp as it was at the entry and every other register the guest's. */
SYM_INNER_LABEL(vmx_exit_point, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ENDBR
	push %rdi
	mov  8(%rsp), %rdi
	mov  %rax, GPR(0)(%rdi)
	mov  %rcx, GPR(1)(%rdi)
	mov  %rdx, GPR(2)(%rdi)
	mov  %rbx, GPR(3)(%rdi)
	mov  %rbp, GPR(5)(%rdi)
	mov  %rsi, GPR(6)(%rdi)
	pop  GPR(7)(%rdi)
	mov  %r8, GPR(8)(%rdi)
	mov  %r9, GPR(9)(%rdi)
	mov  %r10, GPR(10)(%rdi)
	mov  %r11, GPR(11)(%rdi)
	mov  %r12, GPR(12)(%rdi)
	mov  %r13, GPR(13)(%rdi)
	mov  %r14, GPR(14)(%rdi)
	mov  %r15, GPR(15)(%rdi)
	mov  $1, %r12d

.Lscrub:
	/*
	 * Leave no guest value for speculation of the host; the callee-saved ones are popped below.
	 * Before any RET the return stack buffer and the branch history are the host's again.
	 */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE
	ALTERNATIVE "jmp .Lhost_spec_ctrl", "", X86_FEATURE_MSR_SPEC_CTRL
	mov  8(%rsp), %rsi
	mov  $MSR_IA32_SPEC_CTRL, %ecx
	testl $SPEC_CTRL_PASSED, ENTRY_FLAGS(%rsi)
	jz   .Lspec_ctrl_stored
	rdmsr
	mov  %eax, ENTRY_SPEC_CTRL(%rsi)
.Lspec_ctrl_stored:
	mov  PER_CPU_VAR(x86_spec_ctrl_current), %rax
	/* IBRS of the older kind is to be set anew in any case. */
	ALTERNATIVE "jmp .Lcompare_spec_ctrl", "", X86_FEATURE_KERNEL_IBRS
	jmp  .Lrestore_spec_ctrl
.Lcompare_spec_ctrl:
	testl $SPEC_CTRL_OWN, ENTRY_FLAGS(%rsi)
	jz   .Lhost_spec_ctrl
	cmp  ENTRY_SPEC_CTRL(%rsi), %rax
	je   .Lspec_ctrl_fence
.Lrestore_spec_ctrl:
	mov  %rax, %rdx
	shr  $32, %rdx
	wrmsr
.Lspec_ctrl_fence:
	/* Nothing is predicted as if the jumps had gone the other way. */
	lfence
.Lhost_spec_ctrl:
	CLEAR_BRANCH_HISTORY_VMEXIT
	mov  %r12d, %eax
	xor  %ecx, %ecx
	xor  %edx, %edx
	xor  %esi, %esi
	xor  %edi, %edi
	xor  %r8d, %r8d
	xor  %r9d, %r9d
	xor  %r10d, %r10d
	xor  %r11d, %r11d
	add  $16, %rsp
	pop  %rbx
	pop  %r12
	pop  %r13
	pop  %r14
	pop  %r15
	pop  %rbp
	RET

.Lfailed:
	xor  %r12d, %r12d
	jmp  .Lscrub

	_ASM_EXTABLE(.Lresume, .Lfailed)
	_ASM_EXTABLE(.Llaunch, .Lfailed)
SYM_FUNC_END(vmx_enter_guest)
