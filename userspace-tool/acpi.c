// SPDX-License-Identifier: GPL-2.0
/* The ACPI tables of a small PC (ACPI specification, "ACPI Software Programming Model"). */
#include <string.h>

#include "acpi.h"

#define RSDP_GPA	0xe0000
#define XSDT_GPA	0xe0040
#define FACS_GPA	0xe0080		/* 64-byte aligned, as it must be */
#define FADT_GPA	0xe0100
#define DSDT_GPA	0xe0240
#define MADT_GPA	0xe0300

#define LAPIC_GPA	0xfee00000
#define IOAPIC_GPA	0xfec00000
#define SCI_GSI		9

#define FADT_REVISION		3
#define MADT_REVISION		3
#define MADT_PC_COMPATIBLE	1	/* there are 8259s too */
#define MADT_ENABLED		1
#define MADT_LEVEL_HIGH		0xd
#define FADT_HAS_LEGACY		BIT(0)
#define FADT_NO_VGA		BIT(2)
#define FADT_NO_RTC		BIT(5)
#define FADT_WBINVD		BIT(0)
#define FADT_NO_POWER_BUTTON	BIT(4)
#define FADT_NO_SLEEP_BUTTON	BIT(5)
#define FADT_RESET_REGISTER	BIT(10)
#define SPACE_IO		1
#define ACCESS_BYTE		1

struct header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision;
	char creator[4];
	u32 creator_revision;
} __packed;

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt, length;
	u64 xsdt;
	u8 extended_checksum, reserved[3];
} __packed;

struct xsdt {
	struct header header;
	u64 fadt, madt;
} __packed;

struct facs {
	char signature[4];
	u32 length, hardware_signature, waking_vector, global_lock, flags;
	u64 x_waking_vector;
	u8 version, reserved[31];
} __packed;

struct register_address {
	u8 space, bits, offset, access;
	u64 address;
} __packed;

struct fadt {
	struct header header;
	u32 facs, dsdt;
	u8 reserved1, profile;
	u16 sci;
	u32 smi_command;
	u8 acpi_enable, acpi_disable, s4bios, pstate;
	u32 pm1a_event, pm1b_event, pm1a_control, pm1b_control;
	u32 pm2_control, pm_timer, gpe0, gpe1;
	u8 pm1_event_length, pm1_control_length, pm2_control_length, pm_timer_length;
	u8 gpe0_length, gpe1_length, gpe1_base, cstate;
	u16 c2_latency, c3_latency, flush_size, flush_stride;
	u8 duty_offset, duty_width, day_alarm, month_alarm, century;
	u16 boot_architecture;
	u8 reserved2;
	u32 flags;
	struct register_address reset;
	u8 reset_value;
	u16 arm;
	u8 minor;
	u64 x_facs, x_dsdt;
	struct register_address x_blocks[8];
} __packed;

struct madt_lapic {
	u8 type, length, acpi_id, apic_id;
	u32 flags;
} __packed;

struct madt_ioapic {
	u8 type, length, id, reserved;
	u32 address, gsi_base;
} __packed;

struct madt_override {
	u8 type, length, bus, source;
	u32 gsi;
	u16 flags;
} __packed;

struct madt {
	struct header header;
	u32 lapic_address, flags;
	struct madt_ioapic ioapic;
	struct madt_override sci;
	struct madt_lapic lapics[];
} __packed;

static u8 checksum(const void *data, size_t size)
{
	const u8 *bytes = data;
	u8 sum = 0;

	while (size--)
		sum -= *bytes++;
	return sum;
}

static void seal(struct header *header, const char *signature, u32 length, u8 revision)
{
	memcpy(header->signature, signature, sizeof(header->signature));
	header->length = length;
	header->revision = revision;
	memcpy(header->oem, "UMBRA ", sizeof(header->oem));
	memcpy(header->oem_table, "UMBRAVM ", sizeof(header->oem_table));
	memcpy(header->creator, "UMBR", sizeof(header->creator));
	header->checksum = 0;
	header->checksum = checksum(header, length);
}

