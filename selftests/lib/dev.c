// SPDX-License-Identifier: GPL-2.0
/* Finds the device under test and what it offers; nothing here is changed after the first call. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "images.h"

#define MAX_CPUID	256

int xioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

int xioctl_val(int fd, unsigned long request, unsigned long arg)
{
	return xioctl(fd, request, (void *)arg);
}

const char *dev_path(void)
{
	const char *path = getenv("UMBRA_DEV");

	return path ? path : "/dev/umbra";
}

int dev_open(void)
{
	int fd = open(dev_path(), O_RDWR | O_CLOEXEC);

	if (fd < 0)
		tap_bail("%s: %s", dev_path(), strerror(errno));
	return fd;
}

bool has_cap(int fd, unsigned int cap)
{
	return xioctl_val(fd, KVM_CHECK_EXTENSION, cap) > 0;
}

bool dev_is_umbra(void)
{
	int fd = dev_open();
	bool umbra = has_cap(fd, CAP_UMBRA_MMU);

	close(fd);
	return umbra;
}

int mmu_wanted(void)
{
	const char *name = getenv("UMBRA_MMU");

	if (!name || !*name)
		return 0;
	if (!strcmp(name, "ept"))
		return MMU_EPT;
	if (!strcmp(name, "shadow"))
		return MMU_SHADOW;
	tap_bail("UMBRA_MMU=%s: expected ept or shadow", name);
}

bool mmu_offered(int mmu)
{
	int fd = dev_open();
	int mask = xioctl_val(fd, KVM_CHECK_EXTENSION, CAP_UMBRA_MMU);

	close(fd);
	return mask & 1 << mmu;
}

int vm_choose_mmu(int vm_fd, int mmu)
{
	struct kvm_enable_cap cap = { .cap = CAP_UMBRA_MMU, .args = { mmu } };

	return xioctl(vm_fd, KVM_ENABLE_CAP, &cap);
}

static struct kvm_cpuid2 *supported_cpuid(void)
{
	size_t size = sizeof(struct kvm_cpuid2) + MAX_CPUID * sizeof(struct kvm_cpuid_entry2);
	static struct kvm_cpuid2 *cpuid;
	int fd;

	if (cpuid)
		return cpuid;
	cpuid = calloc(1, size);
	cpuid->nent = MAX_CPUID;
	fd = dev_open();
	must(xioctl(fd, KVM_GET_SUPPORTED_CPUID, cpuid));
	close(fd);
	return cpuid;
}

uint32_t cpuid_value(uint32_t leaf, uint32_t subleaf, enum cpuid_reg reg)
{
	struct kvm_cpuid2 *cpuid = supported_cpuid();
	uint32_t i;

	for (i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];
		uint32_t regs[] = { e->eax, e->ebx, e->ecx, e->edx };

		if (e->function == leaf && e->index == subleaf)
			return regs[reg];
	}
	return 0;
}

bool cpuid_has(uint32_t leaf, uint32_t subleaf, enum cpuid_reg reg, unsigned int bit)
{
	return cpuid_value(leaf, subleaf, reg) >> bit & 1;
}

int vcpu_set_supported_cpuid(int vcpu_fd)
{
	return xioctl(vcpu_fd, KVM_SET_CPUID2, supported_cpuid());
}

bool cpu_walks_only_read(void)
{
	char line[4096];
	bool ept = false, ad = false;
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "vmx flags", 9))
			continue;
		ept = strstr(line, " ept ");
		ad = strstr(line, " ept_ad");
	}
	if (f)
		fclose(f);
	return ept && !ad;
}
