/* SPDX-License-Identifier: GPL-2.0 */
/* Virtual machines for tests: devices, memory, vCPUs, guest images, running them. */
#ifndef SELFTESTS_VM_H
#define SELFTESTS_VM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <linux/kvm.h>

#include "../guest/compiler.h"
#include "../guest/layout.h"
#include "tap.h"

#define PAGE_SIZE		4096UL
#define CAP_UMBRA_MMU		0x554d0001
#define MMU_EPT			1
#define MMU_SHADOW		2
/* Where the VM keeps its own pages for real mode; no test puts memory there. */
#define TSS_GPA			0xfffbd000UL
#define IDENTITY_MAP_GPA	0xfffbc000UL

enum guest_mode {
	MODE_REAL,
	MODE_PROT,		/* 32-bit, paging off */
	MODE_PSE,		/* 32-bit, two levels, 4M pages */
	MODE_PAE,		/* 32-bit, three levels, 2M pages, NX */
	MODE_LONG,		/* 64-bit, four levels, 2M pages, NX */
	MODE_LA57,		/* 64-bit, five levels */
};

struct vm {
	int dev;
	int fd;
	uint8_t *mem;		/* slot 0: gpa 0 .. mem_size */
	size_t mem_size;
};

struct vcpu {
	struct vm *vm;
	unsigned int id;
	int fd;
	size_t run_size;
	struct kvm_run *run;
	struct guest_shared *shared;
};

/* The binary of one guest program for one kind of code; all are linked into every test. */
struct image {
	const char *name;
	const uint8_t *start, *end;
	uint64_t bits;
};

const char *dev_path(void);
int dev_open(void);
bool dev_is_umbra(void);
/* A CPU with EPT whose walks of the guest's tables are judged as reads. */
bool cpu_walks_only_read(void);
/* MMU_EPT or MMU_SHADOW from UMBRA_MMU, 0 if the test leaves the choice to the device. */
int mmu_wanted(void);
bool mmu_offered(int mmu);	/* false where the device has no choice of backends */
int vm_choose_mmu(int vm_fd, int mmu);

/* A word of slot 0, which the guest may use at the same time. */
static inline uint32_t vm_read32(const struct vm *vm, uint64_t gpa)
{
	return READ_ONCE(*(uint32_t *)(vm->mem + gpa));
}

static inline void vm_write32(const struct vm *vm, uint64_t gpa, uint32_t value)
{
	WRITE_ONCE(*(uint32_t *)(vm->mem + gpa), value);
}

struct vm *vm_create(void);
struct vm *vm_create_mmu(int mmu);
void vm_destroy(struct vm *vm);
/* 0 or -errno; size 0 deletes. */
int vm_set_slot(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size,
		void *hva);
void *host_pages(size_t size);

struct vcpu *vcpu_create(struct vm *vm, unsigned int id);
void vcpu_destroy(struct vcpu *vcpu);
/* Builds the tables that the mode needs and sets all registers; MODE_REAL starts at IMAGE16. */
void vcpu_set_mode(struct vcpu *vcpu, enum guest_mode mode);
const char *mode_name(enum guest_mode mode);
bool mode_offered(enum guest_mode mode);

/* Loads the image of guest/<program> that runs in this mode. */
void vm_load(struct vm *vm, const char *program, enum guest_mode mode);
/* The usual beginning: a VM, one vCPU in this mode, the program loaded. */
struct vcpu *guest_create(const char *program, enum guest_mode mode);
void guest_destroy(struct vcpu *vcpu);

/* 0 or -errno of KVM_RUN. */
int vcpu_run(struct vcpu *vcpu);
#define GUEST_DONE	UCALL_DONE
#define GUEST_SYNC	UCALL_SYNC
#define GUEST_FAILED	UCALL_FAIL	/* guest_run() has told why in a diagnostic */
#define GUEST_TRAPPED	UCALL_TRAP	/* the same */
#define GUEST_EXIT	16		/* another exit: see run->exit_reason */
/* Runs up to the next word of the guest or an exit the test must handle; <0 is -errno. */
int guest_run(struct vcpu *vcpu);
/* Starts operation op; arguments are in shared->arg already. */
int guest_start_op(struct vcpu *vcpu, uint64_t op);
/* Runs op to its end and counts it as one test result. */
bool guest_test(struct vcpu *vcpu, uint64_t op, const char *what, ...) __printf(3, 4);
/* Tells of an exit or errno that the test did not expect; nothing to say of other outcomes. */
void guest_report(struct vcpu *vcpu, int outcome);
const char *exit_name(uint32_t reason);

/* As ioctl(), but -errno on failure. */
int xioctl(int fd, unsigned long request, void *arg);
int xioctl_val(int fd, unsigned long request, unsigned long arg);
/* The ioctl or system call must work for the test to make sense. */
#define must(call)								\
({										\
	long __ret = (call);							\
										\
	if (__ret < 0)								\
		tap_bail("%s:%d: %s: %s", __FILE__, __LINE__, #call,		\
			 strerror(errno));					\
	__ret;									\
})

bool has_cap(int fd, unsigned int cap);
enum cpuid_reg { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX };
/* Of the supported CPUID, which every vCPU here has; 0 for leaves that are not there. */
uint32_t cpuid_value(uint32_t leaf, uint32_t subleaf, enum cpuid_reg reg);
bool cpuid_has(uint32_t leaf, uint32_t subleaf, enum cpuid_reg reg, unsigned int bit);

#endif
