/* SPDX-License-Identifier: GPL-2.0 */
/* Errors, numbers and files: what every subcommand needs. */
#ifndef UTIL_H
#define UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BIT(n)		(1UL << (n))
#define MIB		(1024UL * 1024)

/* Exit status of the tool itself; a guest's own status is any other byte. */
enum {
	EXIT_TIMEOUT = 124,	/* as timeout(1) */
	EXIT_ABNORMAL = 125,	/* the VM crashed or the tool failed */
};

struct file {
	u8 *data;
	size_t size;
};

__printf(1, 2) noreturn void die(const char *fmt, ...);
__printf(1, 2) noreturn void die_errno(const char *fmt, ...);
void *xcalloc(size_t count, size_t size);
__printf(1, 2) char *xasprintf(const char *fmt, ...);

u64 parse_number(const char *text, const char *what, u64 min, u64 max);
struct file read_file(const char *path);
/* First line of a small file such as those of sysfs, or -1 if it cannot be read. */
int read_line(const char *path, char *line, size_t size);

static inline u64 read_tsc(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high) : : "memory");
	return (u64)high << 32 | low;
}

#endif
