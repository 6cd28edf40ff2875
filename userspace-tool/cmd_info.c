// SPDX-License-Identifier: GPL-2.0
/* `umbra info`: what the CPU, the host and the device can do; reads only. */
#include <dirent.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cap_names.h"
#include "command.h"
#include "vm.h"
#include "vmx_features.h"

#define PARAMETERS	"/sys/module/umbra/parameters"
#define VULNERABILITIES	"/sys/devices/system/cpu/vulnerabilities"
#define MODULE_INFO	"/sys/kernel/debug/umbra/info"

static void print_directory(const char *title, const char *path, const char *absent)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	char line[256];

	puts(title);
	if (!directory) {
		printf("  (%s)\n", absent);
		return;
	}
	while ((entry = readdir(directory))) {
		char *file = xasprintf("%s/%s", path, entry->d_name);

		if (entry->d_name[0] != '.' && !read_line(file, line, sizeof(line)))
			printf("  %-28s %s\n", entry->d_name, line);
		free(file);
	}
	closedir(directory);
}

static void print_module_info(void)
{
	FILE *info = fopen(MODULE_INFO, "re");
	char line[512], *colon;

	puts("Module");
	if (!info) {
		puts("  (" MODULE_INFO " cannot be read: the module is not loaded, debugfs is not\n"
		     "  mounted, or you are not root)");
		return;
	}
	while (fgets(line, sizeof(line), info)) {
		line[strcspn(line, "\n")] = '\0';
		colon = strstr(line, ": ");
		if (!colon) {
			printf("  %s\n", line);
			continue;
		}
		*colon = '\0';
		printf("  %-28s %s\n", line, colon + 2);
	}
	fclose(info);
}

static void print_capabilities(int device)
{
	puts("Capabilities (KVM_CHECK_EXTENSION)");
	for (size_t i = 0; i < ARRAY_SIZE(cap_names); i++) {
		int value = ioctl(device, KVM_CHECK_EXTENSION, cap_names[i].number);

		if (value > 0)
			printf("  %4u %-36s %d\n", cap_names[i].number, cap_names[i].name, value);
	}
}

static void print_device(const char *path)
{
	unsigned int backends;
	int device;

	if (access(path, R_OK | W_OK)) {
		printf("Device %s\n  (not usable: %s)\n", path,
		       access(path, F_OK) ? "it is not there; load the module with make insmod" :
		       "no permission; run as root");
		return;
	}
	device = device_open(path);
	backends = device_backends(device);
	printf("Device %s\n  %-28s %d\n", path, "KVM API version", KVM_API_VERSION);
	printf("  %-28s%s%s%s\n", "backends to choose from",
	       backends & 1U << UM_BACKEND_EPT ? " ept" : "",
	       backends & 1U << UM_BACKEND_SHADOW ? " shadow" : "",
	       backends ? "" : " none: the device offers no choice");
	print_capabilities(device);
	close(device);
}

int command_info(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ }
	};
	const char *path = DEFAULT_DEVICE;
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option != 'd')
			die("usage: umbra info [--device PATH]");
		path = optarg;
	}
	if (optind != argc)
		die("usage: umbra info [--device PATH]");
	vmx_features_print();
	print_directory("Host mitigations", VULNERABILITIES, VULNERABILITIES " is absent");
	print_directory("Module parameters", PARAMETERS, "the module is not loaded: make insmod");
	print_module_info();
	print_device(path);
	return 0;
}
