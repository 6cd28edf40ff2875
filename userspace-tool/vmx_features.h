/* SPDX-License-Identifier: GPL-2.0 */
/* Decode the VMX capability MSRs of this CPU, where userspace may read them. */
#ifndef VMX_FEATURES_H
#define VMX_FEATURES_H

void vmx_features_print(void);

#endif
