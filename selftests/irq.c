// SPDX-License-Identifier: GPL-2.0
/* Interrupts and NMIs from userspace, the interrupt window, and delivery that itself faults. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/vm.h"
#include "guest/irq.h"

struct setup {
	struct vcpu *vcpu;
	struct kvm_run *run;
	unsigned long long *res;
	const char *mode;
};

static struct setup setup_create(enum guest_mode mode)
{
	struct vcpu *vcpu = guest_create("irq", mode);

	return (struct setup) { vcpu, vcpu->run, vcpu->shared->result, mode_name(mode) };
}

static int interrupt(struct setup *s, unsigned int vector)
{
	struct kvm_interrupt irq = { .irq = vector };

	return xioctl(s->vcpu->fd, KVM_INTERRUPT, &irq);
}

static uint64_t rip(struct setup *s)
{
	struct kvm_regs regs;

	must(xioctl(s->vcpu->fd, KVM_GET_REGS, &regs));
	return regs.rip;
}

static void test_window(struct setup *s, uint64_t op, const char *what)
{
	bool open;
	int outcome;

	tap_eq(guest_start_op(s->vcpu, op), GUEST_SYNC, "%s: %s", s->mode, what);
	tap_ok(!s->run->if_flag && !s->run->ready_for_interrupt_injection,
	       "%s: not ready while IF=0", s->mode);
	s->run->request_interrupt_window = 1;
	outcome = guest_run(s->vcpu);
	s->run->request_interrupt_window = 0;
	open = outcome == GUEST_EXIT && s->run->exit_reason == KVM_EXIT_IRQ_WINDOW_OPEN;
	if (!tap_ok(open, "%s: IRQ_WINDOW_OPEN", s->mode))
		guest_report(s->vcpu, outcome);
	if (!open)
		return;
	tap_ok(s->run->if_flag && s->run->ready_for_interrupt_injection, "%s: ready", s->mode);
	tap_eq(rip(s), s->res[IRQ_RES_LABEL], "%s: one instruction after the shadow", s->mode);
	tap_eq(interrupt(s, IRQ_FIRST), 0, "%s: INTERRUPT", s->mode);
	tap_eq(guest_run(s->vcpu), GUEST_DONE, "%s: the guest goes on", s->mode);
	tap_eq(s->res[IRQ_RES_TOTAL], 1, "%s: it took one interrupt", s->mode);
	tap_eq(s->res[IRQ_RES_VECTOR], IRQ_FIRST, "%s: of this vector", s->mode);
	tap_eq(s->res[IRQ_RES_IP], s->res[IRQ_RES_LABEL], "%s: at the open window", s->mode);
}

static void test_loop(struct setup *s)
{
	int outcome = guest_start_op(s->vcpu, IRQ_LOOP);
	unsigned int sent = 0;

	while (outcome == GUEST_EXIT && s->run->exit_reason == KVM_EXIT_IO) {
		if (s->run->ready_for_interrupt_injection)
			sent += !interrupt(s, IRQ_FIRST + sent % IRQ_COUNT);
		outcome = guest_run(s->vcpu);
	}
	tap_eq(outcome, GUEST_DONE, "%s: an interrupt at each OUT", s->mode);
	tap_eq(sent, IRQ_LOOPS, "%s: always ready", s->mode);
	tap_eq(s->res[IRQ_RES_TOTAL], sent, "%s: all arrive", s->mode);
	tap_eq(s->res[IRQ_RES_VECTOR], IRQ_FIRST + (sent - 1) % IRQ_COUNT, "%s: the last as sent",
	       s->mode);
}

static void test_halt(struct setup *s)
{
	int outcome = guest_start_op(s->vcpu, IRQ_HALT);

	tap_ok(outcome == GUEST_EXIT && s->run->exit_reason == KVM_EXIT_HLT &&
	       s->run->ready_for_interrupt_injection, "%s: HLT with IF=1", s->mode);
	tap_eq(interrupt(s, IRQ_FIRST + 1), 0, "%s: INTERRUPT wakes it", s->mode);
	tap_eq(guest_run(s->vcpu), GUEST_DONE, "%s: the guest goes on after HLT", s->mode);
	tap_eq(s->res[IRQ_RES_TOTAL], 1, "%s: with the interrupt taken", s->mode);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void *kick_thread(void *vcpu_thread)
{
	usleep(100000);
	pthread_kill(*(pthread_t *)vcpu_thread, SIGUSR1);
	return NULL;
}

/* A guest that never exits by itself gets its interrupt by way of a signal. */
static void test_spin(struct setup *s)
{
	struct sigaction action = { .sa_handler = on_signal };
	pthread_t self = pthread_self(), thread;
	int outcome;

	sigaction(SIGUSR1, &action, NULL);
	pthread_create(&thread, NULL, kick_thread, &self);
	outcome = guest_start_op(s->vcpu, IRQ_SPIN);
	pthread_join(thread, NULL);
	tap_eq(outcome, -EINTR, "%s: a signal ends KVM_RUN of a spinning guest", s->mode);
	tap_ok(s->run->ready_for_interrupt_injection, "%s: ready", s->mode);
	interrupt(s, IRQ_FIRST + 2);
	tap_eq(guest_run(s->vcpu), GUEST_DONE, "%s: the interrupt ends the loop", s->mode);
}

