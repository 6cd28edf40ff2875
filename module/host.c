// SPDX-License-Identifier: GPL-2.0
/*
 * Owns the host's side of VMX operation: on each CPU over hotplug, suspend, reboot and
 * crash; and the wrappers whose kernel interface differs between versions. The CPU
 * hotplug lock guards enabling and disabling.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/reboot.h>

#include "host.h"
#include "hw.h"
#include "umbra.h"

/*
 * KVM's own hotplug state: it has one owner, so kvm and Umbra cannot both believe that
 * VMX is theirs. Its teardown runs after the last task has left the CPU.
 */
#if HOST_6_12
#define HOST_CPUHP_VMX		CPUHP_AP_KVM_ONLINE
#define HOST_BUSY_REMEDY	"modprobe -r kvm_intel, or boot with kvm.enable_virt_at_load=0"
#else
#define HOST_CPUHP_VMX		CPUHP_AP_KVM_STARTING
#define HOST_BUSY_REMEDY	"modprobe -r kvm_intel"
#endif

static DEFINE_PER_CPU(bool, host_vmx_on);
static DEFINE_PER_CPU(cpumask_var_t, host_mask);
static int host_check_state;	/* the dynamic hotplug state that host_check_cpu() got */

#ifdef X86_FEATURE_FRED
static bool host_fred(void)
{
	return cpu_feature_enabled(X86_FEATURE_FRED);
}
#else
static bool host_fred(void)
{
	return false;
}
#endif

/* This CPU enters VMX operation. */
static int host_enable_cpu(void)
{
	unsigned long flags;
	int ret = 0;

	local_irq_save(flags);
	if (!__this_cpu_read(host_vmx_on)) {
		ret = hw_cpu_enable();
		__this_cpu_write(host_vmx_on, !ret);
	}
	local_irq_restore(flags);
	return ret;
}

/* This CPU leaves VMX operation, if it was Umbra that entered it. */
static void host_disable_cpu(void *unused)
{
	unsigned long flags;

	local_irq_save(flags);
	if (__this_cpu_read(host_vmx_on)) {
		hw_cpu_disable();
		__this_cpu_write(host_vmx_on, false);
	}
	local_irq_restore(flags);
}

static void host_enable_call(void *first_error)
{
	int ret = host_enable_cpu();

	if (ret)
		cmpxchg((int *)first_error, 0, ret);
}

/*
 * A starting CPU cannot refuse at this point on 6.1: host_check_cpu() does it before
 * any task can run there.
 */
static int host_starting_cpu(unsigned int cpu)
{
	int ret = host_enable_cpu();

	if (ret)
		pr_err("CPU %u stays offline: no VMX operation there (error %d)\n", cpu, ret);
	return 0;
}

static int host_dying_cpu(unsigned int cpu)
{
	host_disable_cpu(NULL);
	return 0;
}

static int host_check_cpu(unsigned int cpu)
{
	return per_cpu(host_vmx_on, cpu) ? 0 : -EIO;
}

/* The last CPU is not unplugged for suspend; interrupts are off here. */
static void host_suspend_cpu(void)
{
	host_disable_cpu(NULL);
}

static void host_resume_cpu(void)
{
	WARN_ON_ONCE(host_enable_cpu());
}

/*
 * INIT is blocked in VMX operation and a next kernel wants VMX off. No vCPU may enter
 * any more before that.
 */
static void host_shutdown_cpus(void)
{
	um_vm_stop_all();
	on_each_cpu(host_disable_cpu, NULL, 1);
}

#ifdef UM_SYSCORE_DATA
static int host_suspend(void *data)
{
	host_suspend_cpu();
	return 0;
}

static void host_resume(void *data)
{
	host_resume_cpu();
}

static void host_shutdown(void *data)
{
	host_shutdown_cpus();
}

static const struct syscore_ops host_syscore_ops = {
	.suspend = host_suspend,
	.resume = host_resume,
	.shutdown = host_shutdown,
};

static struct syscore host_syscore = { .ops = &host_syscore_ops };

static void host_syscore_register(void)
{
	register_syscore(&host_syscore);
}

static void host_syscore_unregister(void)
{
	unregister_syscore(&host_syscore);
}
#else
static int host_suspend(void)
{
	host_suspend_cpu();
	return 0;
}

static struct syscore_ops host_syscore_ops = {
	.suspend = host_suspend,
	.resume = host_resume_cpu,
	.shutdown = host_shutdown_cpus,
};

static void host_syscore_register(void)
{
	register_syscore_ops(&host_syscore_ops);
}

static void host_syscore_unregister(void)
{
	unregister_syscore_ops(&host_syscore_ops);
}
#endif

/* Crash and emergency reboot: NMI context, any state. The CPU does not come back from it. */
static void host_emergency(void)
{
	if (__this_cpu_read(host_vmx_on)) {
		__this_cpu_write(host_vmx_on, false);
		hw_cpu_disable();
	}
}

