// SPDX-License-Identifier: GPL-2.0
/*
 * The nodes in /dev and the ioctls of the system. The tables are constant; no locks.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "cpuid.h"
#include "hw.h"
#include "ioctl.h"
#include "mmu.h"
#include "msr.h"
#include "pv.h"
#include "umbra.h"

#define UM_NAME_MAX	32
#define UM_RUN_PAGES	3	/* struct kvm_run, the port I/O data, the ring of writes */

/* A node, and the backend that its VMs get; 0: as mmu= says. */
struct um_node {
	struct miscdevice misc;
	const char *suffix;
	u32 backend;
	bool registered;
};

static const struct file_operations um_dev_fops;

static struct um_node um_nodes[] = {
	{ .suffix = "", .backend = 0 },
	{ .suffix = "-ept", .backend = UM_BACKEND_EPT },
	{ .suffix = "-shadow", .backend = UM_BACKEND_SHADOW },
};

/* What works; all else answers 0. */
static const struct {
	u32 cap;
	u32 value;
} um_caps[] = {
	{ KVM_CAP_IRQCHIP, 1 },
	{ KVM_CAP_HLT, 1 },
	{ KVM_CAP_MMU_SHADOW_CACHE_CONTROL, 1 },
	{ KVM_CAP_USER_MEMORY, 1 },
	{ KVM_CAP_SET_TSS_ADDR, 1 },
	{ KVM_CAP_EXT_CPUID, 1 },
	{ KVM_CAP_EXT_EMUL_CPUID, 1 },
	{ KVM_CAP_MAX_VCPUS, UM_MAX_VCPUS },
	{ KVM_CAP_MAX_VCPU_ID, UM_MAX_VCPU_ID },
	{ KVM_CAP_NR_MEMSLOTS, UM_MAX_SLOTS },
	{ KVM_CAP_PIT, 1 },
	{ KVM_CAP_MP_STATE, 1 },
	{ KVM_CAP_SYNC_MMU, 1 },
	{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1 },
	{ KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1 },
	{ KVM_CAP_USER_NMI, 1 },
	{ KVM_CAP_REINJECT_CONTROL, 1 },
	{ KVM_CAP_IRQ_ROUTING, UM_MAX_IRQ_ROUTES },
	{ KVM_CAP_IRQ_INJECT_STATUS, 1 },
	{ KVM_CAP_IRQFD, 1 },
	{ KVM_CAP_PIT2, 1 },
	{ KVM_CAP_SET_BOOT_CPU_ID, 1 },
	{ KVM_CAP_PIT_STATE2, 1 },
	{ KVM_CAP_IOEVENTFD, 1 },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, 1 },
	{ KVM_CAP_INTERNAL_ERROR_DATA, 1 },
	{ KVM_CAP_MCE, UM_MCE_BANKS },
	{ KVM_CAP_VCPU_EVENTS, 1 },
	{ KVM_CAP_DEBUGREGS, 1 },
	{ KVM_CAP_ENABLE_CAP, 1 },
	{ KVM_CAP_XSAVE, 1 },
	{ KVM_CAP_TSC_DEADLINE_TIMER, 1 },
	{ KVM_CAP_SIGNAL_MSI, 1 },
	{ KVM_CAP_READONLY_MEM, 1 },
	{ KVM_CAP_IRQFD_RESAMPLE, 1 },
	{ KVM_CAP_IOAPIC_POLARITY_IGNORED, 1 },
	{ KVM_CAP_CHECK_EXTENSION_VM, 1 },
	{ KVM_CAP_ENABLE_CAP_VM, 1 },
	{ KVM_CAP_IOEVENTFD_NO_LENGTH, 1 },
	{ KVM_CAP_X86_SMM, 1 },
	{ KVM_CAP_MULTI_ADDRESS_SPACE, UM_NR_SPACES },
	{ KVM_CAP_SPLIT_IRQCHIP, 1 },
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, 1 },
	{ KVM_CAP_X2APIC_API, UM_X2APIC_API_FLAGS },
	{ KVM_CAP_IMMEDIATE_EXIT, 1 },
	{ KVM_CAP_GET_MSR_FEATURES, 1 },
	{ KVM_CAP_LAST_CPU, 1 },
	{ KVM_CAP_BINARY_STATS_FD, 1 },
	{ KVM_CAP_SYS_ATTRIBUTES, 1 },
	{ KVM_CAP_DIRTY_LOG_RING, UM_DIRTY_RING_MAX },
	{ KVM_CAP_DIRTY_LOG_RING_ACQ_REL, UM_DIRTY_RING_MAX },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
	  KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET },
};

long um_check_extension(long cap)
{
	unsigned int i;

	switch (cap) {
	case KVM_CAP_NR_VCPUS:
		return min_t(unsigned int, num_online_cpus(), UM_MAX_VCPUS);
	case KVM_CAP_XCRS:
		return boot_cpu_has(X86_FEATURE_XSAVE);
	case KVM_CAP_STEAL_TIME:
		return !!(um_pv_features() & BIT(KVM_FEATURE_STEAL_TIME));
	case UM_CAP_BACKEND:
		return um_backend_mask();
	}
	for (i = 0; i < ARRAY_SIZE(um_caps); i++)
		if (um_caps[i].cap == cap)
			return um_caps[i].value;
	return um_policy_check(cap);
}

static long dev_api_version(void *owner, void *arg, unsigned long uarg)
{
	return uarg ? -EINVAL : KVM_API_VERSION;
}

