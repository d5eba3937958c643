/* eval_test.c: `sluice eval` as its user sees it. */
#include "tests/unit/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define REQUEST " -f tests/data/expressions/request.json"

static void says(const char *line, int code, const char *out, const char *err)
{
	struct said said = say(line);
	if (said.code != code || strcmp(said.out, out) != 0 || !strstr(said.err, err))
		fail_msg("`sluice %s` ended with %d and said `%s` and `%s`", line, said.code, said.out, said.err);
	said_close(&said);
}

static void a_value_comes_with_its_datatype_and_shape(void **state)
{
	(void)state;
	says("eval x*0.5" REQUEST, EXIT_GOOD, "FP32[1,3]  [[0.5,1.0,2.0]]\n", "");
	says("eval params.level+1" REQUEST, EXIT_GOOD, "INT64[]  4\n", "");
	says("eval id" REQUEST, EXIT_GOOD, "BYTES[]  \"q1\"\n", "");
	says("eval nan", EXIT_GOOD, "FP64[]  \"NaN\"\n", "");
	says("eval key+header(\"x-user\") --key K --header X-User=ann", EXIT_GOOD, "BYTES[]  \"Kann\"\n", "");
}

static void json_is_one_object(void **state)
{
	(void)state;
	says("eval -o json s" REQUEST, EXIT_GOOD, "{\"datatype\": \"BYTES\", \"shape\": [2], \"data\": [\"buy\",\"sell\"]}\n", "");
	says("eval -o json 18446744073709551615", EXIT_GOOD,
	     "{\"datatype\": \"UINT64\", \"shape\": [], \"data\": [18446744073709551615]}\n", "");
}

static void what_is_wrong_is_shown_with_a_caret(void **state)
{
	(void)state;
	says("eval 1+x-0.3" REQUEST, EXIT_FAULTS, "",
	     "expression:1:3: `x-0.3` is one name and no tensor is called that; write `x - 0.3`, or `x > 0.3`\n"
	     "    1 | 1+x-0.3\n"
	     "      |   ^\n");
	says("eval x+s" REQUEST, EXIT_FAULTS, "", "these are FP32[1,3] and BYTES[2]");
	says("eval x[0,request.q]" REQUEST, EXIT_FAULTS, "", "expression:1:5: `request.q` is missing");
}

static void what_cannot_be_read_is_said(void **state)
{
	(void)state;
	says("eval", EXIT_MISUSE, "", "sluice eval");
	says("eval 1 -f tests/data/nothing.json", EXIT_MISUSE, "", "cannot be read");
	says("eval 1 --header nothing", EXIT_MISUSE, "", "--header takes NAME=VALUE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_comes_with_its_datatype_and_shape),
		cmocka_unit_test(json_is_one_object),
		cmocka_unit_test(what_is_wrong_is_shown_with_a_caret),
		cmocka_unit_test(what_cannot_be_read_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
