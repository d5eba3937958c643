/* verify_test.c: `sluice verify` on the mock of a broker: what is recorded is read, joined and judged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "steps/kinds.h"
#include "tests/unit/answered_topics.h"

static const char doubles[] = ANSWERED_HEAD "  - {name: twice, expression: {set: {y: x * 2}}}\n"
					    "  output: {steps: [twice.outputs.y], topic: out}\n";
static const char drops_before[] = ANSWERED_HEAD "  - {name: odd, filter: {keep: 'mod(x, 2) == 1'}}\n  - {name: m, inputs: [odd]}\n"
						 "  output: {steps: [m], topic: out}\n" ANSWERED_MODEL;
static const char drops_behind[] = ANSWERED_HEAD "  - {name: m}\n  - {name: odd, filter: {keep: 'mod(y, 2) == 1'}, inputs: [m]}\n"
						 "  output: {steps: [odd], topic: out}\n" ANSWERED_MODEL;

static void answered_requests_are_right(void **state)
{
	(void)state;
	struct answered_topics topics;
	answered_open(&topics, ANSWERED_CALLS);
	for (int i = 0; i < ANSWERED_REQUESTS - 1; i++)
		answered_write(&topics, i, i);
	struct said said = answered_say(&topics, "verify", "");
	expect_words(said.out, "p, group " ANSWERED_GROUP "; a result leaves after earlier ones of its key (order: key)\n"
			       "           3  requests, up to the committed offsets\n");
	expect_words(said.out, "           1  requests on their way, not judged\n");
	expect_words(said.out, "nothing was found\n");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	answered_close(&topics);
}

static void what_is_wrong_is_found(void **state)
{
	(void)state;
	struct answered_topics topics;
	answered_open(&topics, ANSWERED_CALLS);
	answered_write(&topics, 2, 2);
	answered_write(&topics, 1, 1);
	answered_write(&topics, 1, 1);
	struct said said = answered_say(&topics, "verify", "-o json");
	expect_words(said.out, "{\"pipeline\": \"p\", \"group\": \"" ANSWERED_GROUP "\", \"order\": \"a result "
			       "leaves after earlier ones of its key (order: key)\", \"requests\": 3, \"answered\": 2, ");
	expect_words(said.out, "\"repeated\": 1, ");
	expect_words(said.out, "\"lost\": 1, \"doubled\": 0, \"different\": 0, \"out_of_order\": 1, ");
	expect_words(said.out, "\"findings\": [{\"what\": \"lost\", \"request\": \"0:0\"}, "
			       "{\"what\": \"out_of_order\", \"request\": \"0:2\", \"answer\": \"0:0\", \"before\": \"0:1\"}]}\n");
	assert_int_equal(said.code, EXIT_FAULTS);
	said_close(&said);
	said = answered_say(&topics, "verify", "--show 0");
	expect_words(said.out, "           1  lost\n");
	assert_null(strstr(said.out, "request 0:0"));
	said_close(&said);
	answered_close(&topics);
}

static void an_answer_of_another_request_is_found(void **state)
{
	(void)state;
	struct answered_topics topics;
	answered_open(&topics, doubles);
	answered_write(&topics, 0, 0);
	answered_write(&topics, 1, 4);
	answered_write(&topics, 2, 4);
	struct said said = answered_say(&topics, "verify", "");
	expect_words(said.out, "           3  answers compared with computed ones\n");
	expect_words(said.out, "  request 0:1  another answer than computed again  answer 0:1\n");
	assert_int_equal(said.code, EXIT_FAULTS);
	said_close(&said);
	said = answered_say(&topics, "verify", "--recompute drops");
	expect_words(said.out, "nothing was found\n");
	said_close(&said);
	answered_close(&topics);
}

static void a_request_that_a_filter_drops_is_not_lost(void **state)
{
	(void)state;
	struct answered_topics topics;
	answered_open(&topics, drops_before);
	struct said said = answered_say(&topics, "verify", "-o json");
	expect_words(said.out, "\"dropped\": 2, \"dead_lettered\": 0, \"unknown\": 0, ");
	expect_words(said.out, "\"findings\": [{\"what\": \"lost\", \"request\": \"0:1\"}]}\n");
	said_close(&said);
	said = answered_say(&topics, "verify", "-o json --recompute none");
	expect_words(said.out, "\"dropped\": 0, \"dead_lettered\": 0, \"unknown\": 3, ");
	said_close(&said);
	answered_close(&topics);
}

static void a_request_that_may_be_dropped_behind_a_model_is_unknown(void **state)
{
	(void)state;
	struct answered_topics topics;
	answered_open(&topics, drops_behind);
	struct said said = answered_say(&topics, "verify", "-o json");
	expect_words(said.out, "\"dropped\": 0, \"dead_lettered\": 0, \"unknown\": 3, ");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	answered_close(&topics);
}

/* Without the tensor that is named the answer is an error. */
static void a_request_whose_tensor_is_named_needs_an_answer(void **state)
{
	(void)state;
	struct answered_topics topics;
	answered_open(&topics, ANSWERED_HEAD "  - {name: m}\n"
					     "  - {name: twice, inputs: [m.outputs.y], when: y > 1, expression: {set: {z: y}}}\n"
					     "  output: {steps: [twice.outputs.z], topic: out}\n" ANSWERED_MODEL);
	struct said said = answered_say(&topics, "verify", "-o json");
	expect_words(said.out, "\"unknown\": 0, ");
	expect_words(said.out, "\"lost\": 3, ");
	said_close(&said);
	answered_close(&topics);
}

static void hostile_bytes_are_read_as_errors(void **state)
{
	(void)state;
	static const char *const pipelines[] = {doubles, ANSWERED_STAGES};
	for (size_t i = 0; i < 2; i++) {
		struct answered_topics topics;
		answered_open(&topics, pipelines[i]);
		answered_hostile(&topics);
		struct said said = answered_say(&topics, "verify", "");
		expect_words(said.out, "        1000  requests, up to the committed offsets\n");
		assert_int_equal(said.code, EXIT_FAULTS);
		said_close(&said);
		answered_close(&topics);
	}
}

static void the_files_say_what_is_promised(void **state)
{
	(void)state;
	struct said said = say_with(step_kinds, "verify p --brokers localhost:1");
	expect_words(said.err, "give the pipeline's files by -f: they say what it promises");
	assert_int_equal(said.code, EXIT_MISUSE);
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answered_requests_are_right),
		cmocka_unit_test(what_is_wrong_is_found),
		cmocka_unit_test(an_answer_of_another_request_is_found),
		cmocka_unit_test(a_request_that_a_filter_drops_is_not_lost),
		cmocka_unit_test(a_request_that_may_be_dropped_behind_a_model_is_unknown),
		cmocka_unit_test(a_request_whose_tensor_is_named_needs_an_answer),
		cmocka_unit_test(hostile_bytes_are_read_as_errors),
		cmocka_unit_test(the_files_say_what_is_promised),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
