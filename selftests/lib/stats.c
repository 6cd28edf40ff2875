// SPDX-License-Identifier: GPL-2.0
/* The counters of a VM or vCPU (KVM_GET_STATS_FD). */
#include <stdlib.h>
#include <unistd.h>

#include "stats.h"
#include "vm.h"

static bool read_value(int fd, const struct kvm_stats_header *h, const char *name, uint64_t *value)
{
	size_t size = sizeof(struct kvm_stats_desc) + h->name_size;
	struct kvm_stats_desc *desc = calloc(1, size + 1);
	bool found = false;
	uint32_t i;

	for (i = 0; i < h->num_desc && !found; i++)
		found = pread(fd, desc, size, h->desc_offset + i * size) == (ssize_t)size &&
			!strcmp(desc->name, name);
	if (found)
		found = pread(fd, value, sizeof(*value), h->data_offset + desc->offset) ==
			sizeof(*value);
	free(desc);
	return found;
}

bool stat_read(int fd, const char *name, uint64_t *value)
{
	struct kvm_stats_header h;
	int stats = xioctl_val(fd, KVM_GET_STATS_FD, 0);
	bool found = false;

	if (stats < 0)
		return false;
	if (pread(stats, &h, sizeof(h), 0) == sizeof(h))
		found = read_value(stats, &h, name, value);
	close(stats);
	return found;
}

uint64_t stat_value(int fd, const char *name)
{
	uint64_t value;

	if (!stat_read(fd, name, &value))
		tap_bail("there is no counter %s", name);
	return value;
}
