#!/bin/bash
# Shows which unit test programs run-unit.sh runs after an edit, in a small tree of its own: two programs, `one` and
# `two`, which reach `one.c` and `two.c`; both are linked with `both.c`, and `one` reads a file.
set -eu
from=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{engine/a,tests/unit/a,tests/data,build/gen,build/unit}
cp "$from/reach.py" "$from/run-unit.sh" "$tree/tests"
cd "$tree"
echo '# nothing' >Makefile
echo '1' >tests/data/file
echo '#define ONE 1' >engine/a/one.h
echo 'int one(void); extern int both; int one(void) { return both; }' | cat <(echo '#include "one.h"') - >engine/a/one.c
echo 'int two(void); extern int both; int two(void) { return both; }' >engine/a/two.c
echo 'int both = 1;' >engine/a/both.c
echo 'int schemas = 1;' >build/gen/schemas.c
program() { # $1 name, $2 what it calls, $3 a text in it
	cat <<-END >"tests/unit/a/$1_test.c"
		#include <stdio.h>
		#include <stdlib.h>
		int $2(void);
		int main(void) {
			const char *bad = getenv("BAD_RUNS"), *text = "$3";
			FILE *ran = fopen("ran", "a");
			fputs("$1\n", ran);
			fclose(ran);
			puts($2() == 1 && *text && !bad ? "[       OK ] it" : "[  FAILED  ] it");
			return $2() != 1 || bad;
		}
	END
}
program one one tests/data/file
program two two none
build() {
	local source objects=()
	rm -rf build/obj
	for source in engine/a/*.c build/gen/schemas.c tests/unit/a/*.c; do
		mkdir -p "build/obj/${source%/*}"
		${CC:-gcc} -g -fPIC -c -o "build/obj/${source%.c}.o" "$source"
		[[ $source == tests/* ]] || objects+=("build/obj/${source%.c}.o")
	done
	${CC:-gcc} -shared -o build/libsluice.so "${objects[@]}"
	for source in tests/unit/a/*_test.c; do
		${CC:-gcc} -o "build/unit/$(basename "$source" .c)" "build/obj/${source%.c}.o" build/libsluice.so
	done
}

failed=0
runs() { # $1 what was done, $2 the programs that must be run: their names, sorted
	local ran
	build
	: >ran
	tests/run-unit.sh build/unit/one_test build/unit/two_test >out 2>&1 || true
	ran=$(sort ran | tr '\n' ' ')
	[ "${ran% }" = "$2" ] || { echo "reach: after $1 these are run: ${ran% }; they should be: $2" >&2; failed=1; }
}

runs "the first build" "one two"
runs "nothing" ""
grep -q '^0 programs are run, 2 left out' out || { echo "reach: what is left out is not told" >&2; failed=1; }
sed -i 's/return/int unused = ONE; (void)unused; return/' engine/a/one.c
runs "an edit of a file" "one"
echo '#define ONE 2' >engine/a/one.h
runs "an edit of a header" "one"
sed -i '1i/* A comment. */' engine/a/two.c
runs "a comment" ""
sed -i 's/int both/long other = 2; int both/' engine/a/both.c
runs "an edit of what both reach" "one two"
sed -i 's/1;/2;/' build/gen/schemas.c
runs "an edit of a generated file that none reaches" ""
echo '22' >tests/data/file
runs "an edit of a test's data" "one"
rm tests/data/file
runs "the end of a test's data" "one"
program two two another
runs "an edit of a test" "two"
echo '# other' >Makefile
runs "an edit of the Makefile" "one two"
sed -i 's/both = 1/both = 3/' engine/a/both.c
runs "an edit that makes them fail" "one two"
grep -q '^0 passed, 2 failed$' out || { echo "reach: failures are not counted" >&2; failed=1; }
runs "a failure" "one two"
sed -i 's/both = 3/both = 1/' engine/a/both.c
runs "the repair of what had passed before" "one two"
runs "success" ""
BAD_RUNS=1 runs "a change of the environment" "one two"
runs "that change undone" "one two"
mv engine/a/one.c engine/a/first.c
runs "a file that is deleted, its function elsewhere" "one"
TEST=it runs "the choice of one function" ""
echo broken >build/unit/passed
runs "a broken record" "one two"
ALL=1 runs "nothing, with ALL=1" "one two"
[ $failed -eq 0 ] && echo "reach: each edit runs what it reaches"
exit $failed
