#!/bin/bash
# Files go along with documents, on a real Kafka: a pipeline with a local model and a fitted table is applied from one folder,
# and an engine elsewhere, with an empty folder, answers. A changed file is a new version. An engine that was killed answers
# again. A file whose digest lies leaves the version before in force and is told; another apply mends it. gc drops what no
# kept version names. A file of 64 MiB goes along. An experiment calls a version of a Model that is not in force.
#   artifacts.sh SLUICE BUILD      with records and admin in BUILD
# Takes half a minute.
set -u
what=artifacts
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"

start_broker brisk
export SLUICE_BROKERS=$brokers SLUICE_SETTINGS='' SLUICE_AUTHOR=tester SLUICE_NAMESPACE=files
topic=sluice.files.artifacts
mkdir -p "$dir/author/models" "$dir/elsewhere" "$dir/second"
cache=$dir/elsewhere/state/artifacts/files

start_follower() { # $1 instance, $2 folder; its pid into $started
	(cd "$dir/$2" && exec "$sluice" run --control -n files --instance "$1" --state state) >>"$dir/$1.log" 2>&1 &
	ours $!
}
end_of_test() {
	cat "$dir"/one.log "$dir"/two.log >"$dir/engine.log" 2>/dev/null
}
model() { # $1 intercept
	echo "{\"format\": \"sluice_linear/1\", \"kind\": \"identity\", \"coef\": [[1.0, 0.0]], \"intercept\": [$1]}" >"$dir/author/models/score.json"
}
runs_version() { # $1 version, $2 engine
	"$sluice" describe pipeline/score -o json >"$dir/describe.json" 2>"$dir/describe.log" &&
		grep -q "\"engine\": \"$2\", \"live\": true, \"version\": $1, \"ready\": true" "$dir/describe.json"
}
apply() { # from the folder of the author; $@ more arguments; its status
	(cd "$dir/author" && "$sluice" apply -f pipeline.yaml "$@") >"$dir/apply.log" 2>&1
}
answers() { # $1 what, $2 the answer
	"$sluice" infer score -f "$dir/request.json" --timeout $((20 * patience))s >"$dir/answer.txt" 2>&1
	expect "status of $1" $? "-eq 0"
	expect_words "$1" "$dir/answer.txt" "$2"
}
engine_says() { # $1 words of the condition of the engine itself
	"$sluice" describe pipeline/score >"$dir/conditions.txt" 2>&1
	grep -q "the engine itself .*$1" "$dir/conditions.txt"
}
log_has() { # $1 instance, $2 words
	grep -q "$2" "$dir/$1.log"
}

model 10
cat >"$dir/author/scale.json" <<'END'
{"format": "sluice_preprocess/1", "operations": [{"scale": {"tensor": "x", "center": [100.0, 6.0], "scale": [2.0, 0.5]}}]}
END
cat >"$dir/author/pipeline.yaml" <<'END'
apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: score}
spec:
  steps:
  - name: scaled
    preprocess: [fitted: scale.json]
  - name: linear
    inputs: [scaled]
    model: {local: models/score.json}
  output: {steps: [linear]}
END
echo '{"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [104, 8]}]}' >"$dir/request.json"

# ---- from one folder to another ----

start_follower one elsewhere
one=$started
wait_until 20 log_has one "is now the keeper" || give_up "no keeper"
apply --dry-run
expect "status of apply --dry-run" $? "-eq 0"
expect_words "apply --dry-run names the model" "$dir/apply.log" "^file models/score.json sent \([0-9]+ bytes, sha256:[0-9a-f]{12}\)"
expect_words "apply --dry-run names the table" "$dir/apply.log" "^file scale.json sent \([0-9]+ bytes"
expect "records of a dry run" "$("$build/records" count "$brokers" $topic)" "-eq 0"
apply
expect "status of apply" $? "-eq 0"
expect "records of two small files" "$("$build/records" count "$brokers" $topic)" "-eq 2"
wait_until 20 runs_version 1 one || give_up "the engine does not run what was applied"
answers "an answer by files that came along" "\[12\.0\]"
expect "files of the engine" "$(find "$cache" -type f | wc -l)" "-eq 2"
"$sluice" describe pipeline/score >"$dir/describe.log" 2>&1
sum=$(sha256sum "$dir/author/models/score.json")
expect_words "describe lists the file" "$dir/describe.log" "^models/score.json +[0-9]+ +${sum%% *}"
apply
expect_words "the same again is no new version" "$dir/apply.log" "^Pipeline/score unchanged"
expect "records after it" "$("$build/records" count "$brokers" $topic)" "-eq 2"

