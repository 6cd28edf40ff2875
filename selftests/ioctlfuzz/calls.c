// SPDX-License-Identifier: GPL-2.0
/*
 * One random ioctl: a command of the module's tables, an argument that is mostly right, a pointer
 * that mostly leads to it.
 */
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#define ARG_BYTES	(ARG_PAGES * PAGE_SIZE)

/* The module's tables when the test is built, and what Linux 6.1's headers lack. */
const struct fuzz_command fuzz_commands[] = {
#include "commands.h"
	{ "vm_ioctls", "KVM_SET_USER_MEMORY_REGION2", FUZZ_SET_USER_MEMORY_REGION2 },
};

const unsigned int fuzz_nr_commands = ARRAY_SIZE(fuzz_commands);

static enum fuzz_owner owner_of(const struct fuzz_command *c)
{
	if (!strcmp(c->table, "um_dev_ioctls"))
		return ON_DEV;
	return strcmp(c->table, "um_vcpu_ioctls") ? ON_VM : ON_VCPU;
}

static const struct fuzz_filler *find(const struct fuzz_filler *f, unsigned int n,
				      enum fuzz_owner owner, unsigned long cmd)
{
	while (n--)
		if (f[n].owner == owner && f[n].cmd == cmd)
			return &f[n];
	return NULL;
}

static const struct fuzz_filler *filler_of(const struct fuzz_command *c)
{
	enum fuzz_owner owner = owner_of(c);
	const struct fuzz_filler *f = find(fuzz_vm_fillers, fuzz_nr_vm_fillers, owner, c->cmd);

	if (!f)
		f = find(fuzz_irq_fillers, fuzz_nr_irq_fillers, owner, c->cmd);
	return f ? f : find(fuzz_vcpu_fillers, fuzz_nr_vcpu_fillers, owner, c->cmd);
}

/* The command that gets what this one sets, 0 if there is none. */
static unsigned long getter_of(const struct fuzz_command *c)
{
	unsigned int i;

	if (strncmp(c->name, "KVM_SET_", 8))
		return 0;
	for (i = 0; i < fuzz_nr_commands; i++)
		if (!strcmp(fuzz_commands[i].table, c->table) &&
		    !strncmp(fuzz_commands[i].name, "KVM_GET_", 8) &&
		    !strcmp(fuzz_commands[i].name + 8, c->name + 8))
			return fuzz_commands[i].cmd;
	return 0;
}

/* What was got, changed here and there: how long it is. */
static size_t fill_any(struct fuzz_thread *t, const struct fuzz_command *c, void *arg)
{
	unsigned long get = getter_of(c);
	size_t size = _IOC_SIZE(c->cmd);

	if (get && _IOC_SIZE(get))
		ioctl(t->fd, get, arg);
	if (!get || !rarely(t, 3))
		fuzz_mutate(t, arg, size);
	return size;
}

static int vcpu_fd(struct fuzz_thread *t)
{
	return t->vm->vcpu[t->nr_vcpu];
}

static int fd_of(struct fuzz_thread *t, enum fuzz_owner owner)
{
	switch (owner) {
	case ON_DEV:
		return fuzz_dev;
	case ON_VM:
		return t->vm->fd;
	case ON_VCPU:
		return vcpu_fd(t);
	default:
		return t->vm->stats;
	}
}

static void choose_target(struct fuzz_thread *t, enum fuzz_owner owner)
{
	t->vm = &one_of(t, fuzz_vms);
	t->nr_vcpu = below(t, FUZZ_VCPUS);
	if (rarely(t, 64))
		t->fd = rarely(t, 2) ? one_of(t, fuzz_events) : (int)fuzz_number(t);
	else
		t->fd = fd_of(t, rarely(t, 64) ? below(t, FUZZ_OWNERS) : owner);
}

