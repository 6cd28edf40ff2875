/* SPDX-License-Identifier: GPL-2.0 */
/* The search for stale translations: what Bochs' CPUs tell it. Off unless lab/run --tlb asks. */
#ifndef LAB_STALE_H
#define LAB_STALE_H

class BX_CPU_C;

/* Pages that hold entries which a CPU has cached; of 4 GiB, more memory would share marks. */
#define WATCHED_PAGES	(1U << 20)

extern bool stale_enabled;
extern unsigned char stale_watched[WATCHED_PAGES];
extern unsigned int stale_cpu;	/* the one that runs */

void stale_init(void);
/* A guest's access that Bochs' own TLB, which lives for one stay in the guest, does not answer. */
void stale_access(BX_CPU_C *cpu, Bit64u laddr, bool user, unsigned int rw);
/* Before a page that is marked in stale_watched changes. */
void stale_table_write(Bit64u hpa);
void stale_page_fault(BX_CPU_C *cpu, Bit64u laddr);
void stale_entry(BX_CPU_C *cpu);
void stale_exit(BX_CPU_C *cpu, Bit32u reason, Bit64u qualification);
/* Outside of guests: it comes to user code, halts, or changes CR3. */
void stale_left_kernel(unsigned int cpu);
void stale_switched(unsigned int cpu);
/* What the job prints. */
void stale_console(char c);
void stale_reset(unsigned int cpu);

/* Operands as the instructions have them. */
void stale_invept(unsigned int cpu, Bit64u type, Bit64u eptp);
void stale_invvpid(unsigned int cpu, Bit64u type, Bit32u vpid, Bit64u laddr);
void stale_invpcid(BX_CPU_C *cpu, Bit64u type, Bit32u pcid, Bit64u laddr);
void stale_control(BX_CPU_C *cpu, unsigned int what, Bit64u value);
/* MOV to CR3 with this operand comes next. */
void stale_cr3_operand(Bit64u value);
void stale_root_loaded(BX_CPU_C *cpu);

#endif
