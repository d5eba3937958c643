#!/bin/sh
# The one direction: a room includes only from its own line of tests/rooms.txt and from lines above it, steps/ as compiler/conditions
# does, and no two headers include each other. Nothing of the program includes the laboratory, tests/lab.
set -u
faults=0
fault() {
	echo "layers: $*" >&2
	faults=$((faults + 1))
}
cd "$(dirname "$0")/.." || exit 2
found=$(
	grep -rH '^#include "' engine/*/ steps --include='*.[ch]' | awk '
		FILENAME != "-" {
			if ($0 !~ /^#/) for (i = 1; i <= NF; i++) place[$i] = FNR
			next
		}
		function room(path) {
			sub(/\/[^\/]*$/, "", path)
			return path
		}
		{
			file = $0; sub(/:.*/, "", file)
			include = $0; sub(/^[^"]*"/, "", include); sub(/".*/, "", include)
			own = room(file); to = room(include)
			sub(/^engine\//, "", own)
			if (own ~ /^steps/) {
				if (to ~ /^steps/) next
				own = "compiler/conditions"
			}
			if (!(own in place)) print file " is in no room of tests/rooms.txt"
			else if (!(to in place) || place[to] > place[own])
				print file " includes \"" include "\", which is below it"
		}' tests/rooms.txt - | sort -u
	# A circle of headers: tsort names its members.
	grep -rH '^#include "' engine/*/ steps --include='*.h' | sed -n 's:^\(engine/\)\{0,1\}\([^:]*\)\:#include "\([^"]*\)".*:\2 \3:p' |
		tsort 2>&1 >/dev/null | sed 's/^tsort: /headers in a circle: /'
)
if [ -n "$found" ]; then
	printf '%s\n' "$found" | while read -r line; do fault "$line"; done
	exit 1
fi
echo "layers: one direction"
