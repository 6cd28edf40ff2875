// SPDX-License-Identifier: GPL-2.0
/* Load a flat or ELF image into guest RAM. */
#include <elf.h>
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

/* Either ELF class, field for field. */
#define LOAD_ELF(vm, file, header, phdr_type)						\
do {											\
	for (size_t i = 0; i < (header)->e_phnum; i++) {				\
		u64 where = (header)->e_phoff + i * sizeof(phdr_type);			\
		phdr_type phdr;								\
											\
		if (where > (file)->size || sizeof(phdr) > (file)->size - where)	\
			die("the ELF image is cut short: no program headers");		\
		memcpy(&phdr, (file)->data + where, sizeof(phdr));			\
		if (phdr.p_type == PT_LOAD)						\
			load_segment(vm, file, &(struct segment){			\
				phdr.p_offset, phdr.p_filesz,				\
				phdr.p_paddr, phdr.p_memsz });				\
	}										\
} while (0)

static struct image load_elf32(struct vm *vm, const struct file *file)
{
	Elf32_Ehdr header;

	memcpy(&header, file->data, sizeof(header));
	if (header.e_machine != EM_386)
		die("this ELF image is not for x86");
	LOAD_ELF(vm, file, &header, Elf32_Phdr);
	return (struct image){ header.e_entry, ENTRY_32 };
}

static struct image load_elf64(struct vm *vm, const struct file *file)
{
	Elf64_Ehdr header;

	memcpy(&header, file->data, sizeof(header));
	if (header.e_machine != EM_X86_64)
		die("this ELF image is not for x86-64");
	LOAD_ELF(vm, file, &header, Elf64_Phdr);
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
	if (file->size < sizeof(Elf64_Ehdr) || memcmp(file->data, ELFMAG, SELFMAG))
		return load_flat(vm, file, mode);
	if (file->data[EI_CLASS] == ELFCLASS32)
		return load_elf32(vm, file);
	return load_elf64(vm, file);
}
