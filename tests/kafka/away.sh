#!/bin/bash
# A model is away for minutes while a backlog waits that no caller waits for: nothing
# becomes a dead letter, and when the model is there all of it is answered, once.
#   away.sh SLUICE BUILD [SECONDS]      with requests in BUILD
# SECONDS (or AWAY_SECONDS) is how long the model is away (300), COUNT how many requests wait (100,000).
set -u
what=away
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
seconds=${3:-${AWAY_SECONDS:-300}} count=${COUNT:-100000}
quiet_s=60 # the longest back-off of a model that has been away is within it

start_broker
topics away away-answers
start_model # to learn a free address; it goes before anything calls it
kill_at_once "$model"
start_engine call away away exactly-once one
engine=$started
engine_runs away
send away "$count" 0
sent
echo "away: $count requests wait, and the model stays away for $seconds s"
sleep "$seconds"
expect "the engine lives" "$(kill -0 "$engine" && echo 1)" "-eq 1"
"$sluice" errors list call -n away --brokers "$brokers" -o json >"$dir/letters.json" 2>"$dir/letters.log" ||
	give_up "the dead letters cannot be listed: $(cat "$dir/letters.log")"
expect "dead letters while the model is away" "$(grep -c '"kind"' "$dir/letters.json")" "-eq 0"
start_model "$here/models.yaml" --port "${url##*:}"
check_answers away "$count" "uncommitted: silence_ms:"
stop_engine away "$engine"
tell_result
