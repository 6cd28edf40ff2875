/* SPDX-License-Identifier: GPL-2.0 */
/* A guest with SMRAM of its own in the second address space; one at a time. */
#ifndef LIB_SMMGUEST_H
#define LIB_SMMGUEST_H

#include "raw.h"

#define SMBASE		0x1000000UL	/* beyond the guest's own memory */
#define SMRAM_SIZE	0x20000UL
#define SMRAM_SLOT	(BIT(16) | 1)
#define HANDLER		0x8000
#define MARK_PORT	0x81
#define MSR_SMBASE	0x9e
/* 1: out %al, $0x80; jmp 1b */
#define LOOP		"\xe6\x80\xeb\xfc"
/* mov $0x5a, %al; out %al, $0x81; rsm */
#define MARK		"\xb0\x5a\xe6\x81\x0f\xaa"

extern uint8_t *smram;

/* The guest loops, the handler is MARK. */
struct vcpu *smm_create(bool irqchip);
void smm_set_handler(const char *code, size_t size);
#define smm_handler(code)	smm_set_handler(code, sizeof(code) - 1)
void smm_set_base(struct vcpu *vcpu, uint64_t smbase);
void smm_smi(struct vcpu *vcpu);

/* Runs on. True: to the OUT of the handler; to that of the guest. */
bool smm_in_handler(struct vcpu *vcpu);
bool smm_in_guest(struct vcpu *vcpu);
/* The OUT retires, and nothing else happens. */
void smm_settle(struct vcpu *vcpu);
/* What the handler's OUT says. */
uint32_t smm_told(struct vcpu *vcpu);

/* The MSR's value, or @set. */
uint64_t smm_msr(struct vcpu *vcpu, uint32_t index, const uint64_t *set);
struct kvm_vcpu_events smm_events(struct vcpu *vcpu);
struct kvm_sregs smm_sregs(struct vcpu *vcpu);

#endif
