/* SPDX-License-Identifier: GPL-2.0 */
/* What the port I/O guest and its host agree on. */
#ifndef SELFTESTS_PIO_H
#define SELFTESTS_PIO_H

#define PIO_PORT	0x1234
/* A page boundary that real mode can reach too; the two pages around it are free. */
#define PIO_BOUNDARY	0x7000

enum { PIO_OUT, PIO_IN, PIO_OUTS, PIO_INS };
enum { PIO_ARG_WIDTH, PIO_ARG_COUNT, PIO_ARG_START, PIO_ARG_DOWN, PIO_ARG_REP };
enum { PIO_RES_INDEX, PIO_RES_COUNT };

#endif
