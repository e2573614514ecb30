# SPDX-License-Identifier: GPL-2.0-only
read -r up idle </proc/uptime && echo "up for $up s"
