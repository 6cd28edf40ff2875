// SPDX-License-Identifier: GPL-2.0
/* The devices that a benchmark runs on, as columns. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "targets.h"

#define KVM_EPT_PARAMETER	"/sys/module/kvm_intel/parameters/ept"

static void add(struct targets *targets, const char *name, int device, int chosen, int backend)
{
	bool ours = device_backends(device);
	struct column *column = columns_add(&targets->columns, name, backend, ours);

	targets->list[targets->count++] = (struct target){ device, chosen, column };
}

size_t targets_add_backends(struct targets *targets, const char *path)
{
	int device = device_open(path);
	unsigned int mask = device_backends(device);
	size_t before = targets->count;

	if (mask & 1U << UM_BACKEND_EPT)
		add(targets, "umbra-ept", device, UM_BACKEND_EPT, UM_BACKEND_EPT);
	if (mask & 1U << UM_BACKEND_SHADOW)
		add(targets, "umbra-shadow", device, UM_BACKEND_SHADOW, UM_BACKEND_SHADOW);
	return targets->count - before;
}

/* A device without the choice runs what its module was loaded with. */
static int fixed_backend(const char *path)
{
	char line[8];

	if (read_line(KVM_EPT_PARAMETER, line, sizeof(line)))
		die("cannot tell whether %s uses EPT: append :ept or :shadow", path);
	return line[0] == 'Y' || line[0] == '1' ? UM_BACKEND_EPT : UM_BACKEND_SHADOW;
}

void targets_add_device(struct targets *targets, const char *text)
{
	char *name = xasprintf("%s", text);
	char *path = strchr(name, '=');
	char *suffix;
	int device, backend;

	if (!path || path == name || !path[1])
		die("--device takes NAME=PATH[:ept|:shadow], not \"%s\"", text);
	*path++ = '\0';
	suffix = strrchr(path, ':');
	if (suffix)
		*suffix++ = '\0';
	device = device_open(path);
	if (device_backends(device) && !suffix)
		die("%s lets each VM choose: append :ept or :shadow to --device %s", path, text);
	backend = suffix ? backend_parse(suffix) : fixed_backend(path);
	if (device_backends(device)) {
		device_require(device, path, backend);
		add(targets, name, device, backend, backend);
	} else {
		add(targets, name, device, 0, backend);
	}
	free(name);
}
