/* line_stream_test.c: what an engine says, as JSON. */
#include "cli/line_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static void each_line_is_an_object_with_its_time_when_it_has_ended(void **state)
{
	(void)state;
	char *said = NULL;
	size_t length = 0;
	struct error error = {0};
	FILE *to = open_memstream(&said, &length);
	FILE *lines = line_stream_open(to, &error);
	assert_non_null(lines);
	fprintf(lines, "model \"m\" is ");
	fflush(lines);
	assert_int_equal(length, 0);
	fprintf(lines, "away\nit is back");
	fclose(lines);
	fclose(to);
	static const char *const want[] = {"model \"m\" is away", "it is back"};
	size_t count = 0;
	for (char *rest = said, *line; (line = strsep(&rest, "\n")) && *line; count++) {
		json_t *value = json_loads(line, 0, NULL);
		assert_non_null(value);
		assert_true(count < 2);
		assert_string_equal(json_string_value(json_object_get(value, "message")), want[count]);
		assert_int_equal(strlen(json_string_value(json_object_get(value, "time"))), strlen("2026-01-31T23:59:59Z"));
		json_decref(value);
	}
	assert_int_equal(count, 2);
	free(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_is_an_object_with_its_time_when_it_has_ended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
