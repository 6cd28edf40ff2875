// SPDX-License-Identifier: GPL-2.0
/* Guests over host memory that moves; a memguest belongs to the thread that made it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memguest.h"
#include "../guest/basic.h"

void *aligned_pages(size_t size, size_t align)
{
	uint8_t *all = host_pages(size + align);
	uint8_t *mem = (void *)(((uintptr_t)all + align - 1) & ~(align - 1));

	if (mem != all)
		munmap(all, mem - all);
	munmap(mem + size, all + align - mem);
	return mem;
}

static void map_slot(struct memguest *m, int level)
{
	struct pgtable pt = { m->vm, MODE_LONG, 0, TABLES_END - 16 * PAGE_SIZE };
	struct kvm_sregs sregs;
	uint64_t gpa;

	must(xioctl(m->vcpu[0]->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	for (gpa = MEM_GPA; gpa < MEM_GPA + m->size; gpa += pt_page_size(MODE_LONG, level))
		pt_map(&pt, gpa, gpa, PTE_P | PTE_W, level);
	for (unsigned int i = 1; i < m->vcpus; i++) {
		must(xioctl(m->vcpu[i]->fd, KVM_GET_SREGS, &sregs));
		sregs.cr3 = pt.root;
		must(xioctl(m->vcpu[i]->fd, KVM_SET_SREGS, &sregs));
	}
}

struct memguest mem_create_over(unsigned int vcpus, void *mem, size_t size, uint32_t flags,
				int level)
{
	struct memguest m = { .vcpus = vcpus, .mem = mem, .size = size, .stride = PAGE_SIZE };
	unsigned int i;

	m.vm = vm_create();
	vm_load(m.vm, "basic", MODE_LONG);
	for (i = 0; i < vcpus; i++) {
		m.vcpu[i] = vcpu_create(m.vm, i);
		vcpu_set_mode(m.vcpu[i], MODE_LONG);
	}
	must(xioctl(m.vcpu[0]->fd, KVM_GET_REGS, &m.start));
	map_slot(&m, level);
	must(vm_set_slot(m.vm, MEM_SLOT, flags, MEM_GPA, size, mem));
	return m;
}

struct memguest mem_create(unsigned int vcpus, size_t size)
{
	void *mem = aligned_pages(size, SIZE_2M);

	madvise(mem, size, MADV_NOHUGEPAGE);
	return mem_create_over(vcpus, mem, size, 0, 1);
}

void mem_destroy(struct memguest *m)
{
	unsigned int i;

	for (i = 0; i < m->vcpus; i++)
		vcpu_destroy(m->vcpu[i]);
	vm_destroy(m->vm);
}

void mem_unmap(struct memguest *m)
{
	mem_destroy(m);
	munmap(m->mem, m->size);
}

static int start_op(struct memguest *m, uint64_t op)
{
	int outcome;

	if (m->stuck)
		must(xioctl(m->vcpu[0]->fd, KVM_SET_REGS, &m->start));
	outcome = guest_start_op(m->vcpu[0], op);
	m->stuck = outcome != GUEST_DONE;
	return outcome;
}

static int on_pages(struct memguest *m, uint64_t op, unsigned long first, unsigned long pages)
{
	m->vcpu[0]->shared->arg[0] = MEM_GPA + first * PAGE_SIZE;
	m->vcpu[0]->shared->arg[1] = MEM_GPA + (first + pages) * PAGE_SIZE;
	return start_op(m, op);
}

int mem_touch(struct memguest *m, unsigned long first, unsigned long pages)
{
	return on_pages(m, BASIC_TOUCH, first, pages);
}

bool mem_sum_is(struct memguest *m, unsigned long first, unsigned long pages, uint64_t want)
{
	return on_pages(m, BASIC_SUM, first, pages) == GUEST_DONE &&
	       m->vcpu[0]->shared->result[0] == want;
}

int mem_read(struct memguest *m, unsigned long page)
{
	m->vcpu[0]->shared->arg[0] = MEM_GPA + page * PAGE_SIZE;
	return start_op(m, BASIC_READ);
}

int mem_write(struct memguest *m, unsigned long page, uint32_t value)
{
	m->vcpu[0]->shared->arg[0] = MEM_GPA + page * PAGE_SIZE;
	m->vcpu[0]->shared->arg[1] = value;
	return start_op(m, BASIC_WRITE);
}

uint32_t mem_result(const struct memguest *m)
{
	return m->vcpu[0]->shared->result[0];
}

bool mem_reads(struct memguest *m, unsigned long page, uint32_t want)
{
	int outcome = mem_read(m, page);

	if (outcome == GUEST_DONE && mem_result(m) == want)
		return true;
	guest_report(m->vcpu[0], outcome);
	tap_diag("page %lu: the guest reads %#x, expected %#x", page, mem_result(m), want);
	return false;
}

uint32_t mem_host_read(const struct memguest *m, unsigned long page)
{
	return READ_ONCE(*(uint32_t *)(m->mem + page * PAGE_SIZE));
}

void mem_host_write(struct memguest *m, unsigned long page, uint32_t value)
{
	WRITE_ONCE(*(uint32_t *)(m->mem + page * PAGE_SIZE), value);
}

unsigned long mem_resident(const struct memguest *m)
{
	unsigned long pages = m->size / PAGE_SIZE, i, n = 0;
	unsigned char *present = malloc(pages);

	must(mincore(m->mem, m->size, present));
	for (i = 0; i < pages; i++)
		n += present[i] & 1;
	free(present);
	return n;
}

struct runner {
	struct memguest *m;
	unsigned int index;
};

static void *churn_thread(void *arg)
{
	struct runner *r = arg;
	struct memguest *m = r->m;
	unsigned int i = r->index;

	free(r);
	m->outcome[i] = guest_start_op(m->vcpu[i], BASIC_CHURN);
	while (m->outcome[i] == -EFAULT || m->outcome[i] == -EINTR) {
		WRITE_ONCE(m->faults[i], m->faults[i] + (m->outcome[i] == -EFAULT));
		usleep(100);
		m->outcome[i] = guest_run(m->vcpu[i]);
	}
	return NULL;
}

static uint64_t rounds(const struct memguest *m, unsigned int i)
{
	return READ_ONCE(m->vcpu[i]->shared->result[0]);
}

void mem_start(struct memguest *m, uint64_t churn_flags)
{
	unsigned int i;

	vm_write32(m->vm, MEM_STOP, 0);
	for (i = 0; i < m->vcpus; i++) {
		struct guest_shared *sh = m->vcpu[i]->shared;
		struct runner *r = malloc(sizeof(*r));

		sh->arg[0] = MEM_GPA;
		sh->arg[1] = MEM_GPA + m->size;
		sh->arg[2] = MEM_STOP;
		sh->arg[3] = churn_flags;
		sh->arg[4] = m->stride;
		sh->result[0] = 0;
		m->faults[i] = 0;
		*r = (struct runner){ m, i };
		pthread_create(&m->thread[i], NULL, churn_thread, r);
	}
	for (i = 0; i < m->vcpus; i++)
		while (!rounds(m, i) && !m->outcome[i])
			usleep(200);
}

/* Does the host's view of every page come from this round or a later one? Rounds overflow. */
static bool seen(const struct memguest *m, unsigned int i, uint64_t round)
{
	unsigned long at;

	for (at = 0; at < m->size; at += m->stride) {
		uint32_t word = READ_ONCE(*(uint32_t *)(m->mem + at + i * 64));

		if ((int32_t)(word - (uint32_t)(round << CHURN_SHIFT)) >= 0)
			continue;
		tap_diag("vCPU %u wrote %#lx in round %llu, the host sees %#x", i, at,
			 (unsigned long long)round, word);
		return false;
	}
	return true;
}

