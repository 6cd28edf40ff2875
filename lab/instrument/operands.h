/* SPDX-License-Identifier: GPL-2.0 */
/* Operands of the instructions that invalidate translations (SDM "INVEPT", "INVVPID", "INVPCID"). */
#ifndef LAB_OPERANDS_H
#define LAB_OPERANDS_H

#define CR0_PG		(1ULL << 31)
#define CR3_NO_FLUSH	(1ULL << 63)

enum { EPT_SINGLE = 1 };
enum { VPID_ADDRESS, VPID_SINGLE, VPID_ALL, VPID_SINGLE_KEEP_GLOBAL };
enum { PCID_ADDRESS, PCID_SINGLE, PCID_ALL, PCID_ALL_KEEP_GLOBAL };

#endif
