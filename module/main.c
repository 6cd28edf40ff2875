// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading, and the core's parameters. Runs under the module loader's
 * lock; mmu= is read without one.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/moduleparam.h>

#include "host.h"
#include "hw.h"
#include "mmu.h"
#include "umbra.h"

u32 um_default_backend;
static bool um_loaded;	/* hw_caps is valid: mmu= can be checked against this CPU */

static bool um_backend_usable(u32 backend)
{
	return um_backend_mask() & BIT(backend);
}

static int um_param_mmu_set(const char *val, const struct kernel_param *kp)
{
	u32 backend = um_backend_by_name(val);

	if (!backend || (um_loaded && !um_backend_usable(backend)))
		return -EINVAL;
	WRITE_ONCE(um_default_backend, backend);
	return 0;
}

static int um_param_mmu_get(char *buf, const struct kernel_param *kp)
{
	const struct um_mmu_ops *ops = um_backend_ops(READ_ONCE(um_default_backend));

	/* The file is there before the module has chosen. */
	return sysfs_emit(buf, "%s\n", ops ? ops->name : "auto");
}

static const struct kernel_param_ops um_param_mmu_ops = {
	.set = um_param_mmu_set,
	.get = um_param_mmu_get,
};
module_param_cb(mmu, &um_param_mmu_ops, NULL, 0644);
MODULE_PARM_DESC(mmu, "memory backend of VMs that do not ask: ept or shadow (default: ept, if available)");

static char *devname = "umbra";
module_param(devname, charp, 0444);
MODULE_PARM_DESC(devname, "name of the node in /dev (default: umbra)");

/* mmu= came before the CPU was asked. */
static int um_choose_backend(void)
{
	if (!um_default_backend)
		um_default_backend = um_backend_usable(UM_BACKEND_EPT) ? UM_BACKEND_EPT :
									 UM_BACKEND_SHADOW;
	if (!um_backend_usable(um_default_backend)) {
		pr_err("this CPU cannot run mmu=%s: load with mmu=shadow\n",
		       um_backend_ops(um_default_backend)->name);
		return -EINVAL;
	}
	um_loaded = true;
	return 0;
}

static int __init um_init(void)
{
	int error;

	error = hw_init();
	if (error)
		return error;
	um_state_init();
	error = um_mmu_init();
	if (error)
		goto exit_hw;
	error = um_choose_backend();
	if (error)
		goto exit_mmu;
	error = um_vm_init();
	if (error)
		goto exit_mmu;
	error = host_init();
	if (error)
		goto exit_vm;
	error = um_dev_init(devname);
	if (error)
		goto exit_host;
	um_debugfs_init(devname);
	return 0;

exit_host:
	host_exit();
exit_vm:
	um_vm_exit();
exit_mmu:
	um_mmu_exit();
exit_hw:
	hw_exit();
	return error;
}

/*
 * Every VM and vCPU file holds the module, so no VM is alive here; the last ones may
 * still be on their way out.
 */
static void __exit um_exit(void)
{
	um_debugfs_exit();
	um_dev_exit();
	um_vm_exit();
	host_exit();
	um_mmu_exit();
	hw_exit();
}

module_init(um_init);
module_exit(um_exit);

MODULE_AUTHOR("The Umbra authors");
MODULE_DESCRIPTION("A hypervisor that speaks the KVM ABI; each VM chooses EPT or shadow paging");
MODULE_LICENSE("GPL");
