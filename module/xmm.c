// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's XMM and YMM registers, for emulated moves. While an ioctl runs the guest its FPU
 * state is the current task's: in the CPU, or saved if the task was scheduled away. fpregs_lock()
 * keeps it where it is.
 */
#include <linux/linkage.h>
#include <linux/thread_info.h>

#include "emulator.h"

/* vector.S */
asmlinkage void um_read_xmm(unsigned int nr, void *data);
asmlinkage void um_read_ymm(unsigned int nr, void *data);
asmlinkage void um_write_xmm(unsigned int nr, const void *data);
asmlinkage void um_write_xmm_clear(unsigned int nr, const void *data);
asmlinkage void um_write_ymm(unsigned int nr, const void *data);

#define XMM_BYTES	16

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

void um_vector_read(struct um_vcpu *vcpu, unsigned int nr, void *data, unsigned int len)
{
	bool borrowed = fpu_begin(vcpu);

	if (len > XMM_BYTES)
		um_read_ymm(nr, data);
	else
		um_read_xmm(nr, data);
	fpu_end(vcpu, borrowed);
}

void um_vector_write(struct um_vcpu *vcpu, unsigned int nr, const void *data, unsigned int len,
		     bool clear)
{
	bool borrowed = fpu_begin(vcpu);

	if (len > XMM_BYTES)
		um_write_ymm(nr, data);
	else if (clear)
		um_write_xmm_clear(nr, data);
	else
		um_write_xmm(nr, data);
	fpu_end(vcpu, borrowed);
}
