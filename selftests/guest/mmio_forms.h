/* SPDX-License-Identifier: GPL-2.0 */
/* X(id, instruction, bytes of an access, reads, writes, flags defined, anywhere, down) */
#ifndef SELFTESTS_MMIO_FORMS_H
#define SELFTESTS_MMIO_FORMS_H

#define COMMON_FORMS(X) \
	X(mov_load_b, "movb " DI ", %%al", 1, 1, 0, 0, true, false) \
	X(mov_store_b, "movb %%al, " DI, 1, 0, 1, 0, true, false) \
	X(mov_store_imm_b, "movb $0x5a, " DI, 1, 0, 1, 0, true, false) \
	X(mov_load_w, "movw " DI ", %%ax", 2, 1, 0, 0, true, false) \
	X(mov_store_w, "movw %%ax, " DI, 2, 0, 1, 0, true, false) \
	X(mov_store_imm_w, "movw $0x5a, " DI, 2, 0, 1, 0, true, false) \
	X(mov_load_l, "movl " DI ", %%eax", 4, 1, 0, 0, true, false) \
	X(mov_store_l, "movl %%eax, " DI, 4, 0, 1, 0, true, false) \
	X(mov_store_imm_l, "movl $0x5a, " DI, 4, 0, 1, 0, true, false) \
	X(mov_load_ah, "movb " DI ", %%ah", 1, 1, 0, 0, false, false) \
	X(mov_store_ah, "movb %%ah, " DI, 1, 0, 1, 0, false, false) \
	X(movzbl, "movzbl " DI ", %%eax", 1, 1, 0, 0, false, false) \
	X(movsbl, "movsbl " DI ", %%eax", 1, 1, 0, 0, false, false) \
	X(movzbw, "movzbw " DI ", %%ax", 1, 1, 0, 0, false, false) \
	X(movsbw, "movsbw " DI ", %%ax", 1, 1, 0, 0, false, false) \
	X(movzwl, "movzwl " DI ", %%eax", 2, 1, 0, 0, true, false) \
	X(movswl, "movswl " DI ", %%eax", 2, 1, 0, 0, true, false) \
	X(add_to_mem_b, "addb %%al, " DI, 1, 1, 1, ARITH, true, false) \
	X(add_from_mem_b, "addb " DI ", %%al", 1, 1, 0, ARITH, false, false) \
	X(add_to_mem_w, "addw %%ax, " DI, 2, 1, 1, ARITH, true, false) \
	X(add_from_mem_w, "addw " DI ", %%ax", 2, 1, 0, ARITH, false, false) \
	X(add_to_mem_l, "addl %%eax, " DI, 4, 1, 1, ARITH, true, false) \
	X(add_from_mem_l, "addl " DI ", %%eax", 4, 1, 0, ARITH, false, false) \
	X(add_imm_b, "addb $0x35, " DI, 1, 1, 1, ARITH, false, false) \
	X(add_imm_l, "addl $0x12345678, " DI, 4, 1, 1, ARITH, false, false) \
	X(add_imm8_l, "addl $-3, " DI, 4, 1, 1, ARITH, false, false) \
	X(adc_to_mem_b, "adcb %%al, " DI, 1, 1, 1, ARITH, false, false) \
	X(adc_from_mem_b, "adcb " DI ", %%al", 1, 1, 0, ARITH, false, false) \
	X(adc_to_mem_w, "adcw %%ax, " DI, 2, 1, 1, ARITH, false, false) \
	X(adc_from_mem_w, "adcw " DI ", %%ax", 2, 1, 0, ARITH, false, false) \
	X(adc_to_mem_l, "adcl %%eax, " DI, 4, 1, 1, ARITH, false, false) \
	X(adc_from_mem_l, "adcl " DI ", %%eax", 4, 1, 0, ARITH, false, false) \
	X(adc_imm_b, "adcb $0x35, " DI, 1, 1, 1, ARITH, false, false) \
	X(adc_imm_l, "adcl $0x12345678, " DI, 4, 1, 1, ARITH, false, false) \
	X(adc_imm8_l, "adcl $-3, " DI, 4, 1, 1, ARITH, false, false) \
	X(sub_to_mem_b, "subb %%al, " DI, 1, 1, 1, ARITH, false, false) \
	X(sub_from_mem_b, "subb " DI ", %%al", 1, 1, 0, ARITH, false, false) \
	X(sub_to_mem_w, "subw %%ax, " DI, 2, 1, 1, ARITH, false, false) \
	X(sub_from_mem_w, "subw " DI ", %%ax", 2, 1, 0, ARITH, false, false) \
	X(sub_to_mem_l, "subl %%eax, " DI, 4, 1, 1, ARITH, false, false) \
	X(sub_from_mem_l, "subl " DI ", %%eax", 4, 1, 0, ARITH, false, false) \
	X(sub_imm_b, "subb $0x35, " DI, 1, 1, 1, ARITH, false, false) \
	X(sub_imm_l, "subl $0x12345678, " DI, 4, 1, 1, ARITH, false, false) \
	X(sub_imm8_l, "subl $-3, " DI, 4, 1, 1, ARITH, false, false) \
	X(sbb_to_mem_b, "sbbb %%al, " DI, 1, 1, 1, ARITH, false, false) \
	X(sbb_from_mem_b, "sbbb " DI ", %%al", 1, 1, 0, ARITH, false, false) \
	X(sbb_to_mem_w, "sbbw %%ax, " DI, 2, 1, 1, ARITH, false, false) \
	X(sbb_from_mem_w, "sbbw " DI ", %%ax", 2, 1, 0, ARITH, false, false) \
	X(sbb_to_mem_l, "sbbl %%eax, " DI, 4, 1, 1, ARITH, false, false) \
	X(sbb_from_mem_l, "sbbl " DI ", %%eax", 4, 1, 0, ARITH, false, false) \
	X(sbb_imm_b, "sbbb $0x35, " DI, 1, 1, 1, ARITH, false, false) \
	X(sbb_imm_l, "sbbl $0x12345678, " DI, 4, 1, 1, ARITH, false, false) \
	X(sbb_imm8_l, "sbbl $-3, " DI, 4, 1, 1, ARITH, false, false) \
	X(and_to_mem_b, "andb %%al, " DI, 1, 1, 1, LOGIC, false, false) \
	X(and_from_mem_b, "andb " DI ", %%al", 1, 1, 0, LOGIC, false, false) \
	X(and_to_mem_w, "andw %%ax, " DI, 2, 1, 1, LOGIC, false, false) \
	X(and_from_mem_w, "andw " DI ", %%ax", 2, 1, 0, LOGIC, false, false) \
	X(and_to_mem_l, "andl %%eax, " DI, 4, 1, 1, LOGIC, false, false) \
	X(and_from_mem_l, "andl " DI ", %%eax", 4, 1, 0, LOGIC, false, false) \
	X(and_imm_b, "andb $0x35, " DI, 1, 1, 1, LOGIC, false, false) \
	X(and_imm_l, "andl $0x12345678, " DI, 4, 1, 1, LOGIC, false, false) \
	X(and_imm8_l, "andl $-3, " DI, 4, 1, 1, LOGIC, false, false) \
	X(or_to_mem_b, "orb %%al, " DI, 1, 1, 1, LOGIC, false, false) \
	X(or_from_mem_b, "orb " DI ", %%al", 1, 1, 0, LOGIC, false, false) \
	X(or_to_mem_w, "orw %%ax, " DI, 2, 1, 1, LOGIC, false, false) \
	X(or_from_mem_w, "orw " DI ", %%ax", 2, 1, 0, LOGIC, false, false) \
	X(or_to_mem_l, "orl %%eax, " DI, 4, 1, 1, LOGIC, false, false) \
	X(or_from_mem_l, "orl " DI ", %%eax", 4, 1, 0, LOGIC, false, false) \
	X(or_imm_b, "orb $0x35, " DI, 1, 1, 1, LOGIC, false, false) \
	X(or_imm_l, "orl $0x12345678, " DI, 4, 1, 1, LOGIC, false, false) \
	X(or_imm8_l, "orl $-3, " DI, 4, 1, 1, LOGIC, false, false) \
	X(xor_to_mem_b, "xorb %%al, " DI, 1, 1, 1, LOGIC, false, false) \
	X(xor_from_mem_b, "xorb " DI ", %%al", 1, 1, 0, LOGIC, false, false) \
	X(xor_to_mem_w, "xorw %%ax, " DI, 2, 1, 1, LOGIC, false, false) \
	X(xor_from_mem_w, "xorw " DI ", %%ax", 2, 1, 0, LOGIC, false, false) \
	X(xor_to_mem_l, "xorl %%eax, " DI, 4, 1, 1, LOGIC, false, false) \
	X(xor_from_mem_l, "xorl " DI ", %%eax", 4, 1, 0, LOGIC, false, false) \
	X(xor_imm_b, "xorb $0x35, " DI, 1, 1, 1, LOGIC, false, false) \
	X(xor_imm_l, "xorl $0x12345678, " DI, 4, 1, 1, LOGIC, false, false) \
	X(xor_imm8_l, "xorl $-3, " DI, 4, 1, 1, LOGIC, false, false) \
	X(cmp_mem_reg_b, "cmpb %%al, " DI, 1, 1, 0, ARITH, false, false) \
	X(cmp_reg_mem_b, "cmpb " DI ", %%al", 1, 1, 0, ARITH, false, false) \
	X(cmp_imm_b, "cmpb $0x21, " DI, 1, 1, 0, ARITH, false, false) \
	X(test_reg_b, "testb %%al, " DI, 1, 1, 0, LOGIC, false, false) \
	X(test_imm_b, "testb $0x21, " DI, 1, 1, 0, LOGIC, false, false) \
	X(inc_b, "incb " DI, 1, 1, 1, ARITH, false, false) \
	X(dec_b, "decb " DI, 1, 1, 1, ARITH, false, false) \
	X(neg_b, "negb " DI, 1, 1, 1, ARITH, false, false) \
	X(not_b, "notb " DI, 1, 1, 1, 0, false, false) \
	X(xchg_b, "xchgb %%al, " DI, 1, 1, 1, 0, false, false) \
	X(cmp_mem_reg_w, "cmpw %%ax, " DI, 2, 1, 0, ARITH, false, false) \
	X(cmp_reg_mem_w, "cmpw " DI ", %%ax", 2, 1, 0, ARITH, false, false) \
	X(cmp_imm_w, "cmpw $0x21, " DI, 2, 1, 0, ARITH, false, false) \
	X(test_reg_w, "testw %%ax, " DI, 2, 1, 0, LOGIC, false, false) \
	X(test_imm_w, "testw $0x21, " DI, 2, 1, 0, LOGIC, false, false) \
	X(inc_w, "incw " DI, 2, 1, 1, ARITH, false, false) \
	X(dec_w, "decw " DI, 2, 1, 1, ARITH, false, false) \
	X(neg_w, "negw " DI, 2, 1, 1, ARITH, false, false) \
	X(not_w, "notw " DI, 2, 1, 1, 0, false, false) \
	X(xchg_w, "xchgw %%ax, " DI, 2, 1, 1, 0, false, false) \
	X(cmp_mem_reg_l, "cmpl %%eax, " DI, 4, 1, 0, ARITH, false, false) \
	X(cmp_reg_mem_l, "cmpl " DI ", %%eax", 4, 1, 0, ARITH, false, false) \
	X(cmp_imm_l, "cmpl $0x21, " DI, 4, 1, 0, ARITH, false, false) \
	X(test_reg_l, "testl %%eax, " DI, 4, 1, 0, LOGIC, false, false) \
	X(test_imm_l, "testl $0x21, " DI, 4, 1, 0, LOGIC, false, false) \
	X(inc_l, "incl " DI, 4, 1, 1, ARITH, false, false) \
	X(dec_l, "decl " DI, 4, 1, 1, ARITH, false, false) \
	X(neg_l, "negl " DI, 4, 1, 1, ARITH, false, false) \
	X(not_l, "notl " DI, 4, 1, 1, 0, false, false) \
	X(xchg_l, "xchgl %%eax, " DI, 4, 1, 1, 0, false, false) \
	X(lock_add_l, "lock addl %%eax, " DI, 4, 1, 1, ARITH, false, false) \
	X(lock_or_b, "lock orb $4, " DI, 1, 1, 1, LOGIC, false, false) \
	X(cmpxchg_l, "cmpxchgl %%ecx, " DI, 4, 1, 1, ARITH, false, false) \
	X(lock_cmpxchg_l, "lock cmpxchgl %%ecx, " DI, 4, 1, 1, ARITH, false, false) \
	X(xadd_l, "xaddl %%eax, " DI, 4, 1, 1, ARITH, false, false) \
	X(bt_imm, "btl $5, " DI, 4, 1, 0, CARRY, false, false) \
	X(bts_imm, "btsl $5, " DI, 4, 1, 1, CARRY, false, false) \
	X(btr_imm, "btrl $6, " DI, 4, 1, 1, CARRY, false, false) \
	X(bts_reg, "btsl %%ecx, " DI, 4, 1, 1, CARRY, false, false) \
	X(shl_1, "shll $1, " DI, 4, 1, 1, LOGIC, false, false) \
	X(shr_cl, "shrl %%cl, " DI, 4, 1, 1, (LOGIC & ~FLAG_OF), false, false) \
	X(sar_imm, "sarb $3, " DI, 1, 1, 1, (LOGIC & ~FLAG_OF), false, false) \
	X(rol_imm, "rolw $3, " DI, 2, 1, 1, CARRY, false, false) \
	X(setc, "setc " DI, 1, 0, 1, 0, false, false) \
	X(imul, "imull " DI ", %%eax", 4, 1, 0, (FLAG_CF | FLAG_OF), false, false) \
	X(mul, "mull " DI, 4, 1, 0, (FLAG_CF | FLAG_OF), false, false) \
	X(cmovc, "cmovcl " DI ", %%eax", 4, 1, 0, 0, false, false) \
	X(push_mem, "push " DI "; pop " AX, WORD, 1, 0, 0, false, false) \
	X(pop_mem, "push " AX "; pop " DI, WORD, 0, 1, 0, false, false) \
	X(stos_b, "stosb", 1, 0, 1, 0, false, false) \
	X(rep_stos_b, "rep stosb", 1, 0, 3, 0, false, false) \
	X(movs_to_b, "movsb", 1, 0, 1, 0, false, false) \
	X(rep_movs_to_b, "rep movsb", 1, 0, 3, 0, false, false) \
	X(rep_movs_down_b, "rep movsb", 1, 0, 3, 0, false, true) \
	X(movs_from_b, SWAP "; movsb; " SWAP, 1, 1, 0, 0, false, false) \
	X(rep_movs_from_b, SWAP "; rep movsb; " SWAP, 1, 3, 0, 0, false, false) \
	X(lods_b, SWAP "; lodsb; " SWAP, 1, 1, 0, 0, false, false) \
	X(scas_b, "scasb", 1, 1, 0, ARITH, false, false) \
	X(cmps_b, "cmpsb", 1, 1, 0, ARITH, false, false) \
	X(repne_scas_b, "repne scasb", 1, 3, 0, ARITH, false, false) \
	X(rep_stos_none_b, "xor %%ecx, %%ecx; rep stosb", 1, 0, 0, 0, false, false) \
	X(stos_w, "stosw", 2, 0, 1, 0, false, false) \
	X(rep_stos_w, "rep stosw", 2, 0, 3, 0, false, false) \
	X(movs_to_w, "movsw", 2, 0, 1, 0, false, false) \
	X(rep_movs_to_w, "rep movsw", 2, 0, 3, 0, false, false) \
	X(rep_movs_down_w, "rep movsw", 2, 0, 3, 0, false, true) \
	X(movs_from_w, SWAP "; movsw; " SWAP, 2, 1, 0, 0, false, false) \
	X(rep_movs_from_w, SWAP "; rep movsw; " SWAP, 2, 3, 0, 0, false, false) \
	X(lods_w, SWAP "; lodsw; " SWAP, 2, 1, 0, 0, false, false) \
	X(scas_w, "scasw", 2, 1, 0, ARITH, false, false) \
	X(cmps_w, "cmpsw", 2, 1, 0, ARITH, false, false) \
	X(repne_scas_w, "repne scasw", 2, 3, 0, ARITH, false, false) \
	X(rep_stos_none_w, "xor %%ecx, %%ecx; rep stosw", 2, 0, 0, 0, false, false) \
	X(stos_l, "stosl", 4, 0, 1, 0, false, false) \
	X(rep_stos_l, "rep stosl", 4, 0, 3, 0, false, false) \
	X(movs_to_l, "movsl", 4, 0, 1, 0, false, false) \
	X(rep_movs_to_l, "rep movsl", 4, 0, 3, 0, false, false) \
	X(rep_movs_down_l, "rep movsl", 4, 0, 3, 0, false, true) \
	X(movs_from_l, SWAP "; movsl; " SWAP, 4, 1, 0, 0, false, false) \
	X(rep_movs_from_l, SWAP "; rep movsl; " SWAP, 4, 3, 0, 0, false, false) \
	X(lods_l, SWAP "; lodsl; " SWAP, 4, 1, 0, 0, false, false) \
	X(scas_l, "scasl", 4, 1, 0, ARITH, false, false) \
	X(cmps_l, "cmpsl", 4, 1, 0, ARITH, false, false) \
	X(repne_scas_l, "repne scasl", 4, 3, 0, ARITH, false, false) \
	X(rep_stos_none_l, "xor %%ecx, %%ecx; rep stosl", 4, 0, 0, 0, false, false)

