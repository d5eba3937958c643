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
engine/tools/cli/README.md commands
engine/compiler/expression/README.md expressions
engine/compiler/resources/README.md resources
engine/compiler/yaml/FAULTS.md faults
engine/compiler/resources/KAFKA_SETTINGS.md kafka-settings
engine/message/formats/README.md formats
engine/message/DATATYPES.md datatypes
engine/message/records/FAILURES.md failures
engine/models/server/README.md stubs
engine/observe/METRICS.md metrics
engine/monitor/alerts/README.md alerts
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
