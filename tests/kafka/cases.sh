#!/bin/bash
# The cases that hold in memory, through engines on a real Kafka: what comes must be the
# same. And a case that says something else must fail.
#   cases.sh SLUICE BUILD
# Takes about a minute.
set -u
what=cases
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
cases=$(dirname "$here")/cases

start_broker

mkdir "$dir/wrong"
cp -r "$cases/chain-three" "$dir/wrong"
sed -i 's/130\.0/131.0/' "$dir/wrong/chain-three/out.jsonl"
"$sluice" test --kafka "$brokers" "$dir/wrong" >"$dir/wrong.log" 2>&1
expect "the exit status of a case that says something else" $? "-eq 1"
expect_words "a case that says something else" "$dir/wrong.log" "FAILED .*chain-three"

"$sluice" test --kafka "$brokers" "$cases" "$cases-own" "$(dirname "$here")/steps" >"$dir/said.log" 2>"$dir/cases.log"
expect "the exit status of all cases" $? "-eq 0"
grep -v ' passed, ' "$dir/said.log"
read -r held broken left <<<"$(sed -nE '$s/[^0-9]+/ /gp' "$dir/said.log")"
echo "$((passed + held)) passed, $((failed + broken)) failed, ${left:-0} skipped"
[ $((failed + broken)) -eq 0 ]