static void test_nmi(struct setup *s)
{
	guest_start_op(s->vcpu, IRQ_NMI);
	tap_eq(xioctl_val(s->vcpu->fd, KVM_NMI, 0), 0, "%s: NMI while IF=0", s->mode);
	tap_eq(guest_run(s->vcpu), GUEST_DONE, "%s: the guest goes on", s->mode);
	tap_eq(s->res[IRQ_RES_NMIS], 1, "%s: it took one NMI", s->mode);
	tap_eq(s->res[IRQ_RES_TOTAL], 0, "%s: and no interrupt", s->mode);
}

static void test_nmi_nested(struct setup *s)
{
	guest_start_op(s->vcpu, IRQ_NMI_NESTED);
	xioctl_val(s->vcpu->fd, KVM_NMI, 0);
	tap_eq(guest_run(s->vcpu), GUEST_SYNC, "%s: inside the NMI handler", s->mode);
	xioctl_val(s->vcpu->fd, KVM_NMI, 0);
	xioctl_val(s->vcpu->fd, KVM_NMI, 0);
	tap_eq(guest_run(s->vcpu), GUEST_DONE, "%s: two more meanwhile", s->mode);
	tap_eq(s->res[IRQ_RES_NMIS], 2, "%s: become one NMI", s->mode);
	tap_eq(s->res[IRQ_RES_DEPTH], 1, "%s: after the first handler ended", s->mode);
}

struct kicker {
	pthread_t target;
	bool stop;
};

static void *kick(void *arg)
{
	struct kicker *k = arg;

	while (!READ_ONCE(k->stop)) {
		pthread_kill(k->target, SIGUSR1);
		usleep(20);
	}
	return NULL;
}

/* Signals end KVM_RUN at any point of the delivery, also between exits that the host handles. */
static void test_nmi_kicked(struct setup *s)
{
	struct kicker k = { .target = pthread_self() };
	uint64_t sent = 0;
	pthread_t thread;
	int outcome;

	pthread_create(&thread, NULL, kick, &k);
	outcome = guest_start_op(s->vcpu, IRQ_NMI_SLOW);
	while (outcome == GUEST_SYNC || outcome == -EINTR) {
		if (outcome == GUEST_SYNC)
			sent += !xioctl_val(s->vcpu->fd, KVM_NMI, 0);
		outcome = guest_run(s->vcpu);
	}
	WRITE_ONCE(k.stop, true);
	pthread_join(thread, NULL);
	tap_eq(outcome, GUEST_DONE, "%s: NMIs among signals", s->mode);
	tap_eq(s->res[IRQ_RES_NMIS], sent, "%s: each is delivered once", s->mode);
}