# ---- a file that changed; an engine that is killed; an engine that starts anew ----

model 20
apply
expect_words "a changed file is a new version" "$dir/apply.log" "^Pipeline/score version 2 accepted"
expect_words "apply says what it sends" "$dir/apply.log" "^file models/score.json sent"
expect "files that apply sends, although one has not changed" "$(grep -c " sent" "$dir/apply.log")" "-eq 1"
wait_until 20 runs_version 2 one || give_up "the engine does not run the version with the changed file"
answers "an answer by the changed file" "\[22\.0\]"
kill_at_once "$one"
start_follower one elsewhere
one=$started
wait_until 20 runs_version 2 one || give_up "the engine does not run again"
answers "an answer of the engine after kill -9" "\[22\.0\]"

# ---- a digest that lies ----

model 10
lied=$(sha256sum "$dir/author/models/score.json" | cut -d' ' -f1)
"$build/records" dump "$brokers" $topic "$lied/0" |
	python3 -c 'import base64, json, sys
line = json.loads(sys.stdin.readline())
value = base64.b64decode(line["value"]).replace(b"[10]", b"[66]")
line["value"] = base64.b64encode(value).decode()
print(json.dumps(line))' | "$build/records" load "$brokers" $topic
rm "$cache/$lied"
"$sluice" rollback pipeline/score --to 1 >"$dir/rollback.log" 2>&1
expect "status of rollback" $? "-eq 0"
wait_until 15 engine_says "$topic has of it is another file: its bytes do not have the SHA-256 $lied"
expect "status of waiting for the engine's condition" $? "-eq 0"
expect_words "the condition names the file and its document, since when" "$dir/conditions.txt" \
	"the engine itself +Waiting +20[-0-9T:]+Z +a change is not prepared.*Pipeline/score@3 names the file models/score.json"
expect_words "what runs is ready" "$dir/conditions.txt" "^one +2 +Ready"
answers "an answer while the version before is in force" "\[22\.0\]"
expect "files of the engine that have that digest" "$(find "$cache" -name "$lied*" | wc -l)" "-eq 0"
apply
expect "status of the apply that mends it" $? "-eq 0"
expect_words "it sends the file again" "$dir/apply.log" "^file models/score.json sent"
wait_until 20 runs_version 3 one || give_up "the engine does not run the version that was mended"
answers "an answer by the file that was mended" "\[12\.0\]"

# ---- the largest file, and one that is larger ----

truncate -s 64M "$dir/author/models/score.json"
(cd "$dir/author" && "$sluice" apply -f pipeline.yaml --timeout $((20 * patience))s) >"$dir/apply.log" 2>&1
expect_words "a file of 64 MiB is sent" "$dir/apply.log" "^file models/score.json sent \(67108864 bytes"
expect "records of it" "$("$build/records" count "$brokers" $topic)" "-ge 131"
wait_until 20 log_has one "is no model that can run here" || give_up "the engine does not read the file of 64 MiB"
truncate -s 67108865 "$dir/author/models/score.json"
apply
expect "status of apply with a larger one" $? "-eq 1"
expect_words "its words" "$dir/apply.log" "pipeline.yaml:10:[0-9]+: models/score.json has more than 64 MiB, .* https: or s3: address"

# ---- another engine; gc ----

