// SPDX-License-Identifier: GPL-2.0
/*
 * until WORD: copies its input to its output, and says on stderr how many million instructions the
 * lab's emulator executed from its own start until the first line that begins with WORD.
 */
#include <stdio.h>
#include <string.h>
#include <sys/io.h>

#include "../../lab/instrument/port.h"

/* The first of the lab's operations. */
static unsigned long long instructions(void)
{
	unsigned long long low;

	outl(LAB_COMMAND(LAB_LATCH, 0), LAB_PORT);
	outl(LAB_COMMAND(LAB_READ, LAB_EXIT_REASONS), LAB_PORT);
	low = inl(LAB_PORT);
	return low | (unsigned long long)inl(LAB_PORT + 4) << 32;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	int counting = !ioperm(LAB_PORT, LAB_ANSWER_SIZE, 1);
	unsigned long long start = 0;
	char line[1024];

	if (counting) {
		outl(LAB_COMMAND(LAB_PRESENT, 0), LAB_PORT);
		counting = inl(LAB_PORT) == LAB_MAGIC;
	}
	if (counting)
		start = instructions();
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		fputs(line, stdout);
		if (!counting || strncmp(line, word, strlen(word)))
			continue;
		fprintf(stderr, "%llu\n", (instructions() - start) / 1000000);
		counting = 0;
	}
	return 0;
}
