#!/bin/bash
# Counts what the size of the project is limited by: a row each, its number now, and the most that it may be. `make count` runs it.
#   count.sh [--tree FOLDER] [--list]
# FOLDER is another checkout, as of the commit with which the table compares. --list also prints the files that the rows of outcomes
# and alerts count. Ends with 1 while a row that is counted is above its limit. Rows that a machine has to measure are read from
# build/count, where `tests/bench/idle.sh` and `tests/check.sh` leave them; without that they are `not measured`.
set -u
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "$0")/.." && pwd)
tree=$here list=
while [ $# -gt 0 ]; do
	case $1 in
	--tree) tree=${2:?--tree needs a folder} && shift 2 ;;
	--list) list=1 && shift ;;
	*) echo "count: unknown argument $1; count.sh [--tree FOLDER] [--list]" >&2 && exit 2 ;;
	esac
done
cd "$tree" || exit 2
above=0

# Files of C in folders, those that are not committed yet too.
sources() { # $@ folders
	git ls-files -co --exclude-standard -- "${@/%/*.[ch]}" | sort -u
}
lines() { # of the files that it reads
	tr '\n' '\0' | xargs -0 -r cat | wc -l
}

# $1 what, $2 now, $3 at most; several numbers of one row are separated by blanks. `-` is not measured.
row() {
	local -a now most
	read -ra now <<<"$2"
	read -ra most <<<"$3"
	local verdict=within
	for ((i = 0; i < ${#most[@]}; i++)); do
		[ "${now[i]:--}" != - ] || { verdict='not measured' && continue; }
		awk "BEGIN {exit !(${now[i]} > ${most[i]})}" && verdict=ABOVE && break
	done
	[ "$verdict" != ABOVE ] || above=$((above + 1))
	printf '%-74s %18s %18s  %s\n' "$1" "$2" "$3" "$verdict"
}

# Lines of C without blank ones and comments, and their bytes.
code() {
	tr '\n' '\0' | xargs -0 -r cat | awk '
		function bare(line,   kept, at) {
			if (in_comment) {
				if (!(at = index(line, "*/"))) return ""
				in_comment = 0
				line = substr(line, at + 2)
			}
			while (match(line, /"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047|\/\*|\/\//)) {
				at = substr(line, RSTART, RLENGTH)
				kept = kept substr(line, 1, RSTART - 1)
				line = substr(line, RSTART + RLENGTH)
				if (at == "//") return kept
				if (at != "/*") { kept = kept at; continue }
				if (!(at = index(line, "*/"))) { in_comment = 1; return kept }
				line = substr(line, at + 2)
			}
			return kept line
		}
		{
			if (in_comment || index($0, "/")) $0 = bare($0)
			if ($0 ~ /[^ \t]/) { lines++; bytes += length($0) + 1 }
		}
		END {print lines, bytes}'
}

# Pointers to functions in the structs of engine/ of which a file of steps/ has a value of its own.
pointers() {
	local filled
	filled=$(sources steps/ | tr '\n' '\0' |
		xargs -0 -r grep -hoE '^(static )?const struct [a-z_]+ [a-z_0-9]+ = \{|&\(const struct [a-z_]+\)' |
		grep -oE 'struct [a-z_]+' | sort -u | cut -d ' ' -f 2 | tr '\n' ' ')
	sources engine/ | grep '\.h$' | tr '\n' '\0' | xargs -0 -r awk -v filled=" $filled" '
		/^struct [a-z_]+ \{/ {is_filled = index(filled, " " $2 " ") > 0}
		/^\}/ {is_filled = 0}
		is_filled && /\(\*[a-z_]+\)\(/ {count++}
		END {print count + 0}'
}

# Mechanisms that match feedback with what it is of: each has a struct of what it holds.
joins() {
	local name found=0
	for name in outcome_join exposure_join kept_answers wanted_answers unit_join drift_settling; do
		! sources engine/ steps/ | tr '\n' '\0' | xargs -0 -r grep -lqE "^struct $name \{" || found=$((found + 1))
	done
	echo $found
}

# Files that write or read Avro by hand, but for those on the path of a message. By rows all have one codec.
codecs() {
	sources engine/ steps/ | tr '\n' '\0' | xargs -0 -r grep -lE '\<(avro_put|avro_take|take_avro|avro_cursor|avro_next)_?[a-z]*\(' |
		grep -vE '/(avro|mapped|stage_link|simulation_)[a-z_]*\.[ch]$' |
		grep -vcE '/(slice|record_form|exposure|answer_exposures)\.[ch]$'
}

# Where a client of Kafka is opened; where a thread begins.
places() { # $1 pattern of the call, $2 files that define it
	sources engine/ | grep '\.c$' | grep -vE "$2" | tr '\n' '\0' | xargs -0 -r grep -hE "$1" |
		grep -cvE '^(static )?[a-z_]+ \**[a-z_]*(open|begin)\('
}

measured() { # $1 name; the numbers that a measurement left, or one - for each of $2
	cat "build/count/$1" 2>/dev/null || printf -- '- %.0s' $(seq "$2")
}

# Files of the folder that has most.
fullest() {
	sources engine/ steps/ | sed 's:/[^/]*$::' | sort | uniq -c | sort -rn | awk 'NR == 1 {print $1}'
}

words() { wc -w <"$1"; }

# The files whose subject is an exposure, feedback, their join, a learner, a tally of truths, or a service of these; by their names.
# Commands, the gateway and the control plane read outcomes, and are not counted.
outcome_files() { # $1 folder
	local subjects='exposure|feedback|outcome|unit_join|joined_metrics|join_keys|kept_answers|wanted_answers|answer_recovery'
	subjects+='|answer_queue|learner|truth_|truths|arrival_|recent_ids|policy_follow|settling|lead_begin|lead_parts|lead_records|join_windows|judged_answer|tally_reader'
	sources "$1" | grep -E "/[a-z_]*($subjects)[a-z_]*\.[ch]$" |
		grep -vE '/(cli|client|gateway|control|serving|plan|tools|models|calls)/|settlement'
}
alert_files() { # $1 folder
	sources "$1" |
		grep -E '/[a-z_]*(alert|notice|notifier|told_receivers|receiver_|judged_groups|figure_window)[a-z_]*\.[ch]$'
}

printf '%-74s %18s %18s\n' count now 'at most'
read -r code_lines code_bytes < <(sources engine/ steps/ | code)
row "code shipped: engine/ and steps/, without blank and comment lines" "$code_lines" 224000
row "the same in bytes" "$code_bytes" 9300000
row "all lines of *.[ch] there" "$(sources engine/ steps/ | lines)" 275000
row "all C, tests and laboratory included" "$(sources '' | lines)" 470000
row "files there" "$(sources engine/ steps/ | wc -l)" 1900
row "rooms in engine/; files in the fullest folder" \
	"$(sources engine/ | awk -F/ 'NF > 2 {print $2}' | sort -u | wc -l) $(fullest)" "16 60"
row "function pointers in structs that steps/ fills" "$(pointers)" 25
row "joins of exposures and feedback; files with Avro by hand beside the hot path" "$(joins) $(codecs)" "1 0"
row "places that open a Kafka client; kinds of threads" \
	"$(places '\<client_open\(' '/client\.c$') $(places '\<(pthread_create|service_thread_begin)\(' '/service_thread\.c$')" "12 18"
row "30 pipelines that learn, idle: threads; share of a core in %; memory in MiB" "$(measured idle 3)" "70 5 60"
row "words in CHANGELOG; engine/README.md" "$(words CHANGELOG.md) $(words engine/README.md)" "4000 1500"
row "make check, 2 cores, quiet, in minutes; make test after one edit in seconds" "$(measured check 1) $(measured test 1)" "25 60"
echo
row "lines of outcomes: exposures, feedback, joins, learner, tally; their tests" \
	"$(outcome_files engine/ | cat - <(outcome_files steps/) | lines) $(outcome_files tests/unit/ | lines)" "6000 4500"
row "lines of alerts; of their tests" "$(alert_files engine/ | lines) $(alert_files tests/unit/ | lines)" "6000 9999"
[ -z "$list" ] || { outcome_files engine/ && outcome_files steps/ && alert_files engine/; } | tr '\n' '\0' | xargs -0 wc -l
[ $above -eq 0 ]