start_follower two second
two=$started
wait_until 20 runs_version 3 two || give_up "a second engine does not run"
"$sluice" gc --keep 1 >"$dir/gc.log" 2>&1
expect "status of gc" $? "-eq 0"
expect_words "gc leaves what was sent just now" "$dir/gc.log" "^0 files removed, [0-9]+ kept"
model 20
unused=$(sha256sum "$dir/author/models/score.json" | cut -d' ' -f1)
"$sluice" gc --keep 1 --file-age 1s >"$dir/gc.log" 2>&1
expect_words "gc drops what no kept version names" "$dir/gc.log" "^[12] files? removed, [23] kept"
expect "values of the file that no kept version names" \
	"$("$build/records" dump "$brokers" $topic "$unused/0" | tail -n 1 | grep -c '"value":null')" "-eq 1"
expect "values of the file in force" \
	"$("$build/records" dump "$brokers" $topic "$lied/0" | tail -n 1 | grep -c '"value":null')" "-eq 0"
answers "an answer after gc" "\[12\.0\]"

# ---- a version of a Model, which an experiment names ----

start_server() { # $1 the factor by which its Model `m` multiplies; its URL into $url
	cat >"$dir/server-$1.yaml" <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Model
		metadata: {name: m}
		spec: {storageUri: "stub://expression?y=$1*x"}
	END
	start_model "$dir/server-$1.yaml"
}
apply_model() { # $1 where it is served
	cat >"$dir/model.yaml" <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Model
		metadata: {name: m}
		spec: {storageUri: "$1"}
	END
	"$sluice" apply -f "$dir/model.yaml" >"$dir/apply.log" 2>&1 || give_up "the Model is refused"
}
apply_experiment() { # $1 the version of the Model that gets all requests; status of apply
	cat >"$dir/experiment.yaml" <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Experiment
		metadata: {name: former}
		spec:
		  candidates: [{name: m, weight: 0}, {name: m@$1, weight: 1}]
	END
	"$sluice" apply -f "$dir/experiment.yaml" >"$dir/apply.log" 2>&1
}
multiplies() { # $1 who is asked, $2 the factor
	echo '{"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [10]}]}' |
		"$sluice" infer "$1" -f - --timeout $((20 * patience))s 2>&1 | grep -q "\[${2}0.0\]"
}

start_server 3
apply_model "$url"
wait_until 20 multiplies m 3 || give_up "the first version of the Model does not answer"
start_server 5
apply_model "$url"
wait_until 20 multiplies m 5 || give_up "the second version of the Model does not answer"
apply_experiment 9
expect "status of apply with a version that is not there" $? "-eq 1"
expect_words "its words" "$dir/apply.log" \
	"experiment.yaml:5:[0-9]+: .*the Model .m. has no version 9 that was in force; it has 2, 1: name one of these"
apply_experiment 1
expect "status of apply with a version" $? "-eq 0"
wait_until 20 multiplies former 3
expect "status of waiting for an answer of the first version" $? "-eq 0"
multiplies m 5
expect "whether the version in force answers beside it" $? "-eq 0"
apply_model "$url?again"
apply_model "$url"
"$sluice" wait model/m --timeout 30s >"$dir/wait.log" 2>&1 # until then the one before is in force, which is kept
"$sluice" gc --keep 1 >"$dir/gc.log" 2>&1
"$sluice" history model/m >"$dir/history.txt" 2>&1
expect "kept versions of the Model: the one in force, and the one that is named" "$(grep -cE "^ *(1|4) " "$dir/history.txt")" "-eq 2"
expect "versions that gc dropped" "$(grep -cE "^ *(2|3) " "$dir/history.txt")" "-eq 0"
kill_at_once "$one"
start_follower one elsewhere
one=$started
stop_engine files "$two"
wait_until 20 multiplies former 3
expect "status of waiting for an answer of the first version, by an engine that starts anew" $? "-eq 0"
"$sluice" delete model/m >"$dir/delete.log" 2>&1
expect "status of deleting the Model" $? "-eq 1"
expect_words "its words" "$dir/delete.log" "the experiment needs .m@1., which is to be deleted"

stop_engine files "$one"
tell_result
