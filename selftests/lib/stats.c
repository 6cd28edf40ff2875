// SPDX-License-Identifier: GPL-2.0
/* Reads one counter of a VM or a vCPU by its name. */
#include <string.h>
#include <unistd.h>

#include "stats.h"
#include "vm.h"

#define NAME_MAX_BYTES	256

uint64_t stat_read(int fd, const char *name)
{
	int stats = xioctl_val(fd, KVM_GET_STATS_FD, 0);
	union {
		struct kvm_stats_desc desc;
		char bytes[sizeof(struct kvm_stats_desc) + NAME_MAX_BYTES];
	} d;
	struct kvm_stats_header h;
	uint64_t value = NO_STAT;
	size_t size, i;

	if (stats < 0)
		return NO_STAT;
	must(pread(stats, &h, sizeof(h), 0));
	size = sizeof(d.desc) + h.name_size;
	for (i = 0; i < h.num_desc && size <= sizeof(d); i++) {
		must(pread(stats, &d, size, h.desc_offset + i * size));
		if (strcmp(d.desc.name, name))
			continue;
		must(pread(stats, &value, sizeof(value), h.data_offset + d.desc.offset));
		break;
	}
	close(stats);
	return value;
}
