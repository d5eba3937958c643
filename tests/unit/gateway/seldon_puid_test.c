/* seldon_puid_test.c: The id of a request as the puid of a SeldonMessage, of JSON and of protobuf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/calls/seldon_puid.h"
#include "message/formats/protobuf_wire.h"

#define BYTES_MAX ((size_t)1024)
#define DATA ",\"data\":{\"names\":[],\"ndarray\":[[1.5]]}}"

/* `wanted` NULL: it is left as it is. */
static void expect_json(const char *message, const char *wanted)
{
	struct arena *arena = arena_open(BYTES_MAX);
	struct buffer out;
	buffer_open(&out, BYTES_MAX);
	const bool is_written = seldon_puid_write(text_of(message), TEXT("r\"1"), arena, &out);
	assert_int_equal(is_written, wanted != NULL);
	buffer_byte(&out, '\0');
	assert_string_equal(out.bytes, wanted ? wanted : "");
	buffer_close(&out);
	arena_close(arena);
}

static void an_answer_gets_the_id_as_its_puid(void **state)
{
	(void)state;
	expect_json("{\"meta\":{}" DATA, "{\"meta\":{\"puid\":\"r\\\"1\"}" DATA);
	expect_json("{\"meta\": {\"tags\":{\"a\":1}}" DATA, "{\"meta\": {\"puid\":\"r\\\"1\",\"tags\":{\"a\":1}}" DATA);
	expect_json("{\"strData\":\"x\",\"meta\":{}}", "{\"strData\":\"x\",\"meta\":{\"puid\":\"r\\\"1\"}}");
}

static void an_answer_keeps_its_own_puid(void **state)
{
	(void)state;
	expect_json("{\"meta\":{\"puid\":\"p-7\"}" DATA, NULL);
	expect_json("{\"meta\":{\"tags\":{},\"puid\":\"p-7\"}" DATA, NULL);
}

static void what_has_no_meta_is_left(void **state)
{
	(void)state;
	expect_json("{\"strData\":\"x\"}", NULL);
	expect_json("{\"meta\":null}", NULL);
	expect_json("{\"meta\":{\"tags\":", NULL);
	expect_json("[1]", NULL);
	expect_json("", NULL);
}

static void a_message_of_protobuf_gets_it_too(void **state)
{
	(void)state;
	struct buffer message, out;
	buffer_open(&message, BYTES_MAX);
	buffer_open(&out, BYTES_MAX);
	protobuf_write_text(&message, 5, TEXT("strData"));
	assert_true(seldon_puid_encode(buffer_view(&message), TEXT("r-1"), &out));
	assert_memory_equal(out.bytes, message.bytes, message.length);
	const struct text meta = protobuf_read_text(buffer_view(&out), 2), puid = protobuf_read_text(meta, 1);
	assert_true(text_is(puid, "r-1"));
	buffer_clear(&message);
	assert_false(seldon_puid_encode(buffer_view(&out), TEXT("r-2"), &message));
	assert_int_equal(message.length, 0);
	buffer_close(&message);
	buffer_close(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_gets_the_id_as_its_puid),
		cmocka_unit_test(an_answer_keeps_its_own_puid),
		cmocka_unit_test(what_has_no_meta_is_left),
		cmocka_unit_test(a_message_of_protobuf_gets_it_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