static void write_rsdp(struct rsdp *rsdp)
{
	*rsdp = (struct rsdp){ .revision = 2, .length = sizeof(*rsdp), .xsdt = XSDT_GPA };
	memcpy(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature));
	memcpy(rsdp->oem, "UMBRA ", sizeof(rsdp->oem));
	rsdp->checksum = checksum(rsdp, offsetof(struct rsdp, length));
	rsdp->extended_checksum = checksum(rsdp, sizeof(*rsdp));
}

/* One object: _S5, the sleep type of "off". */
static void write_dsdt(u8 *dsdt)
{
	static const u8 aml[] = {
		0x08, '_', 'S', '5', '_',	/* Name (_S5, */
		0x12, 0x08, 0x04,		/* Package (4) */
		0x0a, 0x05, 0x0a, 0x05, 0x00, 0x00,
	};

	memset(dsdt, 0, sizeof(struct header));
	memcpy(dsdt + sizeof(struct header), aml, sizeof(aml));
	seal((struct header *)dsdt, "DSDT", sizeof(struct header) + sizeof(aml), 2);
}

static void write_facs(struct facs *facs)
{
	*facs = (struct facs){ .length = sizeof(*facs), .version = 1 };
	memcpy(facs->signature, "FACS", sizeof(facs->signature));
}

static void write_fadt(struct fadt *fadt)
{
	*fadt = (struct fadt){
		.facs = FACS_GPA,
		.dsdt = DSDT_GPA,
		.sci = SCI_GSI,
		.pm1a_event = ACPI_PM1_EVENT,
		.pm1_event_length = 4,
		.pm1a_control = ACPI_PM1_CONTROL,
		.pm1_control_length = 2,
		.c2_latency = 0xffff,	/* no such state */
		.c3_latency = 0xffff,
		.boot_architecture = FADT_HAS_LEGACY | FADT_NO_VGA | FADT_NO_RTC,
		.flags = FADT_WBINVD | FADT_NO_POWER_BUTTON | FADT_NO_SLEEP_BUTTON |
			 FADT_RESET_REGISTER,
		.reset = { SPACE_IO, 8, 0, ACCESS_BYTE, RESET_PORT },
		.reset_value = RESET_VALUE,
	};
	seal(&fadt->header, "FACP", sizeof(*fadt), FADT_REVISION);
}

static void write_madt(struct madt *madt, unsigned int cpus)
{
	*madt = (struct madt){
		.lapic_address = LAPIC_GPA,
		.flags = MADT_PC_COMPATIBLE,
		.ioapic = { .type = 1, .length = sizeof(madt->ioapic), .address = IOAPIC_GPA },
		.sci = { .type = 2, .length = sizeof(madt->sci), .source = SCI_GSI,
			 .gsi = SCI_GSI, .flags = MADT_LEVEL_HIGH },
	};
	for (unsigned int i = 0; i < cpus; i++)
		madt->lapics[i] = (struct madt_lapic){
			.length = sizeof(madt->lapics[i]), .acpi_id = i, .apic_id = i,
			.flags = MADT_ENABLED };
	seal(&madt->header, "APIC", sizeof(*madt) + cpus * sizeof(madt->lapics[0]), MADT_REVISION);
}

void acpi_write(const struct vm *vm, unsigned int cpus)
{
	struct xsdt *xsdt = (struct xsdt *)(vm->ram + XSDT_GPA);

	write_rsdp((struct rsdp *)(vm->ram + RSDP_GPA));
	*xsdt = (struct xsdt){ .fadt = FADT_GPA, .madt = MADT_GPA };
	seal(&xsdt->header, "XSDT", sizeof(*xsdt), 1);
	write_facs((struct facs *)(vm->ram + FACS_GPA));
	write_fadt((struct fadt *)(vm->ram + FADT_GPA));
	write_dsdt(vm->ram + DSDT_GPA);
	write_madt((struct madt *)(vm->ram + MADT_GPA), cpus);
}
