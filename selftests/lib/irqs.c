// SPDX-License-Identifier: GPL-2.0
/* Guests whose interrupt controllers are in the kernel. */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "irqs.h"
#include "pgtable.h"
#include "../guest/apic.h"

#define DEADLINE	20	/* seconds */

void irq_map_devices(struct vcpu **vcpus, unsigned int n)
{
	static const uint64_t gpas[] = { APIC_GPA, IOAPIC_GPA, DEVICE_GPA };
	struct pgtable pt = { vcpus[0]->vm, MODE_LONG, 0, TABLES_END - 16 * PAGE_SIZE };
	struct kvm_sregs sregs, first;
	unsigned int i;

	must(xioctl(vcpus[0]->fd, KVM_GET_SREGS, &first));
	pt.root = first.cr3;
	for (i = 0; i < ARRAY_SIZE(gpas); i++)
		pt_map(&pt, APIC_GVA + i * PAGE_SIZE, gpas[i], PTE_P | PTE_W, 1);
	for (i = 1; i < n; i++) {
		must(xioctl(vcpus[i]->fd, KVM_GET_SREGS, &sregs));
		sregs.cr3 = first.cr3;
		must(xioctl(vcpus[i]->fd, KVM_SET_SREGS, &sregs));
	}
}

bool irq_apicv(void)
{
	FILE *file = fopen("/sys/module/umbra/parameters/apicv", "re");
	int c = file ? fgetc(file) : 'N';

	if (file)
		fclose(file);
	return c == 'Y';
}

/* Guest-physical addresses are EPT's. */
bool irq_apicv_xapic(void)
{
	return irq_apicv() && mmu_wanted() != MMU_SHADOW;
}

static void on_signal(int sig)
{
	(void)sig;
}

void irq_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
}

/* A vCPU that waits to be started answers EAGAIN when something came. */
static void *run_thread(void *arg)
{
	struct irq_runner *r = arg;

	r->outcome = guest_start_op(r->vcpu, r->op);
	while (r->outcome == -EAGAIN)
		r->outcome = guest_run(r->vcpu);
	return NULL;
}

void irq_start(struct irq_runner *r, struct vcpu *vcpu, uint64_t op)
{
	r->vcpu = vcpu;
	r->op = op;
	pthread_create(&r->thread, NULL, run_thread, r);
}

void irq_join(struct irq_runner *r)
{
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += DEADLINE;
	if (pthread_timedjoin_np(r->thread, NULL, &deadline)) {
		pthread_kill(r->thread, SIGUSR1);
		pthread_join(r->thread, NULL);
	}
	guest_report(r->vcpu, r->outcome);
}