static void host_free_masks(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		free_cpumask_var(per_cpu(host_mask, cpu));
		memset(&per_cpu(host_mask, cpu), 0, sizeof(cpumask_var_t));
	}
}

static int host_alloc_masks(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		if (!zalloc_cpumask_var_node(&per_cpu(host_mask, cpu), GFP_KERNEL,
					     cpu_to_node(cpu))) {
			host_free_masks();
			pr_err("out of memory for the per-CPU masks\n");
			return -ENOMEM;
		}
	}
	return 0;
}

static void host_report(int error)
{
	if (error == -EBUSY)
		pr_err("VMX is in use, most likely by kvm_intel: stop its VMs, then "
		       HOST_BUSY_REMEDY "\n");
	else
		pr_err("a CPU cannot enter VMX operation (error %d): enable VT-x on every CPU\n",
		       error);
}

/* Claim the hotplug state and enable every CPU, or undo it all. CPU hotplug is locked. */
static int host_enable_all(void)
{
	int error;

	error = cpuhp_setup_state_nocalls_cpuslocked(HOST_CPUHP_VMX, "umbra/vmx",
						     host_starting_cpu, host_dying_cpu);
	if (error)
		return error;

	on_each_cpu(host_enable_call, &error, 1);
	if (error)
		goto disable;

	error = cpuhp_setup_state_nocalls_cpuslocked(CPUHP_AP_ONLINE_DYN, "umbra/check",
						     host_check_cpu, NULL);
	if (error < 0)
		goto disable;
	host_check_state = error;
	return 0;

disable:
	on_each_cpu(host_disable_cpu, NULL, 1);
	__cpuhp_remove_state_cpuslocked(HOST_CPUHP_VMX, false);
	return error;
}

int host_init(void)
{
	int error;

	if (host_fred()) {
		pr_err("event delivery by FRED is not supported: boot with fred=off\n");
		return -EOPNOTSUPP;
	}
	error = host_alloc_masks();
	if (error)
		return error;

	cpus_read_lock();
	error = host_enable_all();
	cpus_read_unlock();
	if (error) {
		host_report(error);
		host_free_masks();
		return error;
	}
	cpu_emergency_register_virt_callback(host_emergency);
	host_syscore_register();
	return 0;
}

void host_exit(void)
{
	host_syscore_unregister();
	cpu_emergency_unregister_virt_callback(host_emergency);
	cpus_read_lock();
	__cpuhp_remove_state_cpuslocked(host_check_state, false);
	__cpuhp_remove_state_cpuslocked(HOST_CPUHP_VMX, false);
	on_each_cpu(host_disable_cpu, NULL, 1);
	cpus_read_unlock();
	host_free_masks();
}

#if HOST_6_12
void host_notify_posted(int cpu)
{
	__apic_send_IPI_mask(get_cpu_mask(cpu), HOST_POSTED_VECTOR);
}
#else
void host_notify_posted(int cpu)
{
	apic->send_IPI_mask(get_cpu_mask(cpu), HOST_POSTED_VECTOR);
}
#endif

struct cpumask *host_kick_mask(void)
{
	return this_cpu_cpumask_var_ptr(host_mask);
}

#if HOST_6_12
int host_follow_pfn(struct vm_area_struct *vma, hva_t hva, u64 *pfn, bool *writable)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = hva };
	int error = follow_pfnmap_start(&args);

	if (error)
		return error;
	*pfn = args.pfn;
	*writable = args.writable;
	follow_pfnmap_end(&args);
	return 0;
}
#else
int host_follow_pfn(struct vm_area_struct *vma, hva_t hva, u64 *pfn, bool *writable)
{
	spinlock_t *ptl;	/* of the table that holds the entry */
	pte_t *ptep, pte;
	int error = follow_pte(vma->vm_mm, hva, &ptep, &ptl);

	if (error)
		return error;
	__acquire(ptl);		/* follow_pte() did, but sparse does not know */
	pte = READ_ONCE(*ptep);
	pte_unmap_unlock(ptep, ptl);
	*pfn = pte_pfn(pte);
	*writable = pte_write(pte);
	return 0;
}
#endif

#if HOST_6_12
struct shrinker *host_shrinker_add(const char *name, host_shrink_fn count, host_shrink_fn scan)
{
	struct shrinker *shrinker = shrinker_alloc(0, "%s", name);

	if (!shrinker)
		return NULL;
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker_register(shrinker);
	return shrinker;
}

void host_shrinker_remove(struct shrinker *shrinker)
{
	shrinker_free(shrinker);
}
#else
struct shrinker *host_shrinker_add(const char *name, host_shrink_fn count, host_shrink_fn scan)
{
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);

	if (!shrinker)
		return NULL;
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker->seeks = DEFAULT_SEEKS;
	if (!register_shrinker(shrinker, "%s", name))
		return shrinker;
	kfree(shrinker);
	return NULL;
}

void host_shrinker_remove(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
	kfree(shrinker);
}
#endif
