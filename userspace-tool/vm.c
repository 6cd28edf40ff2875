// SPDX-License-Identifier: GPL-2.0
/* Open a device, create and destroy VMs; no other file makes or closes VM file descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest_cpuid.h"
#include "vm.h"

/* Where Intel VT-x without unrestricted guest keeps a TSS and an identity page: above all RAM. */
#define IDENTITY_MAP_GPA	0xfffbc000UL
#define TSS_GPA			0xfffbd000UL
#define CPUID_MAX_ENTRIES	512

static void device_refused(const char *path)
{
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		die("there is no %s: load the module (make insmod), or use --device", path);
	case EACCES:
	case EPERM:
		die("no permission to open %s: run as root", path);
	default:
		die_errno("cannot open %s", path);
	}
}

int device_open(const char *path)
{
	int device = open(path, O_RDWR | O_CLOEXEC);
	int version;

	if (device < 0)
		device_refused(path);
	version = ioctl(device, KVM_GET_API_VERSION, 0);
	if (version < 0)
		die("%s does not speak the KVM ABI: name a device that does with --device", path);
	if (version != KVM_API_VERSION)
		die("%s speaks KVM API version %d, this tool version %d", path, version,
		    KVM_API_VERSION);
	return device;
}

unsigned int device_backends(int device)
{
	int mask = ioctl(device, KVM_CHECK_EXTENSION, UM_CAP_BACKEND);

	return mask > 0 ? mask : 0;
}

void device_require(int device, const char *path, int backend)
{
	unsigned int mask = device_backends(device);

	if (!backend || mask & 1U << backend)
		return;
	if (!mask)
		die("%s does not offer a choice of backend: leave --mmu out, or use %s", path,
		    DEFAULT_DEVICE);
	die("%s cannot run the %s backend on this CPU: see `umbra info`", path,
	    backend_name(backend));
}

int backend_parse(const char *name)
{
	if (!strcmp(name, "ept"))
		return UM_BACKEND_EPT;
	if (!strcmp(name, "shadow"))
		return UM_BACKEND_SHADOW;
	die("unknown backend \"%s\": say ept or shadow", name);
}

const char *backend_name(int backend)
{
	static const char * const names[] = {
		[0] = "default",
		[UM_BACKEND_EPT] = "ept",
		[UM_BACKEND_SHADOW] = "shadow",
	};

	return names[backend];
}

struct kvm_cpuid2 *device_cpuid(int device)
{
	struct kvm_cpuid2 *cpuid;

	cpuid = xcalloc(1, sizeof(*cpuid) + CPUID_MAX_ENTRIES * sizeof(cpuid->entries[0]));
	cpuid->nent = CPUID_MAX_ENTRIES;
	if (ioctl(device, KVM_GET_SUPPORTED_CPUID, cpuid))
		die_errno("KVM_GET_SUPPORTED_CPUID");
	return cpuid;
}

static bool vm_has(const struct vm *vm, int capability)
{
	return ioctl(vm->fd, KVM_CHECK_EXTENSION, capability) > 0;
}

static int choose_backend(const struct vm *vm, int backend)
{
	struct kvm_enable_cap cap = { .cap = UM_CAP_BACKEND, .args = { backend } };

	return backend ? ioctl(vm->fd, KVM_ENABLE_CAP, &cap) : 0;
}

