#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Crashes the kernel on purpose: lab/run must fail with status 126.
echo "before the crash"
echo c >/proc/sysrq-trigger