static void test_events(struct setup *s)
{
	struct kvm_vcpu_events events;

	guest_start_op(s->vcpu, IRQ_NMI);
	must(interrupt(s, IRQ_FIRST + 3));
	must(xioctl(s->vcpu->fd, KVM_GET_VCPU_EVENTS, &events));
	tap_ok(events.interrupt.injected && events.interrupt.nr == IRQ_FIRST + 3,
	       "%s: GET_VCPU_EVENTS shows the interrupt", s->mode);
	events.interrupt.injected = 0;
	events.nmi.pending = 1;
	events.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING;
	tap_eq(xioctl(s->vcpu->fd, KVM_SET_VCPU_EVENTS, &events), 0,
	       "%s: SET_VCPU_EVENTS makes it an NMI", s->mode);
	tap_eq(guest_run(s->vcpu), GUEST_DONE, "%s: the guest goes on", s->mode);
	tap_eq(s->res[IRQ_RES_NMIS], 1, "%s: with an NMI", s->mode);
	tap_eq(s->res[IRQ_RES_TOTAL], 0, "%s: and no interrupt", s->mode);
	must(xioctl(s->vcpu->fd, KVM_GET_VCPU_EVENTS, &events));
	tap_ok(!events.interrupt.injected && !events.nmi.pending && !events.nmi.injected,
	       "%s: nothing is left pending", s->mode);
}

/* All translations of the guest's memory go; the contents stay. */
static void forget_memory(struct vm *vm)
{
	must(mprotect(vm->mem, vm->mem_size, PROT_NONE));
	must(mprotect(vm->mem, vm->mem_size, PROT_READ | PROT_WRITE));
}

static void test_faulting_delivery(struct setup *s, unsigned int vector)
{
	s->vcpu->shared->arg[0] = vector;
	guest_start_op(s->vcpu, IRQ_SOFT);
	forget_memory(s->vcpu->vm);
	tap_ok(guest_run(s->vcpu) == GUEST_DONE && s->res[IRQ_RES_TOTAL] == 1 &&
	       s->res[IRQ_RES_VECTOR] == vector,
	       "%s: vector %#x once, though its delivery faults", s->mode, vector);
}

static void test_faulting_injection(struct setup *s)
{
	guest_start_op(s->vcpu, IRQ_NMI);
	forget_memory(s->vcpu->vm);
	xioctl_val(s->vcpu->fd, KVM_NMI, 0);
	tap_ok(guest_run(s->vcpu) == GUEST_DONE && s->res[IRQ_RES_NMIS] == 1,
	       "%s: one NMI, though its delivery faults", s->mode);
	guest_start_op(s->vcpu, IRQ_HALT);
	forget_memory(s->vcpu->vm);
	interrupt(s, IRQ_FIRST + 4);
	tap_ok(guest_run(s->vcpu) == GUEST_DONE && s->res[IRQ_RES_TOTAL] == 1,
	       "%s: one interrupt, though its delivery faults", s->mode);
}

static void test_mode(enum guest_mode mode)
{
	static const unsigned int vectors[] = { 0, 3, 6, 0x41 };
	struct setup s = setup_create(mode);
	size_t i;

	test_window(&s, IRQ_WINDOW, "STI");
	test_window(&s, IRQ_WINDOW_SS, "STI, MOV SS");
	test_loop(&s);
	test_halt(&s);
	test_spin(&s);
	test_nmi(&s);
	test_nmi_nested(&s);
	test_nmi_kicked(&s);
	test_events(&s);
	for (i = 0; i < ARRAY_SIZE(vectors); i++)
		test_faulting_delivery(&s, vectors[i]);
	if (mode != MODE_PROT)
		test_faulting_delivery(&s, 14);
	test_faulting_injection(&s);
	guest_destroy(s.vcpu);
}

int main(void)
{
	tap_start("irq", 120);
	test_mode(MODE_PROT);
	test_mode(MODE_PSE);
	test_mode(MODE_PAE);
	test_mode(MODE_LONG);
	return tap_done();
}