static u8 *map_aligned(size_t size, size_t align)
{
	u8 *start = mmap(NULL, size + align, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t excess;

	if (start == MAP_FAILED)
		return NULL;
	if (!align)
		return start;
	excess = -(uintptr_t)start % align;
	if (excess)
		munmap(start, excess);
	munmap(start + excess + size, align - excess);
	return start + excess;
}

static int add_ram(struct vm *vm, size_t size, size_t align)
{
	struct kvm_userspace_memory_region region = { .memory_size = size };

	vm->ram = map_aligned(size, align);
	if (!vm->ram)
		return -1;
	vm->ram_size = size;
	region.userspace_addr = (uintptr_t)vm->ram;
	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

/* The vCPU's file descriptor, or -1; *run is mapped. */
static int add_vcpu(const struct vm *vm, unsigned int id, struct kvm_run **run)
{
	int vcpu = ioctl(vm->fd, KVM_CREATE_VCPU, id);

	if (vcpu < 0)
		return -1;
	*run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (*run != MAP_FAILED)
		return vcpu;
	*run = NULL;
	close(vcpu);
	return -1;
}

static int add_vcpus(struct vm *vm, const struct vm_config *config)
{
	int size = ioctl(config->device, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (size < 0)
		return -1;
	vm->run_size = size;
	vm->vcpu = add_vcpu(vm, 0, &vm->run);
	if (vm->vcpu < 0)
		return -1;
	while (vm->extra_count + 1 < config->cpus) {
		struct extra_vcpu *extra = &vm->extra[vm->extra_count];

		extra->fd = add_vcpu(vm, vm->extra_count + 1, &extra->run);
		if (extra->fd < 0)
			return -1;
		vm->extra_count++;
	}
	return 0;
}

static int set_real_mode_pages(const struct vm *vm)
{
	u64 identity = IDENTITY_MAP_GPA;

	if (vm_has(vm, KVM_CAP_SET_IDENTITY_MAP_ADDR) &&
	    ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity))
		return -1;
	return vm_has(vm, KVM_CAP_SET_TSS_ADDR) ? ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_GPA) : 0;
}

static int add_irqchip(const struct vm *vm)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		return -1;
	return ioctl(vm->fd, KVM_CREATE_PIT2, &pit);
}

static int set_cpuids(const struct vm *vm, const struct vm_config *config)
{
	struct kvm_cpuid2 *cpuid = device_cpuid(config->device);
	int ret;

	if (config->irqchip)
		cpuid_fit(cpuid, vm->fd, vm->extra_count + 1);
	ret = ioctl(vm->vcpu, KVM_SET_CPUID2, cpuid);
	for (unsigned int i = 0; !ret && i < vm->extra_count; i++) {
		cpuid_set_id(cpuid, i + 1);
		ret = ioctl(vm->extra[i].fd, KVM_SET_CPUID2, cpuid);
	}
	free(cpuid);
	return ret;
}

int vm_create(struct vm *vm, const struct vm_config *config, const char **step)
{
	*vm = (struct vm){ .vcpu = -1 };
	*step = "KVM_CREATE_VM";
	vm->fd = ioctl(config->device, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return -1;
	*step = "choosing the backend (KVM_ENABLE_CAP)";
	if (choose_backend(vm, config->backend))
		goto fail;
	*step = "KVM_SET_TSS_ADDR";
	if (set_real_mode_pages(vm))
		goto fail;
	*step = "KVM_SET_USER_MEMORY_REGION";
	if (add_ram(vm, config->ram_size, config->align))
		goto fail;
	*step = "KVM_CREATE_IRQCHIP (leave --irqchip out)";
	if (config->irqchip && add_irqchip(vm))
		goto fail;
	*step = "KVM_CREATE_VCPU";
	if (add_vcpus(vm, config))
		goto fail;
	*step = "KVM_SET_CPUID2";
	if (set_cpuids(vm, config))
		goto fail;
	return 0;
fail:
	vm_destroy(vm);
	return -1;
}

void vm_create_or_die(struct vm *vm, const struct vm_config *config)
{
	const char *step;

	if (vm_create(vm, config, &step))
		die_errno("cannot create the VM: %s", step);
}

void vm_destroy(struct vm *vm)
{
	int error = errno;

	for (unsigned int i = 0; i < vm->extra_count; i++) {
		munmap(vm->extra[i].run, vm->run_size);
		close(vm->extra[i].fd);
	}
	if (vm->run)
		munmap(vm->run, vm->run_size);
	if (vm->vcpu >= 0)
		close(vm->vcpu);
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->ram)
		munmap(vm->ram, vm->ram_size);
	errno = error;
}
