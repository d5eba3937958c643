#!/bin/sh
# The one direction: a module includes only from itself and from modules above it in
# this list, steps/ from `step` and above, and no two headers include each other.
set -u
modules="base numeric statistics bandits drift explain message observe step spec plan state flow net serving log worker runtime control gateway compute cli"
allowed_for() { # the modules up to and with $1
	for module in $modules; do
		printf '%s ' "$module"
		[ "$module" != "$1" ] || return 0
	done
}
faults=0
fault() {
	echo "layers: $*" >&2
	faults=$((faults + 1))
}
check() { # $1 file, $2 the modules it may include from
	sed -n 's/^#include "\([^"]*\)".*/\1/p' "$1" | while read -r include; do
		case " $2 " in
		*" ${include%%/*} "*) ;;
		*) echo "$1 includes \"$include\", which is below it" ;;
		esac
	done
}
cd "$(dirname "$0")/.." || exit 2
found=$(
	for folder in engine/*/; do
		module=$(basename "$folder")
		case " $modules " in
		*" $module "*) ;;
		*) echo "engine/$module is no module of engine/README.md" ;;
		esac
		for file in "$folder"*.[ch]; do
			[ -e "$file" ] && check "$file" "$(allowed_for "$module")"
		done
	done
	for file in steps/*.[ch]; do
		[ -e "$file" ] && check "$file" "$(allowed_for step) steps"
	done
	# A circle of headers: tsort names its members.
	for header in engine/*/*.h steps/*.h; do
		[ -e "$header" ] || continue
		sed -n 's/^#include "\([^"]*\)".*/\1/p' "$header" | while read -r include; do
			echo "${header#engine/} $include"
		done
	done | tsort 2>&1 >/dev/null | sed 's/^tsort: /headers in a circle: /'
)
if [ -n "$found" ]; then
	printf '%s\n' "$found" | while read -r line; do fault "$line"; done
	exit 1
fi
echo "layers: one direction"
