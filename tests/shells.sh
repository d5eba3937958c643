#!/bin/bash
# What the printed completions do in the shells themselves: shells.sh SLUICE
set -u
sluice=$1
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
expect "sluice completion <TAB>" "bash zsh fish" "$(offered sluice completion "")"
expect "sluice help --format m<TAB>" "markdown man" "$(offered sluice help --format m)"
expect "sluice help --f<TAB>" "--format" "$(offered sluice help --f)"
expect "sluice help -o t<TAB>" "text" "$(offered sluice help -o t)"

syntax() { # $1 shell, $2 its option for reading without doing
	if ! command -v "$1" >/dev/null; then
		skipped=$((skipped + 1))
		echo "skipped: completion read by $1: $1 is not installed"
		return
	fi
	expect "reading by $1" "0" "$("$sluice" completion "$1" >"$file"; "$1" "$2" "$file" >&2; echo $?)"
}
file=$(mktemp)
trap 'rm -f "$file"' EXIT
syntax zsh -n
syntax fish --no-execute
echo "$passed passed, $failed failed$([ $skipped -eq 0 ] || echo ", $skipped skipped")"
[ $failed -eq 0 ]
