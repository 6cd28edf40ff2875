/* SPDX-License-Identifier: GPL-2.0 */
/* The guests "tables" and "spaces", which edit page tables of their own. */
#ifndef SELFTESTS_TABGUEST_H
#define SELFTESTS_TABGUEST_H

#include "pgtable.h"
#include "../guest/tables.h"

struct tabguest {
	struct vcpu *vcpu;
	enum guest_mode mode;
	unsigned long long arg[8];
};

/* What the operations are about. */
extern const char * const tab_tables_ops[], * const tab_spaces_ops[];

/* Builds an address space, tables from @next on; the gpa of the level-2 entry for TABLES_GVA. */
uint64_t tab_address_space(struct pgtable *pt, struct vm *vm, enum guest_mode mode, uint64_t next);
struct tabguest tab_create(const char *program, enum guest_mode mode);
/* Begins an operation, goes on with it; the outcome of guest_run(), without the device's exits. */
int tab_start(struct tabguest *g, uint64_t op);
int tab_run(struct tabguest *g);
/* What guest/tables.h asks of mode and CPU for an operation of "spaces". */
bool tab_space_op_possible(unsigned int op, enum guest_mode mode);
bool tab_pcid_offered(void);

#endif
