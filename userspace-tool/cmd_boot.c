// SPDX-License-Identifier: GPL-2.0
/* `umbra boot`: a Linux kernel, with its console on the serial port. */
#include <getopt.h>

#include "acpi.h"
#include "command.h"
#include "linux_boot.h"
#include "machine.h"

#define DEFAULT_RAM_MIB	256
#define MIN_RAM_MIB	32
#define DEFAULT_APPEND	"earlyprintk=ttyS0,115200 console=ttyS0,115200"

struct boot_options {
	const char *device, *kernel, *initrd, *append, *until;
	struct vm_config config;
	enum entry_mode mode;
	unsigned int timeout;
};

static const char usage[] =
	"usage: umbra boot BZIMAGE [--initrd FILE] [--append WORDS] [--device PATH]\n"
	"                  [--mmu ept|shadow] [--mem MiB] [--entry 32|64]\n"
	"                  [--irqchip] [--cpus N] [--until TEXT] [--timeout SECONDS]";

static const struct option long_options[] = {
	{ "device", required_argument, NULL, 'd' },
	{ "mmu", required_argument, NULL, 'b' },
	{ "mem", required_argument, NULL, 'm' },
	{ "entry", required_argument, NULL, 'e' },
	{ "timeout", required_argument, NULL, 't' },
	{ "initrd", required_argument, NULL, 'i' },
	{ "append", required_argument, NULL, 'a' },
	{ "until", required_argument, NULL, 'u' },
	{ "irqchip", no_argument, NULL, 'c' },
	{ "cpus", required_argument, NULL, 'n' },
	{ }
};

static void parse_option(struct boot_options *o, int option)
{
	switch (option) {
	case 'd':
		o->device = optarg;
		break;
	case 'b':
		o->config.backend = backend_parse(optarg);
		break;
	case 'm':
		o->config.ram_size = parse_number(optarg, "--mem", MIN_RAM_MIB, MAX_RAM_MIB) * MIB;
		break;
	case 'e':
		o->mode = entry_parse(optarg);
		if (o->mode == ENTRY_REAL)
			die("there is no BIOS for real mode: say --entry 32 or 64");
		break;
	case 't':
		o->timeout = parse_number(optarg, "--timeout", 1, 1000000);
		break;
	case 'i':
		o->initrd = optarg;
		break;
	case 'a':
		o->append = optarg;
		break;
	case 'u':
		o->until = optarg;
		break;
	case 'c':
		o->config.irqchip = true;
		break;
	case 'n':
		o->config.cpus = parse_number(optarg, "--cpus", 1, MAX_CPUS);
		break;
	default:
		die("%s", usage);
	}
}

static struct boot_options parse_options(int argc, char **argv)
{
	struct boot_options o = {
		.device = DEFAULT_DEVICE,
		.append = DEFAULT_APPEND,
		.config.ram_size = DEFAULT_RAM_MIB * MIB,
	};
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		parse_option(&o, option);
	if (optind != argc - 1)
		die("%s", usage);
	if (o.config.cpus > 1 && !o.config.irqchip)
		die("several vCPUs need interrupt controllers: add --irqchip");
	o.kernel = argv[optind];
	return o;
}

int command_boot(int argc, char **argv)
{
	struct boot_options o = parse_options(argc, argv);
	struct linux_image image = { .kernel = read_file(o.kernel), .append = o.append };
	struct machine machine = { .until = o.until };
	int status;

	if (o.initrd)
		image.initrd = read_file(o.initrd);
	o.config.device = device_open(o.device);
	device_require(o.config.device, o.device, o.config.backend);
	machine_init(&machine, &o.config);
	linux_boot(&machine.vm, &image, o.mode);
	if (o.config.irqchip)
		acpi_write(&machine.vm, machine.vm.extra_count + 1);
	status = machine_run(&machine, o.timeout);
	if (machine.vm.run->exit_reason == KVM_EXIT_HLT)
		fputs("umbra: the kernel waits for an interrupt (HLT), but the VM has no\n"
		      "interrupt controller: see --until and --irqchip\n", stderr);
	machine_destroy(&machine);
	return status;
}
