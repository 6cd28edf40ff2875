// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's XMM registers, for emulated moves. While an ioctl runs the guest its FPU state is the
 * current task's: in the CPU, or saved if the task was scheduled away. fpregs_lock() keeps it where
 * it is.
 */
#include <linux/thread_info.h>

#include "emulator.h"

/* SDM "FXSAVE Area". */
#define FXSAVE_SIZE	512
#define FXSAVE_XMM(nr)	(160 + 16 * (nr))

struct fxsave_area {
	u8 bytes[FXSAVE_SIZE];
} __aligned(16);

/*
 * True: the guest's state is to be taken out of the CPU again, because this is not within the run
 * loop.
 */
static bool fpu_begin(struct um_vcpu *vcpu)
{
	bool borrowed = !vcpu->fpu_loaded;

	if (borrowed)
		um_fpu_get(vcpu);
	fpregs_lock();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
	return borrowed;
}

static void fpu_end(struct um_vcpu *vcpu, bool borrowed)
{
	fpregs_unlock();
	if (borrowed)
		um_fpu_put(vcpu);
}

void um_xmm_read(struct um_vcpu *vcpu, unsigned int nr, void *data)
{
	bool borrowed = fpu_begin(vcpu);
	struct fxsave_area fx;

	asm volatile("fxsaveq %0" : "=m" (fx));
	fpu_end(vcpu, borrowed);
	memcpy(data, &fx.bytes[FXSAVE_XMM(nr)], 16);
}

/* FXRSTOR leaves the upper halves of the YMM registers alone, as a legacy SSE instruction does. */
void um_xmm_write(struct um_vcpu *vcpu, unsigned int nr, const void *data)
{
	bool borrowed = fpu_begin(vcpu);
	struct fxsave_area fx;

	asm volatile("fxsaveq %0" : "=m" (fx));
	memcpy(&fx.bytes[FXSAVE_XMM(nr)], data, 16);
	asm volatile("fxrstorq %0" : : "m" (fx));
	fpu_end(vcpu, borrowed);
}
