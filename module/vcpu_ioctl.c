// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's file: its ioctls, the mapping of its run page, its release. vcpu->mutex is held
 * across every ioctl.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/uaccess.h>

#include "cpuid.h"
#include "event.h"
#include "guest_debug.h"
#include "ioctl.h"
#include "irqchip/irqchip.h"
#include "msr.h"
#include "pv.h"
#include "smm.h"
#include "umbra.h"
#include "vcpu_state.h"
#include "walk.h"

/* What the dispatcher does around a handler. */
#define UM_VIOC_LOAD	BIT(UM_IOC_OWNER_SHIFT)		/* the hardware's state is on this CPU */
#define UM_VIOC_MEM	BIT(UM_IOC_OWNER_SHIFT + 1)	/* vm->srcu is held: guest memory */

static long um_ioc_translate(void *owner, void *arg, unsigned long uarg)
{
	struct kvm_translation *tr = arg;
	struct um_vcpu *vcpu = owner;
	u32 error_code;
	gpa_t gpa;

	tr->valid = um_gva_to_gpa(vcpu, tr->linear_address, 0, false, &gpa, &error_code) == WALK_OK;
	tr->physical_address = tr->valid ? um_gpa_plain(gpa) : UM_INVALID_GPA;
	tr->writeable = 1;
	tr->usermode = 0;
	return 0;
}

static long um_ioc_set_signal_mask(void *owner, void *arg, unsigned long uarg)
{
	struct kvm_signal_mask __user *user = (void __user *)uarg;
	struct um_vcpu *vcpu = owner;
	sigset_t set;
	u32 len;

	if (!user) {
		vcpu->sigset_active = false;
		return 0;
	}
	if (get_user(len, &user->len))
		return -EFAULT;
	if (len != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, user->sigset, sizeof(set)))
		return -EFAULT;
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	vcpu->sigset = set;
	vcpu->sigset_active = true;
	return 0;
}

static long um_ioc_stats_fd(void *owner, void *arg, unsigned long uarg)
{
	return um_vcpu_stats_fd(owner);
}

/* By frequency of use: the lookup is linear. */
static const struct um_ioctl um_vcpu_ioctls[] = {
	{ KVM_GET_REGS, UM_VIOC_LOAD, um_ioc_get_regs },
	{ KVM_SET_REGS, 0, um_ioc_set_regs },
	{ KVM_GET_SREGS, UM_VIOC_LOAD, um_ioc_get_sregs },
	{ KVM_SET_SREGS, UM_VIOC_LOAD | UM_VIOC_MEM, um_ioc_set_sregs },
	{ KVM_GET_SREGS2, UM_VIOC_LOAD, um_ioc_get_sregs2 },
	{ KVM_SET_SREGS2, UM_VIOC_LOAD | UM_VIOC_MEM, um_ioc_set_sregs2 },
	{ KVM_INTERRUPT, 0, um_ioc_interrupt },
	{ KVM_NMI, UM_VIOC_LOAD, um_ioc_nmi },
	{ KVM_SMI, 0, um_ioc_smi },
	{ KVM_TRANSLATE, UM_VIOC_LOAD | UM_VIOC_MEM, um_ioc_translate },
	{ KVM_GET_MSRS, UM_IOC_RAW | UM_VIOC_LOAD | UM_VIOC_MEM, um_ioc_get_msrs },
	{ KVM_SET_MSRS, UM_IOC_RAW | UM_VIOC_LOAD | UM_VIOC_MEM, um_ioc_set_msrs },
	{ KVM_GET_VCPU_EVENTS, UM_VIOC_LOAD, um_ioc_get_vcpu_events },
	{ KVM_SET_VCPU_EVENTS, UM_VIOC_LOAD, um_ioc_set_vcpu_events },
	{ KVM_GET_MP_STATE, UM_VIOC_LOAD | UM_VIOC_MEM, um_ioc_get_mp_state },
	{ KVM_SET_MP_STATE, 0, um_ioc_set_mp_state },
	{ KVM_GET_LAPIC, 0, um_ioc_get_lapic },
	{ KVM_SET_LAPIC, 0, um_ioc_set_lapic },
	{ KVM_SET_VAPIC_ADDR, 0, um_ioc_set_vapic_addr },
	{ KVM_GET_FPU, 0, um_ioc_get_fpu },
	{ KVM_SET_FPU, 0, um_ioc_set_fpu },
	{ KVM_GET_XSAVE, 0, um_ioc_get_xsave },
	{ KVM_SET_XSAVE, 0, um_ioc_set_xsave },
	{ KVM_GET_XSAVE2, UM_IOC_RAW, um_ioc_get_xsave2 },
	{ KVM_GET_XCRS, 0, um_ioc_get_xcrs },
	{ KVM_SET_XCRS, UM_VIOC_LOAD, um_ioc_set_xcrs },
	{ KVM_GET_DEBUGREGS, UM_VIOC_LOAD, um_ioc_get_debugregs },
	{ KVM_SET_DEBUGREGS, 0, um_ioc_set_debugregs },
	{ KVM_SET_GUEST_DEBUG, UM_VIOC_LOAD, um_ioc_set_guest_debug },
	{ KVM_SET_CPUID2, UM_IOC_RAW | UM_VIOC_LOAD, um_ioc_set_cpuid2 },
	{ KVM_GET_CPUID2, UM_IOC_RAW, um_ioc_get_cpuid2 },
	{ KVM_SET_CPUID, UM_IOC_RAW | UM_VIOC_LOAD, um_ioc_set_cpuid },
	{ KVM_SET_SIGNAL_MASK, UM_IOC_RAW, um_ioc_set_signal_mask },
	{ KVM_GET_TSC_KHZ, 0, um_ioc_get_tsc_khz },
	{ KVM_SET_TSC_KHZ, 0, um_ioc_set_tsc_khz },
	{ KVM_HAS_DEVICE_ATTR, 0, um_ioc_has_attr },
	{ KVM_GET_DEVICE_ATTR, 0, um_ioc_get_attr },
	{ KVM_SET_DEVICE_ATTR, 0, um_ioc_set_attr },
	{ KVM_KVMCLOCK_CTRL, 0, um_ioc_kvmclock_ctrl },
	{ KVM_ENABLE_CAP, 0, um_ioc_vcpu_enable_cap },
	{ KVM_X86_SETUP_MCE, 0, um_ioc_setup_mce },
	{ KVM_X86_SET_MCE, UM_VIOC_LOAD, um_ioc_set_mce },
	{ KVM_GET_STATS_FD, 0, um_ioc_stats_fd },
};

