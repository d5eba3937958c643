#!/bin/sh
# nearest.sh WHAT NAME CANDIDATE...: refuses a NAME that is none of the candidates of a make target, and lists those that are
# nearest: that hold its letters in a row, or else those with the fewest letters to change.
set -u
what=$1 name=$2
shift 2
{
	echo "make: there is no $what \`$name\`. Nearest:"
	printf '%s\n' "$@" | awk -v name="$name" '
		function distance(a, b,   i, j, rows, change, at) {
			for (j = 0; j <= length(b); j++) at[0, j] = j
			for (i = 1; i <= length(a); i++) {
				at[i, 0] = i
				for (j = 1; j <= length(b); j++) {
					change = at[i - 1, j - 1] + (substr(a, i, 1) != substr(b, j, 1))
					if (at[i - 1, j] + 1 < change) change = at[i - 1, j] + 1
					if (at[i, j - 1] + 1 < change) change = at[i, j - 1] + 1
					at[i, j] = change
				}
			}
			return at[length(a), length(b)]
		}
		{ print (index($0, name) || index(name, $0) ? 0 : distance(name, $0)), $0 }' | sort -n | head -5 | sed 's/^[0-9]* /  /'
} >&2
exit 1
