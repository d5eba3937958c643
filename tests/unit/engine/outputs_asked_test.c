/* outputs_asked_test.c: Outputs that a request asks for by name: as many as it has tensors, which costs no more than reading them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/exchange.h"

#define MANY 20000
#define MANY_BYTES ((size_t)4 << 20)

/* Tensors n0, n1, ... with their number as element; of every third one binary data is asked for, of the next one its JSON, and the
 * last ones are asked for first. `more` stands behind the last name. */
static void write_many(struct buffer *body, size_t count, const char *more)
{
	buffer_open(body, MANY_BYTES);
	for (size_t i = 0; i < count; i++)
		buffer_print(body, "%s{\"name\":\"n%zu\",\"datatype\":\"INT32\",\"shape\":[1],\"data\":[%zu]}",
			     i > 0 ? "," : "{\"inputs\":[", i, i);
	const char *before = "],\"outputs\":[";
	for (size_t i = count; i-- > 0;) {
		if (i % 3 == 2)
			continue;
		buffer_print(body, "%s{\"name\":\"n%zu\",\"parameters\":{\"binary_data\":%s}}", before, i,
			     i % 3 == 0 ? "true" : "false");
		before = ",";
	}
	buffer_print(body, "%s]}", more);
}

static void encode_many(struct exchange *exchange, size_t *length)
{
	const struct answer answer = {.payload = &exchange->message.payload, .header_length = length};
	buffer_clear(&exchange->out);
	if (!answer_encode(&exchange->message, &answer, NULL, NULL, &exchange->out, &exchange->error))
		fail_msg("%s", exchange->error.text);
}

static void many_outputs_are_selected_as_few_are(void **state)
{
	struct exchange *exchange = *state;
	static const size_t counts[] = {6, 12, 13, 100}; /* 4, 8, 9 and 67 outputs */
	for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
		struct buffer body, json;
		size_t length = 0, binary = 0;
		write_many(&body, counts[c], "");
		buffer_open(&json, MANY_BYTES);
		for (size_t i = 0; i < counts[c]; i++) {
			if (i % 3 == 2)
				continue;
			buffer_print(&json, "%s{\"name\":\"n%zu\",\"datatype\":\"INT32\",%s\"shape\":[1]",
				     i > 0 ? "," : "{\"model_name\":\"\",\"outputs\":[", i,
				     i % 3 == 0 ? "\"parameters\":{\"binary_data_size\":4}," : "");
			if (i % 3 == 1)
				buffer_print(&json, ",\"data\":[%zu]", i);
			buffer_byte(&json, '}');
			binary += i % 3 == 0;
		}
		buffer_string(&json, "]}");
		assert_non_null(exchange_sent(exchange, buffer_view(&body)));
		encode_many(exchange, &length);
		assert_int_equal(length, json.length);
		assert_memory_equal(exchange->out.bytes, json.bytes, length);
		assert_int_equal(exchange->out.length, length + 4 * binary);
		buffer_close(&body);
		buffer_close(&json);
	}
}

static void an_output_that_is_not_there_is_named_among_many(void **state)
{
	struct exchange *exchange = *state;
	struct buffer body;
	struct tensors selected;
	write_many(&body, 100, ",{\"name\":\"median\"},{\"name\":\"mode\"}");
	assert_non_null(exchange_sent(exchange, buffer_view(&body)));
	assert_false(answer_select_wanted(&exchange->message, &exchange->message.payload, &selected, &exchange->error));
	assert_non_null(strstr(exchange->error.text, "the tensor median"));
	buffer_close(&body);
}

/* By comparison it would be 10^9 names, some seconds. */
static void the_cost_of_many_outputs_is_not_that_of_each_with_each(void **state)
{
	struct exchange *exchange = *state;
	struct buffer body;
	size_t length = 0;
	write_many(&body, MANY, "");
	assert_non_null(exchange_sent(exchange, buffer_view(&body)));
	const clock_t began = clock();
	encode_many(exchange, &length);
	assert_in_range((clock() - began) * 1000 / CLOCKS_PER_SEC, 0, 300);
	assert_true(length > 0);
	buffer_close(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(many_outputs_are_selected_as_few_are),
		BEHAVIOUR(an_output_that_is_not_there_is_named_among_many),
		BEHAVIOUR(the_cost_of_many_outputs_is_not_that_of_each_with_each),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