static long um_vcpu_call(const struct um_ioctl *row, struct um_vcpu *vcpu, unsigned long uarg)
{
	long ret;

	if (!(row->flags & UM_VIOC_LOAD))
		return um_ioctl_call(row, vcpu, uarg);
	um_vcpu_load(vcpu);
	ret = um_ioctl_call(row, vcpu, uarg);
	um_vcpu_put(vcpu);
	return ret;
}

static long um_vcpu_call_mem(const struct um_ioctl *row, struct um_vcpu *vcpu, unsigned long uarg)
{
	int idx = srcu_read_lock(&vcpu->vm->srcu);
	long ret = um_vcpu_call(row, vcpu, uarg);

	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return ret;
}

/* The KVM ABI answers an unknown command of a vCPU with EINVAL, not ENOTTY. */
static long um_vcpu_other(struct um_vcpu *vcpu, unsigned int cmd, unsigned long uarg)
{
	const struct um_ioctl *row = um_ioctl_find(um_vcpu_ioctls, ARRAY_SIZE(um_vcpu_ioctls), cmd);

	if (!row)
		return -EINVAL;
	if (row->flags & UM_VIOC_MEM)
		return um_vcpu_call_mem(row, vcpu, uarg);
	return um_vcpu_call(row, vcpu, uarg);
}

static long um_vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long uarg)
{
	struct um_vcpu *vcpu = file->private_data;
	long ret;

	if (vcpu->vm->mm != current->mm || READ_ONCE(vcpu->vm->dead))
		return -EIO;
	if (_IOC_TYPE(cmd) != KVMIO)
		return -EINVAL;
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	vcpu->task = current;
	if (likely(cmd == KVM_RUN))
		ret = uarg ? -EINVAL : um_vcpu_run(vcpu);
	else
		ret = um_vcpu_other(vcpu, cmd, uarg);
	vcpu->task = NULL;
	mutex_unlock(&vcpu->mutex);
	return ret;
}

static vm_fault_t um_vcpu_fault(struct vm_fault *vmf)
{
	struct um_vcpu *vcpu = vmf->vma->vm_file->private_data;
	struct page *page;

	if (vmf->pgoff == 0)
		page = virt_to_page(vcpu->run);
	else if (vmf->pgoff == KVM_PIO_PAGE_OFFSET)
		page = virt_to_page(vcpu->pio_page);
	else if (vmf->pgoff == KVM_COALESCED_MMIO_PAGE_OFFSET)
		page = um_coalesced_page(vcpu->vm);
	else
		page = um_dirty_ring_page(vcpu, vmf->pgoff);
	if (!page)
		return VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct um_vcpu_vm_ops = {
	.fault = um_vcpu_fault,
};

static int um_vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct um_vcpu *vcpu = file->private_data;
	unsigned long last = vma->vm_pgoff + vma_pages(vma) - 1;

	/* Both sides write to the ring, so a private copy of it makes no sense. */
	if ((um_dirty_ring_page(vcpu, vma->vm_pgoff) || um_dirty_ring_page(vcpu, last)) &&
	    ((vma->vm_flags & VM_EXEC) || !(vma->vm_flags & VM_SHARED)))
		return -EINVAL;
	vma->vm_ops = &um_vcpu_vm_ops;
	return 0;
}

/* The vCPU itself lives as long as its VM. */
static int um_vcpu_release(struct inode *inode, struct file *file)
{
	struct um_vcpu *vcpu = file->private_data;

	um_vm_put(vcpu->vm);
	return 0;
}

const struct file_operations um_vcpu_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = um_vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = um_vcpu_mmap,
	.release = um_vcpu_release,
	.llseek = noop_llseek,
};
