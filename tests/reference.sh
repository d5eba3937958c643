#!/bin/bash
# Every file of tests/reference lints clean as it is: reference.sh SLUICE
# Fragments are a resource's spec alone, so their kind is told.
set -u
sluice=$1
passed=0 failed=0
for file in tests/reference/*.yaml; do
	kind=
	case ${file##*/} in
	sdep-*-fragment.yaml) kind=SeldonDeployment ;;
	fragment-health-checks.yaml) kind=HealthChecks ;;
	fragment-performance.yaml) kind=Performance ;;
	fragment-targets.yaml) kind=Targets ;;
	esac
	if said=$("$sluice" lint ${kind:+--kind "$kind"} "$file" 2>&1); then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf '%s\n' "$said" | head -12
	fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
