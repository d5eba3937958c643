#!/bin/bash
# What the printed completions do in the shells themselves: shells.sh SLUICE
set -u
sluice=$(realpath "$1")
passed=0 failed=0 skipped=0

expect() { # $1 what, $2 what it must be, $3 what it is
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "shells: $1 gives \`$3\`, not \`$2\`"
	fi
}

# What bash offers for the last of the words.
offered() {
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_sluice
	echo "${COMPREPLY[*]}"
}
eval "$("$sluice" completion bash)"
expect "sluice comple<TAB>" "completion" "$(offered sluice comple)"
expect "sluice completion <TAB>" "bash zsh fish names" "$(offered sluice completion "")"
expect "sluice help fun<TAB>" "functions" "$(offered sluice help fun)"
expect "sluice help --format m<TAB>" "markdown man" "$(offered sluice help --format m)"
expect "sluice help --f<TAB>" "--format" "$(offered sluice help --f)"
expect "sluice help -o t<TAB>" "text" "$(offered sluice help -o t)"

# Names are those of files, and no shell runs what stands in one.
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cat >"$here/good.yaml" <<'YAML'
{apiVersion: mlops.seldon.io/v1alpha1, kind: Pipeline, metadata: {name: shop}, spec: {steps: [{name: tidy, filter: {keep: x > 1}}]}}
YAML
cat >"$here/hostile.yaml" <<'YAML'
{apiVersion: mlops.seldon.io/v1alpha1, kind: Pipeline, metadata: {name: '$(touch owned)'}, spec: {steps: [{name: '`touch owned`', filter: {keep: x > 1}}]}}
YAML
cd "$here" || exit 1
expect "sluice infer <TAB>" "shop" "$(offered "$sluice" infer "")"
expect "sluice describe pipeline/s<TAB>" "pipeline/shop" "$(offered "$sluice" describe pipeline/s)"
expect "sluice errors list --step t<TAB>" "tidy" "$(offered "$sluice" errors list --step t)"
expect "sluice infer -f hostile.yaml <TAB>" "" "$(offered "$sluice" infer -f hostile.yaml "")"
expect "sluice errors list -f hostile.yaml --step <TAB>" "" "$(offered "$sluice" errors list -f hostile.yaml --step "")"
expect "sluice infer -f not-there.yaml <TAB>" "" "$(offered "$sluice" infer -f not-there.yaml "")"
expect "files that a name made" "" "$(ls owned 2>/dev/null)"
cd "$OLDPWD" || exit 1

syntax() { # $1 shell, $2 its option for reading without doing
	if ! command -v "$1" >/dev/null; then
		skipped=$((skipped + 1))
		echo "skipped: completion read by $1: $1 is not installed"
		return
	fi
	expect "reading by $1" "0" "$("$sluice" completion "$1" >"$file"; "$1" "$2" "$file" >&2; echo $?)"
}
file=$here/script
syntax zsh -n
syntax fish --no-execute
# What an interactive zsh puts behind the words when the tabulator is pressed, once that is there.
typed_in_zsh() { # $1 words, $2 what is to come
	(cd "$here" && PATH=$(dirname "$sluice"):$PATH zsh -f -c '
		zmodload zsh/zpty
		seen=
		until_seen() {
			local more tries
			for tries in {1..100}; do
				while zpty -r -t shell more; do seen+=$more; done
				[[ $seen == *$1* ]] && return
				sleep 0.1
			done
		}
		zpty -b shell zsh -f -i
		zpty -w shell "PS1=; fpath=($PWD/functions \$fpath); autoload -Uz compinit; compinit -u -D; echo rea\"\"dy"
		until_seen ready
		seen=
		zpty -w -n shell "$1"$'"'\\t'"'
		until_seen "$2"
		zpty -d shell
		[[ $seen == *$2* ]] && print -r -- "$2"' zsh "$1" "$2")
}
if command -v zsh >/dev/null; then
	mkdir "$here/functions"
	"$sluice" completion zsh >"$here/functions/_sluice"
	expect "sluice comple<TAB> in zsh" "sluice completion" "$(typed_in_zsh "sluice comple" "sluice completion")"
	expect "sluice errors list --step t<TAB> in zsh" "--step tidy" "$(typed_in_zsh "sluice errors list --step t" "--step tidy")"
fi
if command -v fish >/dev/null; then
	"$sluice" completion fish >"$file"
	asked() { (cd "$here" && fish --no-config -c "source '$file'; complete -C '$1'" | cut -f1 | tr '\n' ' '); }
	expect "sluice infer <TAB> in fish" "shop " "$(PATH=$(dirname "$sluice"):$PATH asked "sluice infer ")"
	expect "sluice errors list --step t<TAB> in fish" "tidy " "$(PATH=$(dirname "$sluice"):$PATH asked "sluice errors list --step t")"
fi
echo "$passed passed, $failed failed$([ $skipped -eq 0 ] || echo ", $skipped skipped")"
[ $failed -eq 0 ]
