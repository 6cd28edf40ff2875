// SPDX-License-Identifier: GPL-2.0
/* Read the binary statistics (KVM_GET_STATS_FD) of a VM or vCPU. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <umbra.h>

#include "stats.h"

static bool read_at(int fd, void *data, size_t size, off_t offset)
{
	return pread(fd, data, size, offset) == (ssize_t)size;
}

static void add_value(struct stats *stats, const struct kvm_stats_desc *desc, u64 value)
{
	struct stat_value *slot = &stats->values[stats->count];

	if (stats->count == STATS_MAX)
		return;
	snprintf(slot->name, sizeof(slot->name), "%s", desc->name);
	slot->cumulative = (desc->flags & KVM_STATS_TYPE_MASK) == KVM_STATS_TYPE_CUMULATIVE;
	slot->value = value;
	stats->count++;
}

static void read_values(struct stats *stats, int fd, const struct kvm_stats_header *header)
{
	size_t desc_size = sizeof(struct kvm_stats_desc) + header->name_size;
	struct kvm_stats_desc *desc = xcalloc(1, desc_size + 1);
	u64 value;

	for (u32 i = 0; i < header->num_desc; i++) {
		if (!read_at(fd, desc, desc_size, header->desc_offset + i * desc_size))
			break;
		if (desc->size != 1)	/* a histogram */
			continue;
		if (!read_at(fd, &value, sizeof(value), header->data_offset + desc->offset))
			break;
		add_value(stats, desc, value);
	}
	free(desc);
}

void stats_read(struct stats *stats, int fd)
{
	struct kvm_stats_header header;
	int stats_fd = ioctl(fd, KVM_GET_STATS_FD, NULL);

	if (stats_fd < 0)
		return;
	if (read_at(stats_fd, &header, sizeof(header), 0))
		read_values(stats, stats_fd, &header);
	close(stats_fd);
}

const struct stat_value *stats_find(const struct stats *stats, const char *name)
{
	for (size_t i = 0; i < stats->count; i++)
		if (!strcmp(stats->values[i].name, name))
			return &stats->values[i];
	return NULL;
}