#define LONG_FORMS(X) \
	X(mov_load_q, "movq " DI ", %%rax", 8, 1, 0, 0, true, false) \
	X(mov_store_q, "movq %%rax, " DI, 8, 0, 1, 0, true, false) \
	X(mov_store_imm_q, "movq $-2, " DI, 8, 0, 1, 0, true, false) \
	X(mov_store_r8, "mov %%rax, %%r8; mov %%r8d, " DI, 4, 0, 1, 0, false, false) \
	X(mov_load_r15b, "mov %%rax, %%r15; movb " DI ", %%r15b; mov %%r15, %%rax", \
	  1, 1, 0, 0, false, false) \
	X(mov_store_sil, "movb %%sil, " DI, 1, 0, 1, 0, false, false) \
	X(mov_sib, "xor %%edx, %%edx; movl (%%rdi, %%rdx, 4), %%eax", 4, 1, 0, 0, false, false) \
	X(mov_disp32, "movl %%eax, 0x100(%%rdi)", 4, 0, 1, 0, false, false) \
	X(movslq, "movslq " DI ", %%rax", 4, 1, 0, 0, false, false) \
	X(movzbq, "movzbq " DI ", %%rax", 1, 1, 0, 0, false, false) \
	X(add_to_mem_q, "addq %%rax, " DI, 8, 1, 1, ARITH, true, false) \
	X(add_from_mem_q, "addq " DI ", %%rax", 8, 1, 0, ARITH, false, false) \
	X(or_imm_q, "orq $0x7f, " DI, 8, 1, 1, LOGIC, false, false) \
	X(and_imm_q, "andq $-16, " DI, 8, 1, 1, LOGIC, false, false) \
	X(cmp_q, "cmpq " DI ", %%rax", 8, 1, 0, ARITH, false, false) \
	X(xchg_q, "xchgq %%rax, " DI, 8, 1, 1, 0, false, false) \
	X(lock_cmpxchg_q, "lock cmpxchgq %%rcx, " DI, 8, 1, 1, ARITH, false, false) \
	X(stos_q, "stosq", 8, 0, 1, 0, false, false) \
	X(rep_stos_q, "rep stosq", 8, 0, 3, 0, false, false) \
	X(rep_movs_to_q, "rep movsq", 8, 0, 3, 0, false, false) \
	X(movnti, "movnti %%rax, " DI, 8, 0, 1, 0, false, false)

#endif
