// SPDX-License-Identifier: GPL-2.0
/* Errors, numbers and files: what every subcommand needs. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

static void complain(const char *fmt, va_list args)
{
	fflush(stdout);
	fputs("umbra: ", stderr);
	vfprintf(stderr, fmt, args);
}

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(EXIT_ABNORMAL);
}

void die_errno(const char *fmt, ...)
{
	int error = errno;
	va_list args;

	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(EXIT_ABNORMAL);
}

void *xcalloc(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (!memory)
		die("out of memory");
	return memory;
}

char *xasprintf(const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		die("out of memory");
	va_end(args);
	return text;
}

u64 parse_number(const char *text, const char *what, u64 min, u64 max)
{
	char *end;
	u64 value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || value < min || value > max)
		die("%s must be a number from %lu to %lu, not \"%s\"", what, min, max, text);
	return value;
}

struct file read_file(const char *path)
{
	struct file file;
	struct stat st;
	size_t done = 0;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st))
		die_errno("cannot open %s", path);
	if (!S_ISREG(st.st_mode))
		die("%s is not a regular file", path);
	file.size = st.st_size;
	file.data = xcalloc(1, file.size + 1);
	while (done < file.size) {
		got = read(fd, file.data + done, file.size - done);
		if (got < 0)
			die_errno("cannot read %s", path);
		if (!got)
			die("%s became shorter while it was read", path);
		done += got;
	}
	close(fd);
	return file;
}

int read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -1;
	got = read(fd, line, size - 1);
	close(fd);
	if (got < 0)
		return -1;
	line[got] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return 0;
}
