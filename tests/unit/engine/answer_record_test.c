/* answer_record_test.c: Tests of the headers of an answer's record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/graphs.h"
#include "message/records/answer_tensors.h"
#include "engine/outputs/answer_record.h"

/* Empty: the record has no header with the names of its tensors. */
static struct text tensors_header(const struct format *format, const struct answer *answer, struct arena *arena)
{
	static struct answer_headers headers;
	const struct message message = {.arena = arena, .id = TEXT("r1"), .payload_id = TEXT("r1"), .format = format};
	struct headers all;
	struct error error = {0};
	headers = (struct answer_headers){0};
	assert_true(answer_headers_write(&message, answer, format, &headers, &all, &error));
	const struct header *header = headers_find(all, TEXT(ANSWER_TENSORS_HEADER));
	return header ? header->value : (struct text){0};
}

static void the_record_of_a_form_without_names_has_them_as_a_header(void **state)
{
	struct arena *arena = arena_open((size_t)1 << 20);
	const struct answer answer = {.payload = payload_made(arena, "y=3 z=[2]1,2,3,4")};
	const struct text wanted = TEXT("[{\"name\":\"y\",\"shape\":[1]},{\"name\":\"z\",\"shape\":[2,2]}]");
	struct error wrong = {.kind = ERROR_INPUT};
	const struct answer failed = {.error = &wrong};
	(void)state;
	assert_true(text_equal(tensors_header(&format_v1, &answer, arena), wanted));
	assert_true(text_equal(tensors_header(&format_seldon, &answer, arena), wanted));
	assert_true(text_equal(tensors_header(&format_seldon_protobuf, &answer, arena), wanted));
	assert_int_equal(tensors_header(&format_oip_json, &answer, arena).length, 0);
	assert_int_equal(tensors_header(&format_avro, &answer, arena).length, 0);
	assert_int_equal(tensors_header(&format_seldon, &failed, arena).length, 0);
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_record_of_a_form_without_names_has_them_as_a_header),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
