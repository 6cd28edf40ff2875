/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest that walks through the modes and its host agree on. */
#ifndef SELFTESTS_MODES_H
#define SELFTESTS_MODES_H

#define MODES_PORT	0x80
#define MODES_STACK	0x6000
#define MODES_TRACE	"RBP2ACLcprRBP2ACLcpr."

#define SEL_CODE32	0x08
#define SEL_DATA	0x10
#define SEL_CODE64	0x18
#define SEL_CODE16	0x20
#define SEL_DATA16	0x28

#endif
