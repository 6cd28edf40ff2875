// SPDX-License-Identifier: GPL-2.0
/* Decode the VMX capability MSRs of this CPU, where userspace may read them. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util.h"
#include "vmx_features.h"

#define MSR_DEVICE		"/dev/cpu/0/msr"

#define MSR_FEAT_CTL		0x3a
#define FEAT_CTL_LOCKED		BIT(0)
#define FEAT_CTL_VMX		BIT(2)
#define MSR_VMX_BASIC		0x480
#define MSR_VMX_PINBASED	0x481
#define MSR_VMX_PROCBASED	0x482
#define MSR_VMX_MISC		0x485
#define MSR_VMX_PROCBASED2	0x48b
#define MSR_VMX_EPT_VPID	0x48c

/* SDM "Capability Reporting Facility for VMX": a control may be 1 if its high-half bit is. */
#define MAY_BE_ONE		32

static const struct vmx_feature {
	u32 msr;
	unsigned int bit;
	const char *name;
} features[] = {
	{ MSR_VMX_PINBASED, MAY_BE_ONE + 5, "virtual NMIs" },
	{ MSR_VMX_PINBASED, MAY_BE_ONE + 6, "preemption timer" },
	{ MSR_VMX_PINBASED, MAY_BE_ONE + 7, "posted interrupts" },
	{ MSR_VMX_PROCBASED, MAY_BE_ONE + 21, "TPR shadow" },
	{ MSR_VMX_PROCBASED, MAY_BE_ONE + 27, "monitor trap flag" },
	{ MSR_VMX_PROCBASED, MAY_BE_ONE + 28, "MSR bitmaps" },
	{ MSR_VMX_PROCBASED2, MAY_BE_ONE + 1, "EPT" },
	{ MSR_VMX_PROCBASED2, MAY_BE_ONE + 5, "VPID" },
	{ MSR_VMX_PROCBASED2, MAY_BE_ONE + 7, "unrestricted guest" },
	{ MSR_VMX_PROCBASED2, MAY_BE_ONE + 12, "INVPCID" },
	{ MSR_VMX_PROCBASED2, MAY_BE_ONE + 13, "VM functions" },
	{ MSR_VMX_PROCBASED2, MAY_BE_ONE + 14, "VMCS shadowing" },
	{ MSR_VMX_PROCBASED2, MAY_BE_ONE + 17, "page-modification log" },
	{ MSR_VMX_PROCBASED2, MAY_BE_ONE + 18, "EPT violation #VE" },
	{ MSR_VMX_PROCBASED2, MAY_BE_ONE + 22, "mode-based execute control" },
	{ MSR_VMX_PROCBASED2, MAY_BE_ONE + 25, "TSC scaling" },
	{ MSR_VMX_EPT_VPID, 7, "EPT with 5 levels" },
	{ MSR_VMX_EPT_VPID, 16, "EPT 2M leaves" },
	{ MSR_VMX_EPT_VPID, 17, "EPT 1G leaves" },
	{ MSR_VMX_EPT_VPID, 21, "EPT accessed and dirty bits" },
	{ MSR_VMX_EPT_VPID, 20, "INVEPT" },
	{ MSR_VMX_EPT_VPID, 32, "INVVPID" },
};

/* A MSR that the CPU has not reads as 0: its features are absent. */
static u64 read_msr(int fd, u32 msr)
{
	u64 value = 0;

	if (pread(fd, &value, sizeof(value), msr) != sizeof(value))
		return 0;
	return value;
}

static const char *firmware_state(int fd)
{
	u64 control = read_msr(fd, MSR_FEAT_CTL);

	if (control & FEAT_CTL_VMX)
		return "enabled";
	if (control & FEAT_CTL_LOCKED)
		return "locked off: enable VT-x in the firmware setup";
	return "not locked: the module enables it";
}

/* Without the MSRs the kernel's own list is the best answer. */
static void print_cpuinfo(void)
{
	FILE *cpuinfo = fopen("/proc/cpuinfo", "re");
	char line[8192];
	bool found = false;

	while (cpuinfo && !found && fgets(line, sizeof(line), cpuinfo)) {
		found = !strncmp(line, "vmx flags", strlen("vmx flags"));
		if (found)
			printf("  features%s", strchr(line, ':') ?: ":\n");
	}
	if (cpuinfo)
		fclose(cpuinfo);
	if (!found)
		puts("  none: the CPU has no VMX, or the firmware switched it off");
}

static void print_feature(int fd, const struct vmx_feature *feature)
{
	bool there = read_msr(fd, feature->msr) & BIT(feature->bit);

	printf("  %-28s %s\n", feature->name, there ? "yes" : "no");
}

void vmx_features_print(void)
{
	int fd = open(MSR_DEVICE, O_RDONLY | O_CLOEXEC);

	puts("VMX of this CPU");
	if (fd < 0) {
		puts("  (" MSR_DEVICE " cannot be read: as root, `modprobe msr` shows more)");
		print_cpuinfo();
		return;
	}
	if (!read_msr(fd, MSR_VMX_BASIC)) {
		puts("  none: the CPU has no VMX");
	} else {
		printf("  %-28s %s\n", "firmware", firmware_state(fd));
		printf("  %-28s %#lx\n", "VMCS revision",
		       read_msr(fd, MSR_VMX_BASIC) & 0x7fffffff);
		printf("  %-28s %lu\n", "CR3-target values",
		       read_msr(fd, MSR_VMX_MISC) >> 16 & 0x1ff);
		for (size_t i = 0; i < ARRAY_SIZE(features); i++)
			print_feature(fd, &features[i]);
	}
	close(fd);
}
