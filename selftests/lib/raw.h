/* SPDX-License-Identifier: GPL-2.0 */
/* A guest of a few bytes of 64-bit code at CPL 0, without a library, stack or IDT. */
#ifndef SELFTESTS_RAW_H
#define SELFTESTS_RAW_H

#include "vm.h"

#define RAW_GPA		SCRATCH_GPA
#define RAW_DATA	(SCRATCH_GPA + PAGE_SIZE)

/* Each ends with the OUT of RAW_END: raw_run() gives true there. */
#define RAW_END		"\xe6\x80"	/* out %al, $0x80 */
#define RDMSR		"\x0f\x32"
#define WRMSR		"\x0f\x30"

struct vcpu *raw_create(const char *code, size_t size);
/* Load code and let RIP point to it. */
void raw_load(struct vcpu *vcpu, const char *code, size_t size);
/* The same for bytes in a string. */
#define raw_create_code(code)	raw_create(code, sizeof(code) - 1)
#define raw_load_code(v, code)	raw_load(v, code, sizeof(code) - 1)
/* One KVM_RUN: the exit reason, or -errno. */
int raw_run(struct vcpu *vcpu);
bool raw_ended(const struct vcpu *vcpu);	/* at RAW_END */
struct kvm_regs raw_regs(struct vcpu *vcpu);
void raw_set_regs(struct vcpu *vcpu, struct kvm_regs regs);
/* The guest reads or writes this MSR: as raw_run(). */
int raw_access_msr(struct vcpu *vcpu, uint32_t msr, bool write, uint64_t val);
/* 0 or -errno: KVM_ENABLE_CAP of fd. */
int enable_cap(int fd, uint32_t cap, uint64_t arg);

#endif
