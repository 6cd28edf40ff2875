#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The lists of what to break still fit the module: each place is there.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd -P)
. "$top/selftests/jobs/tests.sh"

begin host mutations_test
succeeds "$top/selftests/mutate" --check
check "selftests/mutations" $?
succeeds "$top/selftests/mutate" --check --debug
check "selftests/mutations.debug" $?
succeeds "$top/selftests/remove-flushes" --check
check "selftests/remove-flushes" $?
finish
rm -f command.log
exit $failed
