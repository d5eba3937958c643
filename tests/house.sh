#!/bin/bash
# The rules of the house that a machine can see: calls that may not be used, the heap
# behind its one door, files of at most 650 lines, nothing left lying about.
# Prints each breach, and at the end `N passed, N failed`: one check a rule.
set -u
cd "$(dirname "$0")/.." || exit 2
passed=0 failed=0

# $1 rule; what stands in $2 are breaches of it.
rule() {
	if [ -z "$2" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'house: %s\n' "$1"
		printf '%s\n' "$2" | sed 's/^/  /' | head -20
	fi
}

ours=$(git ls-files -co --exclude-standard 'engine/*.[ch]' 'steps/*.[ch]' 'tests/*.[ch]')
engine=$(printf '%s\n' "$ours" | grep -E '^(engine|steps|tests/lab)/')

# Names of files are words here; there are no blanks in them.
# shellcheck disable=SC2086
{
	rule "banned calls: they overrun, share hidden state, read numbers by locale, or answer what was not asked" \
		"$(grep -nE '(^|[^_a-zA-Z0-9.>])(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|rand|localtime|avro_schema_record_field_get)[[:space:]]*\(' $ours)"
	rule "the heap has one door, base/memory.h" \
		"$(grep -nE '(^|[^_a-zA-Z0-9.>])(malloc|calloc|realloc|strdup)[[:space:]]*\(' $(printf '%s\n' "$engine" | grep -v '^engine/base/memory'))"
	rule "clocks have one door, base/clock.h" \
		"$(grep -nE '(^|[^_a-zA-Z0-9.>])(clock_gettime[[:space:]]*\(|gettimeofday[[:space:]]*\(|time[[:space:]]*\((NULL|&))' $(printf '%s\n' "$engine" | grep -v '^engine/base/clock'))"
	rule "what must run the same everywhere is handed its time" \
		"$(grep -n '"base/clock.h"' $(printf '%s\n' "$engine" | grep -E '^(steps|engine/(methods|message|observe|compiler|experiments|flow))/'))"
	rule "only main exits" \
		"$(grep -nE '(^|[^_a-zA-Z0-9.>])_?exit[[:space:]]*\(' $(printf '%s\n' "$engine" | grep -v '^engine/main.c'))"
	# librdkafka's own lines have a fallback, for a program that gives them no sink.
	rule "only commands print; other modules report to a workspace, or write to a stream that they are given" \
		"$(grep -nE '(^|[^_a-zA-Z0-9])(printf|puts|putchar)[[:space:]]*\(|[^_a-zA-Z](stdout|stderr)[^_a-zA-Z]' $(printf '%s\n' "$engine" | grep -vE '^(engine/(tools/cli/|main\.c|kafka/client_log\.c)|tests/lab/(compute/compute|simulation/sim)\.c)') | grep -vE ':[[:space:]]*(/?\*|//)')"
	rule "a file begins with a comment that says what lives in it" \
		"$(awk 'FNR == 1 && !/^\/\* / {print FILENAME}' $ours)"
	rule "in the engine and the steps that comment begins with the file's own name" \
		"$(awk 'FNR == 1 {name = FILENAME; sub(/.*\//, "", name); if (index($0, "/* " name ":") != 1) print FILENAME ": " $0}' $engine)"
	rule "a comment's lines begin with a star and a blank: a formatter leaves others where it joined the rows of a list" \
		"$(grep -nE '^ \*[A-Za-z0-9(`]' $ours)"
	rule "a file has at most 650 lines" \
		"$(wc -l $ours | awk '$2 != "total" && $1 > 650 {print $2 ": " $1 " lines"}')"
	rule "a folder of the engine and the steps has at most 60 files of C: more are several rooms" \
		"$(printf '%s\n' $engine | sed 's:/[^/]*$::' | sort | uniq -c | awk '$1 > 60 {print $2 ": " $1 " files"}')"
	rule "a small file that one other file uses is merged into it" \
		"$(tests/pairs.py)"
	rule "a unit test stands in the folder of its room, tests/unit/ROOM/NAME_test.c: the Makefile finds it there" \
		"$(ls tests/unit/*_test.c 2>/dev/null)"
	rule "a line ends at 132 columns" \
		"$(awk '{line = $0; width = 0
			while ((tab = index(line, "\t")) > 0) {width += tab - 1; width += 8 - width % 8; line = substr(line, tab + 1)}
			if (width + length(line) > 132) print FILENAME ":" FNR}' $ours)"
	# `struct wire` is what models/calls/wire.h leaves to those who implement it: connections, simulated models, and chaos before either.
	rule "a struct, enum or union has a tag of its own in the tree" \
		"$(grep -oHE '^(static |typedef )?(const )?(struct|enum|union) [a-z_0-9]+ \{' $engine |
			awk '{tag = $(NF - 1); sub(/:.*/, "", $1); if (tag != "wire" && tag in first) print tag ": " first[tag] " and " $1; first[tag] = $1}')"
	rule "a static function of one word, or of on_ and one, has its name alone: others begin with their file's subject" \
		"$(grep -oHE '^static (inline )?([a-zA-Z_0-9]+ )+\**(on_)?[a-z0-9]+\(' $engine |
			awk -F: '{name = $2; sub(/\($/, "", name); sub(/.*[ *]/, "", name)
				if (name in first && first[name] != $1 && name != "__attribute__") print name ": " first[name] " and " $1
				first[name] = $1}')"
	rule "engine/GLOSSARY.md has at most 60 words, in order, each in a file that is there" \
		"$(grep '^| [a-z]' engine/GLOSSARY.md | tail -n +2 | cut -d '|' -f 2 | awk 'NR > 60 {print "word " NR ":" $0}'
			grep '^| [a-z]' engine/GLOSSARY.md | tail -n +2 | cut -d '|' -f 2 | LC_ALL=C sort -c 2>&1
			grep -o '`[a-z/]*/[a-z_]*\.[ch]`' engine/GLOSSARY.md | tr -d '\140' | while read -r file; do [ -e "engine/$file" ] || [ -e "$file" ] || echo "$file"; done)"
	rule "each promise of DELIVERY.md and of the README's table of faults names the tests that hold it, in tests/promises.md" \
		"$(tests/promises.py)"
	rule "the image is built on images that are known by their digests" \
		"$(grep -nE '^(ARG [A-Z]+=|FROM )[^ @]*:[^ @]*( |$)' compose/Dockerfile)"
	rule "nothing is left for later" \
		"$(grep -nE '\<(TODO|FIXME|XXX|HACK)\>|#if 0' $ours Makefile)"
	rule "what is allocated on the stack has a size known to the compiler" \
		"$(grep -nE '[^_a-zA-Z]alloca[[:space:]]*\(' $ours)"
}
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
