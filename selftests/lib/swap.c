// SPDX-License-Identifier: GPL-2.0
/* Makes the swap device and looks at it; one test at a time uses it. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "swap.h"
#include "vm.h"

#define SWAP_DEVICE	"/dev/ram0"
#define SWAP_MODULE	"brd.ko"
#define SWAP_SIZE	(64UL << 20)

/* What mkswap(8) writes: the number of pages, less one, and the magic word at the page's end. */
static bool make_swap(const char *device)
{
	uint8_t head[PAGE_SIZE] = { 0 };
	uint32_t version = 1, last = SWAP_SIZE / PAGE_SIZE - 1;
	int fd = open(device, O_RDWR | O_CLOEXEC);
	bool good;

	if (fd < 0)
		return false;
	memcpy(head + 1024, &version, sizeof(version));
	memcpy(head + 1028, &last, sizeof(last));
	memcpy(head + PAGE_SIZE - 10, "SWAPSPACE2", 10);
	good = pwrite(fd, head, sizeof(head), 0) == sizeof(head);
	close(fd);
	return good;
}

bool swap_on(void)
{
	int fd;

	if (access(SWAP_DEVICE, R_OK)) {
		fd = open(SWAP_MODULE, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "rd_nr=1 rd_size=65536", 0))
			return false;
		close(fd);
		for (int i = 0; i < 100 && access(SWAP_DEVICE, R_OK); i++)
			usleep(10000);
	}
	return make_swap(SWAP_DEVICE) && !swapon(SWAP_DEVICE, 0);
}

void swap_off(void)
{
	swapoff(SWAP_DEVICE);
}

unsigned long swapped(void)
{
	unsigned long kib = 0;
	char line[100];
	FILE *file = fopen("/proc/self/status", "re");

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "VmSwap: %lu", &kib) == 1)
			break;
	fclose(file);
	return kib;
}
