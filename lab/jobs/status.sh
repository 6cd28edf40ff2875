#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Ends with the status that its argument names, leaving a process behind; "hang" never ends.
echo "argument: $1"
echo "$1" >out/argument
[ "$1" != hang ] || while :; do :; done
sleep 1000 &
exit "$1"
