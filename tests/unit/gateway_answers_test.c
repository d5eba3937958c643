/* gateway_answers_test.c: Tests of what answers of a gateway contain beside their bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/call_outcome.h"
#include "gateway/grpc_outcome.h"
#include "message/reply.h"

/* ---- ids ---- */

static void id_count(void *context, struct text name, struct text value)
{
	size_t *bytes = context;
	if (text_is(name, REPLY_ID_HEADER))
		*bytes += value.length;
}

static size_t metadata_id_bytes(struct text id)
{
	size_t bytes = 0;
	const struct call_outcome outcome = {.end = CALL_ANSWERED, .status = 200, .id = id};
	const struct outcome_notes notes = {id_count, &bytes};
	grpc_outcome_note(&outcome, &notes);
	return bytes;
}

static void an_id_that_is_longer_than_the_header_may_be_is_not_in_headers(void **state)
{
	static char bytes[70000];
	const struct text most = {bytes, CALL_ID_BYTES_MAX}, longer = {bytes, CALL_ID_BYTES_MAX + 1}, huge = {bytes, sizeof bytes};
	(void)state;
	memset(bytes, 'i', sizeof bytes);
	assert_int_equal(metadata_id_bytes(most), most.length);
	assert_int_equal(metadata_id_bytes(longer), 0);
	assert_int_equal(metadata_id_bytes(huge), 0);
	assert_true(call_id_is_header(most));
	assert_false(call_id_is_header(longer));
	assert_false(call_id_is_header((struct text){0}));
	assert_false(call_id_is_header(TEXT("two\r\nlines")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_that_is_longer_than_the_header_may_be_is_not_in_headers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