bool mem_progress(struct memguest *m)
{
	uint64_t before[MEM_VCPUS];
	unsigned int i, tries = 0;
	bool good = true;

	for (i = 0; i < m->vcpus; i++)
		before[i] = rounds(m, i);
	for (i = 0; i < m->vcpus; i++)
		while (rounds(m, i) < before[i] + 2 && m->outcome[i] <= 0 && tries++ < 50000)
			usleep(200);
	for (i = 0; good && i < m->vcpus; i++)
		good = rounds(m, i) >= before[i] + 2 && seen(m, i, before[i] + 2);
	return good;
}

bool mem_stop(struct memguest *m)
{
	bool good = true;
	unsigned int i;

	vm_write32(m->vm, MEM_STOP, 1);
	for (i = 0; i < m->vcpus; i++) {
		pthread_join(m->thread[i], NULL);
		if (m->outcome[i] != GUEST_DONE)
			guest_report(m->vcpu[i], m->outcome[i]);
		good &= m->outcome[i] == GUEST_DONE;
		m->outcome[i] = 0;
	}
	return good;
}

unsigned int mem_faults(const struct memguest *m)
{
	unsigned int i, n = 0;

	for (i = 0; i < m->vcpus; i++)
		n += READ_ONCE(m->faults[i]);
	return n;
}

/* A counter of KVM_GET_STATS_FD's file. */
static bool read_stat(int fd, const char *name, uint64_t *value)
{
	struct kvm_stats_header header;
	struct kvm_stats_desc *desc;
	unsigned int i;
	bool found = false;
	size_t size;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		return false;
	size = sizeof(*desc) + header.name_size;
	desc = calloc(1, size);
	for (i = 0; !found && i < header.num_desc; i++) {
		must(pread(fd, desc, size, header.desc_offset + i * size));
		found = !strcmp(desc->name, name);
	}
	if (found)
		must(pread(fd, value, sizeof(*value), header.data_offset + desc->offset));
	free(desc);
	return found;
}

bool mem_large(const struct memguest *m, size_t page_size, uint64_t *pages)
{
	bool giant = page_size == SIZE_1G, found;
	int fd;

	if (!has_cap(m->vm->dev, KVM_CAP_BINARY_STATS_FD))
		return false;
	fd = must(xioctl_val(m->vm->fd, KVM_GET_STATS_FD, 0));
	found = read_stat(fd, giant ? "pages_1g" : "pages_2m", pages) ||
		read_stat(fd, giant ? "pages_mapped_1g" : "pages_mapped_2m", pages);
	close(fd);
	return found;
}

bool sys_write(const char *path, const char *word)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good;

	if (fd < 0)
		return false;
	good = write(fd, word, strlen(word)) == (ssize_t)strlen(word);
	close(fd);
	return good;
}

bool sys_read(const char *path, unsigned long *value)
{
	FILE *file = fopen(path, "re");
	bool good;

	if (!file)
		return false;
	good = fscanf(file, "%lu", value) == 1;
	fclose(file);
	return good;
}
