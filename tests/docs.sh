#!/bin/bash
# The reference pages of the repository, printed from the tables that the engine works
# by, and its pictures (pictures.py): `docs.sh write SLUICE` prints them again, `docs.sh
# check SLUICE` says which are stale.
set -u
cd "$(dirname "$0")/.." || exit 2
sluice=$2

# file, and what `sluice help` is asked
pages="
steps/README.md steps
engine/cli/README.md commands
engine/step/README.md expressions
engine/spec/README.md resources
engine/spec/FAULTS.md faults
engine/spec/KAFKA_SETTINGS.md kafka-settings
engine/message/README.md formats
engine/message/DATATYPES.md datatypes
engine/message/FAILURES.md failures
engine/serving/README.md stubs
engine/observe/README.md metrics
engine/alerts/README.md alerts
"

page() {
	echo "<!-- Printed by make docs; what is changed here by hand is lost. -->"
	"$sluice" help -o markdown topics "$1"
}

passed=0 failed=0
while read -r file topic; do
	[ -n "$file" ] || continue
	if [ "$1" = write ]; then
		page "$topic" >"$file"
	elif page "$topic" | cmp -s - "$file"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "docs: $file is stale; make docs prints it again"
		page "$topic" | diff -u "$file" - | head -20
	fi
done <<<"$pages"
if drawn=$(tests/pictures.py "$1" "$sluice"); then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
	echo "$drawn"
fi
[ "$1" = write ] || echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