static long dev_create_vm(void *owner, void *arg, unsigned long type)
{
	const struct um_node *node = owner;

	return type ? -EINVAL : um_vm_create(node->backend);
}

static long dev_check_extension(void *owner, void *arg, unsigned long cap)
{
	return um_check_extension(cap);
}

static long dev_mmap_size(void *owner, void *arg, unsigned long uarg)
{
	return uarg ? -EINVAL : UM_RUN_PAGES * PAGE_SIZE;
}

static long dev_supported_cpuid(void *owner, void *arg, unsigned long uarg)
{
	return um_get_supported_cpuid((struct kvm_cpuid2 __user *)uarg);
}

static long dev_emulated_cpuid(void *owner, void *arg, unsigned long uarg)
{
	return um_get_emulated_cpuid((struct kvm_cpuid2 __user *)uarg);
}

static long dev_msr_index_list(void *owner, void *arg, unsigned long uarg)
{
	return um_get_msr_index_list((struct kvm_msr_list __user *)uarg, false);
}

static long dev_msr_feature_list(void *owner, void *arg, unsigned long uarg)
{
	return um_get_msr_index_list((struct kvm_msr_list __user *)uarg, true);
}

static long dev_feature_msrs(void *owner, void *arg, unsigned long uarg)
{
	return um_get_feature_msrs((struct kvm_msrs __user *)uarg);
}

static long dev_mce_cap(void *owner, void *arg, unsigned long uarg)
{
	*(u64 *)arg = UM_MCE_CAP;
	return 0;
}

/* The states of XSAVE that a guest can have. */
static bool is_xcomp(const struct kvm_device_attr *attr)
{
	return !attr->group && attr->attr == KVM_X86_XCOMP_GUEST_SUPP;
}

static long dev_has_attr(void *owner, void *arg, unsigned long uarg)
{
	return is_xcomp(arg) ? 0 : -ENXIO;
}

static long dev_get_attr(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_device_attr *attr = arg;

	if (!is_xcomp(attr))
		return -ENXIO;
	return put_user(um_supported_xcr0, (u64 __user *)(uintptr_t)attr->addr);
}

static const struct um_ioctl um_dev_ioctls[] = {
	{ KVM_CHECK_EXTENSION, 0, dev_check_extension },
	{ KVM_CREATE_VM, 0, dev_create_vm },
	{ KVM_GET_API_VERSION, 0, dev_api_version },
	{ KVM_GET_VCPU_MMAP_SIZE, 0, dev_mmap_size },
	{ KVM_GET_SUPPORTED_CPUID, UM_IOC_RAW, dev_supported_cpuid },
	{ KVM_GET_EMULATED_CPUID, UM_IOC_RAW, dev_emulated_cpuid },
	{ KVM_GET_MSR_INDEX_LIST, UM_IOC_RAW, dev_msr_index_list },
	{ KVM_GET_MSR_FEATURE_INDEX_LIST, UM_IOC_RAW, dev_msr_feature_list },
	{ KVM_GET_MSRS, UM_IOC_RAW, dev_feature_msrs },
	{ KVM_X86_GET_MCE_CAP_SUPPORTED, 0, dev_mce_cap },
	{ KVM_HAS_DEVICE_ATTR, 0, dev_has_attr },
	{ KVM_GET_DEVICE_ATTR, 0, dev_get_attr },
};

/* The KVM ABI answers an unknown command of the system with EINVAL, not ENOTTY. */
static long um_dev_ioctl(struct file *file, unsigned int cmd, unsigned long uarg)
{
	struct um_node *node = container_of(file->private_data, struct um_node, misc);
	const struct um_ioctl *row = um_ioctl_find(um_dev_ioctls, ARRAY_SIZE(um_dev_ioctls), cmd);

	return row ? um_ioctl_call(row, node, uarg) : -EINVAL;
}

static const struct file_operations um_dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = um_dev_ioctl,
	.llseek = noop_llseek,
};

static bool um_name_valid(const char *name)
{
	const char *c;

	for (c = name; *c; c++)
		if (!isalnum(*c) && *c != '-' && *c != '_')
			return false;
	return c != name && c - name < UM_NAME_MAX;
}

static int um_node_register(struct um_node *node, const char *name)
{
	int error;

	node->misc.name = kasprintf(GFP_KERNEL, "%s%s", name, node->suffix);
	if (!node->misc.name)
		return -ENOMEM;
	node->misc.minor = MISC_DYNAMIC_MINOR;
	node->misc.fops = &um_dev_fops;
	error = misc_register(&node->misc);
	if (error)
		kfree(node->misc.name);
	else
		node->registered = true;
	return error;
}

int um_dev_init(const char *name)
{
	unsigned int i;
	int error;

	if (!um_name_valid(name)) {
		pr_err("devname= takes 1 to %d letters, digits, '-' and '_'\n", UM_NAME_MAX - 1);
		return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(um_nodes); i++) {
		if (um_nodes[i].backend && !(um_backend_mask() & BIT(um_nodes[i].backend)))
			continue;
		error = um_node_register(&um_nodes[i], name);
		if (error) {
			pr_err("cannot create /dev/%s%s (error %d): choose another devname=\n",
			       name, um_nodes[i].suffix, error);
			um_dev_exit();
			return error;
		}
	}
	return 0;
}

void um_dev_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(um_nodes); i++) {
		if (!um_nodes[i].registered)
			continue;
		misc_deregister(&um_nodes[i].misc);
		kfree(um_nodes[i].misc.name);
		um_nodes[i].registered = false;
	}
}
