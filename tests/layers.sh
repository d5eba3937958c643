#!/bin/sh
# The one direction: a module includes only from itself and from modules above it in
# this list, steps/ from `step` and above, and no two headers include each other. Nothing of the program includes the laboratory.
set -u
modules="base numeric statistics bandits drift explain message observe step alerts spec plan state experiments flow net serving log worker runtime control gateway source view client process help simulation cases cli"
faults=0
fault() {
	echo "layers: $*" >&2
	faults=$((faults + 1))
}
cd "$(dirname "$0")/.." || exit 2
found=$(
	for folder in engine/*/; do
		module=$(basename "$folder")
		case " $modules " in
		*" $module "*) ;;
		*) echo "engine/$module is no module of engine/README.md" ;;
		esac
	done
	grep -H '^#include "' engine/*/*.[ch] steps/*.[ch] | awk -v modules="$modules" '
		BEGIN {
			count = split(modules, names, " ")
			for (i = 1; i <= count; i++) place[names[i]] = i
		}
		{
			file = $0; sub(/:.*/, "", file)
			include = $0; sub(/^[^"]*"/, "", include); sub(/".*/, "", include)
			split(file, at, "/"); split(include, to, "/")
			if (at[1] == "steps" && to[1] == "steps") next
			own = at[1] == "steps" ? "step" : at[2]
			if (!(to[1] in place) || place[to[1]] > place[own])
				print file " includes \"" include "\", which is below it"
		}'
	# A circle of headers: tsort names its members.
	grep -H '^#include "' engine/*/*.h steps/*.h | sed -n 's:^\(engine/\)\{0,1\}\([^:]*\)\:#include "\([^"]*\)".*:\2 \3:p' |
		tsort 2>&1 >/dev/null | sed 's/^tsort: /headers in a circle: /'
)
if [ -n "$found" ]; then
	printf '%s\n' "$found" | while read -r line; do fault "$line"; done
	exit 1
fi
echo "layers: one direction"
