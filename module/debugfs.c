// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/<devname>/info: what this CPU and the module can do. No locks.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "hw.h"
#include "mmu.h"

static struct dentry *um_debugfs_dir;

static int info_show(struct seq_file *m, void *unused)
{
	u32 id, chosen = READ_ONCE(um_default_backend);

	hw_show_info(m);
	seq_puts(m, "backends:");
	for (id = 1; id < UM_NR_BACKENDS; id++)
		if (um_backend_mask() & BIT(id))
			seq_printf(m, " %s", um_backend_ops(id)->name);
	seq_printf(m, "\ndefault_backend: %s\n", um_backend_ops(chosen)->name);
	seq_printf(m, "vms: %u\n", um_vm_count());
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(info);

void um_debugfs_init(const char *name)
{
	um_debugfs_dir = debugfs_create_dir(name, NULL);
	debugfs_create_file("info", 0444, um_debugfs_dir, NULL, &info_fops);
}

void um_debugfs_exit(void)
{
	debugfs_remove(um_debugfs_dir);
}
