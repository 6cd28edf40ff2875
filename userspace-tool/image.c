// SPDX-License-Identifier: GPL-2.0
/* Load a flat or ELF image into guest RAM. */
#include <linux/elf.h>
#include <string.h>

#include "image.h"

struct segment {
	u64 offset, file_size, gpa, mem_size;
};

static void load_segment(struct vm *vm, const struct file *file, const struct segment *segment)
{
	if (segment->offset > file->size || segment->file_size > file->size - segment->offset)
		die("the ELF image is cut short: a segment lies outside the file");
	if (segment->mem_size < segment->file_size)
		die("malformed ELF image: a segment is larger in the file than in memory");
	if (segment->gpa > vm->ram_size || segment->mem_size > vm->ram_size - segment->gpa)
		die("the image does not fit: it loads %lu bytes at %#lx; give more RAM with --mem",
		    segment->mem_size, segment->gpa);
	memcpy(vm->ram + segment->gpa, file->data + segment->offset, segment->file_size);
}

static void read_header(const struct file *file, u64 offset, void *header, size_t size)
{
	if (offset > file->size || size > file->size - offset)
		die("the ELF image is cut short: a header lies outside the file");
	memcpy(header, file->data + offset, size);
}

static struct image load_elf32(struct vm *vm, const struct file *file)
{
	struct elf32_hdr header;
	struct elf32_phdr phdr;

	read_header(file, 0, &header, sizeof(header));
	if (header.e_machine != EM_386)
		die("this ELF image is not for x86");
	for (u64 i = 0; i < header.e_phnum; i++) {
		read_header(file, header.e_phoff + i * sizeof(phdr), &phdr, sizeof(phdr));
		if (phdr.p_type == PT_LOAD)
			load_segment(vm, file, &(struct segment){
				phdr.p_offset, phdr.p_filesz, phdr.p_paddr, phdr.p_memsz });
	}
	return (struct image){ header.e_entry, ENTRY_32 };
}

static struct image load_elf64(struct vm *vm, const struct file *file)
{
	struct elf64_hdr header;
	struct elf64_phdr phdr;

	read_header(file, 0, &header, sizeof(header));
	if (header.e_machine != EM_X86_64)
		die("this ELF image is not for x86-64");
	for (u64 i = 0; i < header.e_phnum; i++) {
		read_header(file, header.e_phoff + i * sizeof(phdr), &phdr, sizeof(phdr));
		if (phdr.p_type == PT_LOAD)
			load_segment(vm, file, &(struct segment){
				phdr.p_offset, phdr.p_filesz, phdr.p_paddr, phdr.p_memsz });
	}
	return (struct image){ header.e_entry, ENTRY_64 };
}

static struct image load_flat(struct vm *vm, const struct file *file, enum entry_mode mode)
{
	bool real = mode == ENTRY_REAL || mode == ENTRY_DEFAULT;
	u64 gpa = real ? FLAT_REAL_GPA : FLAT_GPA;

	load_segment(vm, file, &(struct segment){ 0, file->size, gpa, file->size });
	return (struct image){ gpa, ENTRY_REAL };
}

struct image image_load(struct vm *vm, const struct file *file, enum entry_mode mode)
{
	if (file->size <= EI_CLASS || memcmp(file->data, ELFMAG, SELFMAG))
		return load_flat(vm, file, mode);
	if (file->data[EI_CLASS] == ELFCLASS32)
		return load_elf32(vm, file);
	return load_elf64(vm, file);
}
