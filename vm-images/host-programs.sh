#!/bin/bash
# Puts programs of this host into a folder, for boot.sh --files: the C compiler proper and SQLite's shell, where they are here, with the
# libraries that they need. Prints compiler= and database=, their paths.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

(($# == 1)) || { echo "usage: host-programs.sh FOLDER" >&2; exit 2; }
need_packages gcc sqlite3
compiler=$(readlink -f "$(gcc -print-prog-name=cc1)")
database=$(readlink -f "$(type -P sqlite3)")
# Lines of ldd: "NAME => PATH (ADDRESS)", and "PATH (ADDRESS)" for the one that loads the others.
libraries=$(ldd "$compiler" "$database" | awk '$2 == "=>" { print $3 } $1 ~ /^\// && NF == 2 { print $1 }' | sort -u)
while read -r file; do
  mkdir -p "$1$(dirname "$file")"
  cp -L --preserve=mode "$file" "$1$file"
done <<<"$compiler"$'\n'"$database"$'\n'"$libraries"
printf 'compiler=%s\ndatabase=%s\n' "$compiler" "$database"