/* The arguments' pages end in one that can only be read, and that in nothing. */
static uint8_t *place_of(struct fuzz_thread *t, size_t size)
{
	uint8_t *end = t->arg + ARG_BYTES;

	switch (below(t, 32)) {
	case 0:
		return fuzz_hva(t);
	case 1:
		return end - size;
	case 2:
		return end - size / 2;
	case 3:
		return end;
	case 4:
		return end + PAGE_SIZE - size / 2;
	case 5:
	case 6:
		return t->arg + below(t, PAGE_SIZE);
	case 7:
		return t->arg + PAGE_SIZE - size % PAGE_SIZE / 2;
	default:
		return t->arg;
	}
}

static void adopt(struct fuzz_thread *t, int *place, int fd)
{
	int old = *place;

	if (fd < 0)
		return;
	if (rarely(t, 2)) {
		close(fd);
		return;
	}
	*place = fd;
	close(old);
}

/* Some calls answer with a file, which nobody else would close. */
static void take_file(struct fuzz_thread *t, unsigned long cmd, int fd)
{
	if (cmd == KVM_CREATE_VM && fd >= 0)
		close(fd);
	if (cmd == KVM_CREATE_VCPU) {
		adopt(t, &t->vm->vcpu[t->nr_vcpu], fd);
		vcpu_map(t->vm, t->nr_vcpu);
	}
	if (cmd == KVM_GET_STATS_FD)
		adopt(t, &t->vm->stats, fd);
}

static void count_call(unsigned int nr, int ret)
{
	__atomic_fetch_add(&fuzz_count->calls[nr], 1, __ATOMIC_RELAXED);
	if (ret >= 0)
		__atomic_fetch_add(&fuzz_count->successes[nr], 1, __ATOMIC_RELAXED);
}

static int call(struct fuzz_thread *t, unsigned int nr)
{
	const struct fuzz_command *c = &fuzz_commands[nr];
	const struct fuzz_filler *f = filler_of(c);
	uint8_t *place, *bytes = t->staging;
	unsigned long cmd = c->cmd;
	size_t size;

	if (!_IOC_DIR(cmd) && !(f && f->fill))
		return ioctl(t->fd, cmd, f ? f->value(t) : mostly(t, 0));
	memset(bytes, 0, PAGE_SIZE);
	size = f ? f->fill(t, bytes) : fill_any(t, c, bytes);
	place = place_of(t, size);
	fuzz_copy(place, bytes, size);
	if (rarely(t, 128))
		cmd ^= 1UL << below(t, 32);
	return ioctl(t->fd, cmd, place);
}

/* First those that nobody has called: a slow machine does not come to many calls. */
static unsigned int choose_command(struct fuzz_thread *t)
{
	unsigned int nr = below(t, fuzz_nr_commands), left;

	for (left = fuzz_nr_commands; left; left--) {
		if (!__atomic_load_n(&fuzz_count->calls[nr], __ATOMIC_RELAXED))
			break;
		nr = (nr + 1) % fuzz_nr_commands;
	}
	return nr;
}

void fuzz_call(struct fuzz_thread *t)
{
	unsigned int nr = choose_command(t);
	int ret;

	choose_target(t, owner_of(&fuzz_commands[nr]));
	t->doing = fuzz_commands[nr].name;
	ret = call(t, nr);
	take_file(t, fuzz_commands[nr].cmd, ret);
	count_call(nr, ret);
}

/* VMs belong to the process that made them; its files may be of any kind by now. */
void fuzz_call_foreign(struct fuzz_thread *t)
{
	static const unsigned long others[] = { KVM_GET_REGS, KVM_RUN, KVM_SET_SREGS, KVM_NMI };

	errno = 0;
	ioctl(vcpu_fd(t), one_of(t, others), 0);
	if (errno != EIO && errno != ENOTTY && errno != EBADF)
		__atomic_fetch_add(&fuzz_count->foreign, 1, __ATOMIC_RELAXED);
	fuzz_call(t);
}
