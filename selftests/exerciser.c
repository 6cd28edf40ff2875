// SPDX-License-Identifier: GPL-2.0
/*
 * Random graphs of guest page tables under random control bits, in every paging mode: what the
 * guest sees of each access is compared with a software walk of the same tables.
 * Documentation/testing.rst says how to run more of it, or one failure again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exerciser/exerciser.h"

#define DEFAULT_STEPS	700
#define DEFAULT_BATCH	64
/* Events from outside come after so many steps, whatever the batch. */
#define EVENT_STEPS	256

static const struct {
	const char *name;
	enum guest_mode mode;
	bool mixed;
} modes[] = {
	{ "2-level", MODE_PSE, false },
	{ "PAE", MODE_PAE, false },
	{ "4-level", MODE_LONG, false },
	{ "5-level", MODE_LA57, false },
	{ "mixed", MODE_PSE, true },
};

static uint64_t goal(const struct ex_vcpu *v)
{
	uint64_t event = (v->step / EVENT_STEPS + 1) * EVENT_STEPS;
	uint64_t batch = v->step + v->run->o.batch;

	if (v->run->o.steps < event)
		event = v->run->o.steps;
	return batch < event ? batch : event;
}

/* A batch for each vCPU; true when all have come to the next event. */
static bool make_scripts(struct ex_run *run, uint64_t event)
{
	bool all = true;
	unsigned int i;

	for (i = 0; i < run->o.vcpus; i++) {
		struct ex_vcpu *v = &run->vcpu[i];
		uint64_t end = goal(v);

		while (v->step < end && v->step < event && v->n + EX_ROOM <= EX_SCRIPT_OPS)
			ex_step(v);
		all &= v->step >= event;
	}
	return all;
}

static bool run_steps(struct ex_run *run)
{
	uint64_t event;

	for (event = 0; event < run->o.steps; ) {
		event += EVENT_STEPS;
		if (event > run->o.steps)
			event = run->o.steps;
		for (;;) {
			bool all = make_scripts(run, event);

			if (!ex_play(run))
				return false;
			if (all)
				break;
		}
		if (!ex_outside(run))
			return false;
	}
	return true;
}

static void report(const struct ex_run *run, const char *name)
{
	uint64_t ops = 0, accesses = 0, faults = 0, stale = 0;
	char events[256] = "";
	unsigned int i;

	for (i = 0; i < run->o.vcpus; i++) {
		ops += run->vcpu[i].ops;
		accesses += run->vcpu[i].accesses;
		faults += run->vcpu[i].faults;
		stale += run->vcpu[i].stale;
	}
	for (i = 0; i < ARRAY_SIZE(run->outside); i++)
		if (run->outside[i])
			snprintf(events + strlen(events), sizeof(events) - strlen(events), " %s %u",
				 ex_outside_name(i), run->outside[i]);
	tap_diag("%s seed %lu: %lu operations, %lu accesses, %lu faults, %lu found stale;%s", name,
		 run->o.seed, ops, accesses, faults, stale, events);
}

static bool run_mode(const struct ex_options *o, const char *name)
{
	struct ex_run *run = calloc(1, sizeof(*run));
	bool good;

	run->o = *o;
	if (!o->pf_filter)
		ex_set_pf_filter(false);
	ex_setup(run);
	if (o->storm)
		ex_storm_start(run);
	good = run_steps(run);
	if (o->storm)
		ex_storm_stop();
	if (!o->pf_filter)
		ex_set_pf_filter(true);
	report(run, name);
	if (!good)
		tap_diag("again: exerciser -s %lu -n %lu -m %s -c %u%s%s -b 1",
			 o->seed, o->steps, name, o->vcpus, o->storm ? " -x" : "",
			 o->pf_filter ? "" : " -f");
	tap_ok(good, "%s, seed %lu, %lu steps, %u vCPU%s%s%s", name, o->seed,
	       o->steps, o->vcpus, o->vcpus > 1 ? "s" : "",
	       o->storm ? ", while the host takes memory away" : "",
	       o->pf_filter ? "" : ", pf_filter=0");
	ex_teardown(run);
	free(run);
	return good;
}

/*
 * KVM without EPT is no oracle: it keeps translations over changes of CR4.PSE and EFER.NXE that it
 * should not, takes an entry outside of RAM for the access itself, and never comes back from some
 * changes between two levels and PAE.
 */
static bool kvm_on_shadow(void)
{
	FILE *file = dev_is_umbra() ? NULL : fopen("/sys/module/kvm_intel/parameters/ept", "re");
	int value = file ? fgetc(file) : 'Y';

	if (file)
		fclose(file);
	return value == 'N';
}

static void run_modes(struct ex_options *o, const char *chosen)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		if (chosen && strcmp(chosen, modes[i].name))
			continue;
		if (!mode_offered(modes[i].mode)) {
			tap_skip("not in CPUID", "%s, seed %lu", modes[i].name, o->seed);
			continue;
		}
		o->mode = modes[i].mode;
		o->mixed = modes[i].mixed;
		run_mode(o, modes[i].name);
	}
}

/* A backend on which the parameter means something; the list is short where it does not. */
static bool has_pf_filter(void)
{
	return dev_is_umbra() && mmu_wanted() != MMU_EPT && ex_set_pf_filter(true);
}

/* What runs when nothing else was asked for. */
static void run_list(struct ex_options *o)
{
	static const struct {
		unsigned int vcpus;
		bool storm, no_filter;
	} list[] = {
		{ 1, false, false }, { 4, false, false }, { 4, true, false }, { 1, false, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(list); i++, o->seed++) {
		o->vcpus = list[i].vcpus;
		o->storm = list[i].storm;
		o->pf_filter = !list[i].no_filter;
		if (o->pf_filter || has_pf_filter())
			run_modes(o, NULL);
	}
}

static void usage(void)
{
	tap_bail("-s SEED -S SEEDS -n STEPS -m MODE -c VCPUS -b BATCH -x (storm) -f (no filter)");
}

static uint64_t number(void)
{
	return strtoull(optarg, NULL, 0);
}

/* True if one was given. */
static bool read_options(int argc, char **argv, struct ex_options *o, const char **mode,
			 uint64_t *seeds)
{
	bool any = false;
	int option;

	for (; (option = getopt(argc, argv, "s:S:n:m:c:b:xf")) != -1; any = true) {
		switch (option) {
		case 's':
			o->seed = number();
			break;
		case 'S':
			*seeds = number();
			break;
		case 'n':
			o->steps = number();
			break;
		case 'm':
			*mode = optarg;
			break;
		case 'c':
			o->vcpus = number();
			break;
		case 'b':
			o->batch = number();
			break;
		case 'x':
			o->storm = true;
			break;
		case 'f':
			o->pf_filter = false;
			break;
		default:
			usage();
		}
	}
	if (!o->vcpus || o->vcpus > MAX_VCPUS || !o->batch)
		usage();
	return any;
}

int main(int argc, char **argv)
{
	struct ex_options o = {
		.seed = 1, .steps = DEFAULT_STEPS, .batch = DEFAULT_BATCH, .vcpus = 1,
		.pf_filter = true,
	};
	const char *mode = NULL;
	uint64_t seeds = 1;
	bool listed;

	listed = !read_options(argc, argv, &o, &mode, &seeds);
	tap_start("exerciser", 600 + seeds * o.steps * o.vcpus / 20);
	if (kvm_on_shadow())
		tap_skip("KVM without EPT differs from a CPU", "random page tables");
	else if (listed)
		run_list(&o);
	else
		for (; seeds; seeds--, o.seed++)
			run_modes(&o, mode);
	return tap_done();
}
