// SPDX-License-Identifier: GPL-2.0
/* `umbra run`: a bare guest, flat or ELF, with a console and an exit status. */
#include <getopt.h>

#include "command.h"
#include "image.h"
#include "machine.h"

#define STACK_GPA	0x80000
#define DEFAULT_RAM_MIB	64

struct run_options {
	const char *device, *path;
	int backend;
	enum entry_mode mode;
	size_t ram_size;
	unsigned int timeout;
};

static const char usage[] =
	"usage: umbra run FILE [--device PATH] [--mmu ept|shadow] [--mem MiB]\n"
	"                      [--entry real|32|64] [--timeout SECONDS]";

static struct run_options parse_options(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "mmu", required_argument, NULL, 'b' },
		{ "mem", required_argument, NULL, 'm' },
		{ "entry", required_argument, NULL, 'e' },
		{ "timeout", required_argument, NULL, 't' },
		{ }
	};
	struct run_options o = { .device = DEFAULT_DEVICE, .ram_size = DEFAULT_RAM_MIB * MIB };
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 'd':
			o.device = optarg;
			break;
		case 'b':
			o.backend = backend_parse(optarg);
			break;
		case 'm':
			o.ram_size = parse_number(optarg, "--mem", 1, MAX_RAM_MIB) * MIB;
			break;
		case 'e':
			o.mode = entry_parse(optarg);
			break;
		case 't':
			o.timeout = parse_number(optarg, "--timeout", 1, 1000000);
			break;
		default:
			die("%s", usage);
		}
	}
	if (optind != argc - 1)
		die("%s", usage);
	o.path = argv[optind];
	return o;
}

static void start_guest(struct vm *vm, const struct file *file, enum entry_mode mode)
{
	struct image image = image_load(vm, file, mode);
	u64 stack;

	if (mode == ENTRY_DEFAULT)
		mode = image.mode;
	stack = mode == ENTRY_REAL ? FLAT_REAL_GPA : STACK_GPA;
	if (cpu_set_mode(vm, mode, image.entry, stack))
		die_errno("cannot set the vCPU's registers");
}

int command_run(int argc, char **argv)
{
	struct run_options o = parse_options(argc, argv);
	struct vm_config config = { .backend = o.backend, .ram_size = o.ram_size };
	struct file file = read_file(o.path);
	struct machine machine = { 0 };
	int status;

	config.device = device_open(o.device);
	device_require(config.device, o.device, o.backend);
	machine_init(&machine, &config);
	start_guest(&machine.vm, &file, o.mode);
	status = machine_run(&machine, o.timeout);
	machine_destroy(&machine);
	return status;
}
