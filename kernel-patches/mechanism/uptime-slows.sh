#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
read -r up _ </proc/uptime && echo "up for $up s"
