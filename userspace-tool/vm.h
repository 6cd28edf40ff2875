/* SPDX-License-Identifier: GPL-2.0 */
/* A VM with one piece of RAM at gpa 0, its vCPUs, and the device it came from. */
#ifndef VM_H
#define VM_H

#include <umbra.h>

#include "util.h"

#define DEFAULT_DEVICE	"/dev/umbra"
#define MAX_RAM_MIB	3072	/* RAM ends below the devices that PCs have under 4 GiB */

#define MAX_CPUS	16

/* A vCPU beyond the first, which struct vm itself holds. */
struct extra_vcpu {
	int fd;
	struct kvm_run *run;
};

struct vm {
	int fd;
	int vcpu;
	struct kvm_run *run;
	unsigned int extra_count;
	struct extra_vcpu extra[MAX_CPUS - 1];
	size_t run_size;
	u8 *ram;
	size_t ram_size;
};

struct vm_config {
	int device;		/* from device_open() */
	int backend;		/* UM_BACKEND_*, 0 = the device's default */
	size_t ram_size;
	size_t align;		/* of the RAM in this process, 0 = that of a page */
	bool irqchip;		/* interrupt controllers and timer in the kernel */
	unsigned int cpus;	/* vCPUs, 0 = 1; more than one need the irqchip */
};

/* Dies with the remedy if the path is no KVM-like device. */
int device_open(const char *path);
/* Mask of backends that can be chosen per VM (bit UM_BACKEND_*), 0 where there is no choice. */
unsigned int device_backends(int device);
/* Dies unless the device can run the backend (0 = any). */
void device_require(int device, const char *path, int backend);

int backend_parse(const char *name);
const char *backend_name(int backend);

/* 0, or -1 with errno and the name of the call that failed in *step. */
int vm_create(struct vm *vm, const struct vm_config *config, const char **step);
void vm_destroy(struct vm *vm);
/* The same, and dies on failure. */
void vm_create_or_die(struct vm *vm, const struct vm_config *config);

struct kvm_cpuid2 *device_cpuid(int device);

#endif
