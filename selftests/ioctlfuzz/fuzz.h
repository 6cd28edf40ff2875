/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of ioctlfuzz share. A world is one process: some VMs in one arena of memory, and
 * threads that call whatever they like on them. Nothing in a world is locked: that is the point.
 */
#ifndef SELFTESTS_IOCTLFUZZ_H
#define SELFTESTS_IOCTLFUZZ_H

#include "../lib/pgtable.h"
#include "../guest/fuzz.h"

#define FUZZ_VMS	3
#define FUZZ_VCPUS	2		/* of each VM; more are created and forgotten */
#define FUZZ_THREADS	4
#define FUZZ_EVENTS	4
#define FUZZ_RUN_PAGES	3		/* of a vCPU that are mapped */
#define ARG_PAGES	12		/* of a thread's arguments that may be written */
#define FUZZ_CPUID	256
#define FUZZ_SET_USER_MEMORY_REGION2	_IOC(_IOC_WRITE, KVMIO, 0x49, 160)
#define SLOT_BYTES	(FUZZ_SLOT_PAGES * PAGE_SIZE)

enum fuzz_owner { ON_DEV, ON_VM, ON_VCPU, ON_STATS, FUZZ_OWNERS };

/* A VM of the world. Its numbers change under every reader. */
struct fuzz_vm {
	int fd;
	int vcpu[FUZZ_VCPUS];
	int stats;
	unsigned int mode;			/* enum guest_mode of its guest */
	uint8_t *mem;				/* slot 0, then the memory of other slots */
	struct kvm_run *run[FUZZ_VCPUS];	/* they never move */
};

struct fuzz_thread {
	uint64_t random;
	uint8_t *arg;		/* ARG_PAGES to write, one to read, one that is absent */
	struct fuzz_vm *vm;	/* of this call */
	unsigned int nr_vcpu;
	int fd;			/* of this call */
	const char *doing;	/* what, if it comes to no end */
	uint8_t staging[ARG_PAGES * PAGE_SIZE];
};

/* The tests' own count of what happened, seen by all processes. */
struct fuzz_count {
	uint64_t calls[128], successes[128];
	uint64_t runs, exits[64], forks, kills;
	uint64_t foreign;			/* calls of a foreign process that did not give EIO */
	uint64_t vms;
};

/* One command of the module's tables. */
struct fuzz_command {
	const char *table, *name;
	unsigned long cmd;
};

/* Makes the argument of a command in @arg, which holds zeros: how many bytes of it matter. */
typedef size_t (*fuzz_fill_t)(struct fuzz_thread *t, void *arg);
struct fuzz_filler {
	enum fuzz_owner owner;
	unsigned long cmd;
	fuzz_fill_t fill;
	/* Instead of a pointer. */
	unsigned long (*value)(struct fuzz_thread *t);
};

/* random.c */
uint64_t fuzz_random(struct fuzz_thread *t);
static inline uint64_t below(struct fuzz_thread *t, uint64_t n)
{
	return fuzz_random(t) % n;
}

/* Once in n. */
static inline bool rarely(struct fuzz_thread *t, unsigned int n)
{
	return !below(t, n);
}

uint64_t fuzz_number(struct fuzz_thread *t);	/* boundaries, single bits, anything */
static inline uint64_t mostly(struct fuzz_thread *t, uint64_t usual)
{
	return rarely(t, 16) ? fuzz_number(t) : usual;
}

#define one_of(t, array)	((array)[below(t, ARRAY_SIZE(array))])
uint64_t fuzz_gpa(struct fuzz_thread *t);
uint32_t fuzz_gsi(struct fuzz_thread *t);
uint32_t fuzz_msr(struct fuzz_thread *t);
void *fuzz_hva(struct fuzz_thread *t);		/* inside the arena, or where nothing is */
void fuzz_mutate(struct fuzz_thread *t, void *bytes, size_t size);

/* calls.c */
extern const struct fuzz_command fuzz_commands[];
extern const unsigned int fuzz_nr_commands;
void fuzz_call(struct fuzz_thread *t);
void fuzz_call_foreign(struct fuzz_thread *t);	/* in a forked process */

/* vm_args.c, irq_args.c, vcpu_args.c */
extern const struct fuzz_filler fuzz_vm_fillers[], fuzz_irq_fillers[], fuzz_vcpu_fillers[];
extern const unsigned int fuzz_nr_vm_fillers, fuzz_nr_irq_fillers, fuzz_nr_vcpu_fillers;

/* world.c */
extern struct fuzz_vm fuzz_vms[FUZZ_VMS];
extern int fuzz_dev, fuzz_events[FUZZ_EVENTS];
extern uint8_t *fuzz_arena;
extern size_t fuzz_arena_size;
void fuzz_templates(void);			/* once, before all worlds */
void world_create(uint64_t seed);
void vm_renew(struct fuzz_thread *t, struct fuzz_vm *vm);
void vcpu_revive(struct fuzz_thread *t, struct fuzz_vm *vm, unsigned int nr);
void vcpu_map(struct fuzz_vm *vm, unsigned int nr);
extern struct kvm_cpuid2 *fuzz_cpuid;		/* what the device offers */

/* acts.c */
/* False if memory on either side cannot be used. */
bool fuzz_copy(void *to, const void *from, size_t size);
void fuzz_act(struct fuzz_thread *t);
void fuzz_catch_faults(void);

extern struct fuzz_count *fuzz_count;

#endif
