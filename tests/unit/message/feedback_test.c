/* feedback_test.c: feedback in its two forms of JSON and in Avro, what of it is refused and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "message/records/feedback.h"
#include "compiler/step/experiment.h"
#include "tests/unit/arena_fixture.h"
#include "tests/unit/letters.h"

#define ARENA_BYTES ((size_t)8 << 20)
#define NOW_MS INT64_C(1800000000000)

static struct feedback read_good(const char *json)
{
	struct feedback feedback;
	struct error error = {0};
	if (!feedback_read(text_of(json), arena, &feedback, &error) || !feedback_check(&feedback, NOW_MS, &error))
		fail_msg("%s: %s", json, error.text);
	return feedback;
}

static struct feedback read_seldon(const char *json)
{
	struct feedback feedback;
	struct error error = {0};
	if (!feedback_read_seldon(text_of(json), arena, &feedback, &error) || !feedback_check(&feedback, NOW_MS, &error))
		fail_msg("%s: %s", json, error.text);
	return feedback;
}

/* It is an INPUT error that has these words. */
static void expect_refusal(bool seldon, const char *json, const char *words)
{
	struct feedback feedback;
	struct error error = {0};
	bool good = seldon ? feedback_read_seldon(text_of(json), arena, &feedback, &error)
			   : feedback_read(text_of(json), arena, &feedback, &error);
	if (good && feedback_check(&feedback, NOW_MS, &error))
		fail_msg("%.80s is taken", json);
	if (error.kind != ERROR_INPUT || !strstr(error.text, words))
		fail_msg("%.80s: \"%s\" lacks \"%s\"", json, error.text, words);
}

static void every_member_is_read(void **state)
{
	(void)state;
	struct feedback feedback = read_good(
		"{\"id\": \"r-1\", \"unit\": 77, \"experiment\": \"e\", \"feedback_id\": \"f\","
		" \"time\": \"2026-01-31T09:30Z\","
		" \"reward\": -1.5, \"metrics\": {\"profit\": 3.25, \"cost\": 1e-3},"
		" \"truth\": {\"label\": [1, 0], \"why\": \"x\"},"
		" \"origin\": {\"topic\": \"in\", \"partition\": 2, \"offset\": 9}}");
	assert_true(text_is(feedback.id, "r-1"));
	assert_true(text_is(feedback.unit, "77"));
	assert_true(text_is(feedback.experiment, "e"));
	assert_true(text_is(feedback.feedback_id, "f"));
	assert_int_equal(feedback.time_ms, INT64_C(1769851800000));
	assert_true(feedback.has_reward && feedback.reward == -1.5);
	assert_int_equal(feedback.metric_count, 2);
	assert_true(text_is(feedback.metrics[1].name, "cost") && feedback.metrics[1].value == 1e-3);
	assert_int_equal(feedback.truth.count, 2);
	assert_int_equal(feedback.truth.items[0]->datatype, DATATYPE_INT64);
	assert_true(tensor_number(feedback.truth.items[0], 0) == 1 && feedback.truth.items[0]->count == 2);
	assert_int_equal(feedback.truth.items[1]->datatype, DATATYPE_BYTES);
	assert_true(text_is(feedback.origin.topic, "in") && feedback.origin.partition == 2 && feedback.origin.offset == 9);
}

static void null_is_an_absent_member(void **state)
{
	(void)state;
	struct feedback feedback = read_good("{\"id\": null, \"unit\": \"u\", \"reward\": null, \"metrics\": {\"m\": 0}, "
					     "\"truth\": null, \"origin\": null, \"time\": null, \"time_ms\": null}");
	assert_false(feedback.has_reward);
	assert_int_equal(feedback.id.length, 0);
	assert_int_equal(feedback.truth.count, 0);
	assert_int_equal(feedback.time_ms, 0);
}

/* As IEEE 754 rounds them: half of the smallest FP64, 4.94e-324, is 0 too. */
static void numbers_too_close_to_zero_are_zero(void **state)
{
	(void)state;
	struct feedback feedback = read_good(
		"{\"id\": \"r\", \"reward\": 1e-400, \"metrics\": {\"half\": 2e-324, \"least\": 4.9e-324, \"below\": -1e-999}, "
		"\"truth\": 1e-400}");
	assert_true(feedback.has_reward && feedback.reward == 0);
	assert_true(feedback.metrics[0].value == 0 && feedback.metrics[1].value == 0x1p-1074 && feedback.metrics[2].value == 0);
	assert_true(tensor_number(feedback.truth.items[0], 0) == 0);
}

static void truth_may_be_one_value_or_tensors_with_datatypes(void **state)
{
	(void)state;
	struct feedback feedback = read_good("{\"id\": \"r\", \"truth\": 1}");
	assert_true(feedback.truth.count == 1 && text_is(feedback.truth.items[0]->name, "truth"));
	assert_true(tensor_number(feedback.truth.items[0], 0) == 1);
	feedback = read_good("{\"id\": \"r\", \"truth\": [[0.5], [1]]}");
	assert_true(feedback.truth.items[0]->rank == 2 && feedback.truth.items[0]->datatype == DATATYPE_FP64);
	feedback = read_good("{\"id\": \"r\", "
			     "\"truth\": [{\"name\": \"y\", \"datatype\": \"FP32\", \"shape\": [1], \"data\": [2]}]}");
	assert_true(text_is(feedback.truth.items[0]->name, "y") && feedback.truth.items[0]->datatype == DATATYPE_FP32);
}

static void an_origin_is_also_the_id_of_a_request_without_one(void **state)
{
	struct origin origin = {0};
	(void)state;
	struct feedback feedback = read_good("{\"origin\": \"sluice.default.pipeline.a-b.inputs-3-1024\", \"reward\": 1}");
	assert_true(text_is(feedback.origin.topic, "sluice.default.pipeline.a-b.inputs"));
	assert_true(feedback.origin.partition == 3 && feedback.origin.offset == 1024);
	assert_true(text_is(feedback_key(&feedback, arena), "sluice.default.pipeline.a-b.inputs-3-1024"));
	static const char *const wrong[] = {"", "in", "in-1", "-1-2", "in-1-", "in--2", "in-a-2", "in-1-2x", "in-2147483648-1",
					    "in-1-9223372036854775808"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(feedback_read_origin(text_of(wrong[i]), &origin));
}

static void the_key_is_the_id_then_the_origin_then_the_unit(void **state)
{
	(void)state;
	struct feedback feedback = {.id = TEXT("r"), .unit = TEXT("u"), .origin = {TEXT("in"), 0, 5}};
	assert_true(text_is(feedback_key(&feedback, arena), "r"));
	feedback.id.length = 0;
	assert_true(text_is(feedback_key(&feedback, arena), "in-0-5"));
	feedback.origin.topic.length = 0;
	assert_true(text_is(feedback_key(&feedback, arena), "u"));
}

static void seldon_names_the_request_by_puid(void **state)
{
	(void)state;
	struct feedback feedback =
		read_seldon("{\"request\": {\"meta\": {\"puid\": \"asked\"}, \"data\": {\"ndarray\": [[1]]}}, "
			    "\"response\": {\"meta\": {\"tags\": {}, \"puid\": \"answered\"}, \"strData\": \"x\"}, \"reward\": 1, "
			    "\"truth\": {\"data\": "
			    "{\"names\": [\"a\"], \"ndarray\": [[1]]}}}");
	assert_true(text_is(feedback.id, "answered"));
	assert_true(feedback.reward == 1 && feedback.truth.count == 1 && feedback.truth.items[0]->rank == 2);
	feedback = read_seldon("{\"response\": {\"meta\": {}}, "
			       "\"request\": {\"meta\": {\"puid\": \"asked\"}}, \"reward\": 0, \"truth\": {}}");
	assert_true(text_is(feedback.id, "asked"));
	assert_true(feedback.has_reward && feedback.reward == 0 && feedback.truth.count == 0);
}

/* Protobuf leaves out a 0. A truth is an outcome of its own, and says nothing about a reward. */
static void seldon_leaves_out_a_reward_of_zero(void **state)
{
	(void)state;
	struct feedback feedback = read_seldon("{\"response\": {\"meta\": {\"puid\": \"r\"}}}");
	assert_true(feedback.has_reward && feedback.reward == 0);
	feedback = read_seldon("{\"response\": {\"meta\": {\"puid\": \"r\"}}, \"truth\": {\"data\": {\"ndarray\": [1]}}}");
	assert_true(!feedback.has_reward && feedback.truth.count == 1);
}

static void bad_feedback_is_refused_with_its_words(void **state)
{
	(void)state;
	static const struct {
		const char *json, *words;
	} rows[] = {
		{"{\"reward\": 1}", "names no request"},
		{"{\"id\": \"r\"}", "has no outcome"},
		{"{\"id\": \"r\", \"metrics\": {}}", "has no outcome"},
		{"{\"id\": \"r\", \"truth\": []}", "has no outcome"},
		{"{\"id\": \"r\", \"truth\": {\"t\": []}}", "has no outcome"},
		{"{\"id\": \"r\", \"reward\": NaN}", "the reward of the feedback is NaN"},
		{"{\"id\": \"r\", \"reward\": \"NaN\"}", "the reward of the feedback is NaN; send a finite number"},
		{"{\"id\": \"r\", \"reward\": \"-Infinity\"}", "the reward of the feedback is infinite"},
		{"{\"id\": \"r\", \"reward\": \"NaNs\"}", "`reward` of the feedback is a text, and must be a number"},
		{"{\"id\": \"r\", \"metrics\": {\"m\": \"NaN\"}}", "the metric `m` of the feedback is NaN"},
		{"{\"id\": \"r\", \"reward\": -Infinity}", "the reward of the feedback is infinite"},
		{"{\"id\": \"r\", \"reward\": 1e999}", "infinite or too large"},
		{"{\"id\": \"r\", \"reward\": 1e400}", "infinite or too large"},
		{"{\"id\": \"r\", \"metrics\": {\"m\": NaN}}", "the metric `m` of the feedback is NaN"},
		{"{\"id\": \"r\", \"truth\": {\"t\": [1, \"NaN\"]}}", "the truth `t` of the feedback is NaN"},
		{"{\"id\": \"r\", \"reward\": \"1\"}", "`reward` of the feedback is a text, and must be a number"},
		{"{\"id\": \"r\", \"reward\": true}", "`reward` of the feedback is true, and must be a number"},
		{"{\"id\": \"r\", \"reward\": [1]}", "`reward` of the feedback is a list"},
		{"{\"id\": \"r\", \"metrics\": [1]}", "`metrics` of the feedback is a list"},
		{"{\"id\": \"r\", \"metrics\": {\"m\": {}}}", "`metrics.m` of the feedback is an object"},
		{"{\"id\": \"r\", \"metrics\": {\"m\": 1, \"m\": 2}}", "`m` occurs twice"},
		{"{\"id\": \"r\", \"reward\": 1, \"id\": \"other\"}", "id occurs twice in the feedback; send it once"},
		{"{\"id\": \"r\", \"reward\": null, \"reward\": 1}", "reward occurs twice in the feedback; send it once"},
		{"{\"origin\": {\"topic\": \"t\", \"offset\": 1, \"partition\": 0, \"off\\u0073et\": 2}, \"reward\": 1}",
		 "offset occurs twice in the origin of the feedback; send it once"},
		{"{\"id\": \"r\", \"truth\": {\"t\": [1], \"t\": [2]}}",
		 "t occurs twice in the truth of the feedback; send it once"},
		{"{\"id\": \"r\", \"metrics\": {\"\": 1}}", "has no name"},
		{"{\"id\": {}, \"reward\": 1}", "`id` of the feedback is an object, and must be a text"},
		{"{\"id\": 17, \"reward\": 1}",
		 "`id` of the feedback is a number, and must be a text"}, /* 17, 17.0 and 1.7e1 are one */
		{"{\"unit\": 1, \"feedback_id\": 17, \"reward\": 1}",
		 "`feedback_id` of the feedback is a number, and must be a text"},
		{"{\"unit\": 1, \"experiment\": 17, \"reward\": 1}",
		 "`experiment` of the feedback is a number, and must be a text"},
		{"{\"id\": \"r\", \"truth\": [1, \"a\"]}", "truth"},
		{"{\"id\": \"r\", \"reward\": 1, \"time_ms\": 1800000060001}", "from the future"},
		{"{\"id\": \"r\", \"reward\": 1, \"time_ms\": 9223372036854775807}",
		 "from the future: its time is 9223372036854775807 ms, which is after the year 9999; send milliseconds"},
		{"{\"id\": \"r\", \"reward\": 1, \"time_ms\": 4000000000000000}",
		 "after the year 9999; send milliseconds since 1970"},
		{"{\"id\": \"r\", \"reward\": 1, \"time_ms\": 2000000000000}", "its time is 2033-05-18T03:33:20Z (200000000000 ms"},
		{"{\"id\": \"r\", \"reward\": 1, \"time_ms\": -1}", "is -1 ms, which is before 1970; send milliseconds since"},
		{"{\"id\": \"r\", \"reward\": 1, \"time_ms\": -9223372036854775808}", "which is before 1970"},
		{"{\"id\": \"r\", \"reward\": 1, \"time_ms\": 1799999000}",
		 "is 1799999000 ms, which is 1970-01-21T19:59:59Z; it seems to be in seconds: multiply it by 1,000"},
		{"{\"id\": \"r\", \"reward\": 1, \"time_ms\": 1799999000000000}",
		 "which is after the year 9999; it seems to be in microseconds: divide it by 1,000"},
		{"{\"id\": \"r\", \"reward\": 1, \"time_ms\": 1799999000000000000}",
		 "seems to be in nanoseconds: divide it by 1,000,000"},
		{"{\"id\": \"r\", \"reward\": 1, \"time_ms\": 1.5}", "whole number"},
		{"{\"id\": \"r\", \"reward\": 1, \"time\": \"soon\"}", "no point in time"},
		{"{\"id\": \"r\", \"rewards\": 1}", "did you mean `reward`?"},
		{"{\"id\": \"r\", \"zzzzzzzz\": 1}", "no member `zzzzzzzz`"},
		{"{\"origin\": {\"topic\": \"t\", \"offset\": 1}, \"reward\": 1}", "not whole"},
		{"{\"origin\": {\"topic\": \"t\", \"place\": 1}, \"reward\": 1}", "topic, partition and offset"},
		{"{\"origin\": \"somewhere\", \"reward\": 1}", "no place in a topic"},
		{"{\"id\": \"r\", \"reward\": 1", "is not JSON"},
		{"[1]", "not a JSON object"},
		{"", "is not JSON"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_refusal(false, rows[i].json, rows[i].words);
	expect_refusal(true, "{\"reward\": 1}", "names no request");
	expect_refusal(true, "{\"response\": {\"meta\": {\"puid\": \"r\"}}, \"reward\": 1, \"reward\": 2}",
		       "reward occurs twice in the feedback; send it once");
	expect_refusal(true, "{\"response\": {\"meta\": {\"puid\": \"r\"}, \"meta\": {\"puid\": \"s\"}}, \"reward\": 1}",
		       "meta occurs twice in a message of the feedback; send it once");
	expect_refusal(true, "{\"request\": {\"meta\": {\"puid\": \"r\", \"puid\": \"s\"}}, \"reward\": 1}",
		       "puid occurs twice in the meta of the feedback; send it once");
	expect_refusal(true, "{\"response\": {\"meta\": {\"puid\": 3}}, \"reward\": 1}", "`meta.puid`");
	expect_refusal(true, "{\"response\": {\"meta\": {\"puid\": \"r\"}}, \"truth\": {\"data\": 3}}",
		       "the truth of the feedback: data");
	expect_refusal(true, "{\"response\": {\"meta\": {\"puid\": \"r\"}}, \"reward\": \"high\"}", "must be a number");
	(void)read_good("{\"id\": \"r\", \"reward\": 1, \"time_ms\": 1800000060000}");
}

static void names_and_metrics_have_a_limit(void **state)
{
	(void)state;
	static const char *const members[] = {"id", "unit", "experiment", "feedback_id"};
	assert_int_equal(FEEDBACK_NAME_BYTES_MAX, EXPERIMENT_UNIT_BYTES_MAX);
	char *name = arena_take(arena, 1, (1 << 20) + 1);
	memset(name, 'u', 1 << 20);
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		const char *words = arena_print(arena, "`%s` of the feedback has 1048576 bytes, and at most 4096", members[i]);
		const char *json = arena_print(arena, "{\"reward\": 1, \"%s\": \"%s\", \"origin\": \"t-0-0\"}", members[i], name);
		expect_refusal(false, json, words);
	}
	name[FEEDBACK_NAME_BYTES_MAX + 1] = '\0';
	expect_refusal(false, arena_print(arena, "{\"reward\": 1, \"unit\": \"%s\"}", name), "has 4097 bytes");
	name[FEEDBACK_NAME_BYTES_MAX] = '\0';
	(void)read_good(arena_print(arena, "{\"reward\": 1, \"unit\": \"%s\"}", name));
	struct feedback_metric metrics[FEEDBACK_METRICS_MAX + 1];
	for (size_t i = 0; i <= FEEDBACK_METRICS_MAX; i++)
		metrics[i] = (struct feedback_metric){text_of(arena_print(arena, "m%zu", i)), 1};
	struct feedback feedback = {.id = TEXT("r"), .metrics = metrics, .metric_count = FEEDBACK_METRICS_MAX};
	struct error error = {0};
	assert_true(feedback_check(&feedback, NOW_MS, &error));
	feedback.metric_count++;
	assert_false(feedback_check(&feedback, NOW_MS, &error));
	assert_non_null(strstr(error.text, "257 metrics"));
}

static const char full[] = "{\"id\": \"r-1\", \"unit\": \"u\", \"experiment\": \"e\", \"feedback_id\": \"f\", \"time_ms\": 77,"
			   " \"reward\": 0.25, \"metrics\": {\"a\": 1, \"b\": -2}, \"truth\": {\"y\": [1.5, 2.5]},"
			   " \"origin\": \"in-2-9\"}";

static void a_record_has_all_that_its_schema_names(void **state)
{
	struct buffer out;
	struct letter letter;
	struct error error = {0};
	(void)state;
	struct feedback feedback = read_good(full);
	buffer_open(&out, FEEDBACK_BYTES_MAX);
	assert_true(feedback_encode(&feedback, &out, &error));
	letter_open_as(&letter, "feedback", buffer_view(&out));
	assert_true(text_is(letter_text(&letter, "id"), "r-1"));
	assert_true(text_is(letter_text(&letter, "unit"), "u"));
	assert_true(text_is(letter_text(&letter, "feedback_id"), "f"));
	assert_true(text_is(letter_text(&letter, "experiment"), "e"));
	assert_int_equal(letter_number(&letter, "time_ms"), 77);
	assert_true(text_is(letter_text(&letter, "origin.topic"), "in"));
	assert_int_equal(letter_number(&letter, "origin.offset"), 9);
	letter_close(&letter);
	buffer_close(&out);
	buffer_open(&out, 32);
	assert_false(feedback_encode(&feedback, &out, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	buffer_close(&out);
}

static void what_is_written_is_read_again(void **state)
{
	static const char *const texts[] = {full, "{\"unit\": \"u\", \"metrics\": {\"a\": 1}}"};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct feedback wrote = read_good(texts[i]), read;
		struct error error = {0};
		struct buffer out;
		buffer_open(&out, FEEDBACK_BYTES_MAX);
		assert_true(feedback_encode(&wrote, &out, &error));
		assert_true(feedback_decode(buffer_view(&out), arena, &read, &error));
		assert_true(text_equal(read.id, wrote.id) && text_equal(read.unit, wrote.unit));
		assert_true(text_equal(read.experiment, wrote.experiment) && text_equal(read.feedback_id, wrote.feedback_id));
		assert_true(read.time_ms == wrote.time_ms && read.has_reward == wrote.has_reward && read.reward == wrote.reward);
		assert_int_equal(read.metric_count, wrote.metric_count);
		assert_true(text_is(read.metrics[0].name, "a") && read.metrics[0].value == 1);
		assert_int_equal(read.truth.count, wrote.truth.count);
		assert_true(read.truth.count == 0 || tensor_number(read.truth.items[0], 1) == 2.5);
		assert_true(text_equal(read.origin.topic, wrote.origin.topic) && read.origin.offset == wrote.origin.offset);
		/* Each shorter record is refused, and read within its bounds. */
		for (size_t length = 0; length < buffer_view(&out).length; length++) {
			error.kind = ERROR_NONE;
			assert_false(feedback_decode((struct text){buffer_view(&out).bytes, length}, arena, &read, &error));
			assert_int_equal(error.kind, ERROR_INPUT);
		}
		buffer_close(&out);
	}
}

static void a_topic_may_have_json_too(void **state)
{
	struct feedback read;
	struct error error = {0};
	(void)state;
	assert_true(feedback_decode(TEXT(" {\"id\": \"r\", \"reward\": 2}"), arena, &read, &error));
	assert_true(read.reward == 2);
	assert_false(feedback_decode(TEXT("reward"), arena, &read, &error));
	assert_non_null(strstr(error.text, "not feedback"));
}

#define FEEDBACK_TEST(name) cmocka_unit_test_setup_teardown(name, arena_begin, arena_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FEEDBACK_TEST(every_member_is_read),
		FEEDBACK_TEST(null_is_an_absent_member),
		FEEDBACK_TEST(numbers_too_close_to_zero_are_zero),
		FEEDBACK_TEST(truth_may_be_one_value_or_tensors_with_datatypes),
		FEEDBACK_TEST(an_origin_is_also_the_id_of_a_request_without_one),
		FEEDBACK_TEST(the_key_is_the_id_then_the_origin_then_the_unit),
		FEEDBACK_TEST(seldon_names_the_request_by_puid),
		FEEDBACK_TEST(seldon_leaves_out_a_reward_of_zero),
		FEEDBACK_TEST(bad_feedback_is_refused_with_its_words),
		FEEDBACK_TEST(names_and_metrics_have_a_limit),
		FEEDBACK_TEST(a_record_has_all_that_its_schema_names),
		FEEDBACK_TEST(what_is_written_is_read_again),
		FEEDBACK_TEST(a_topic_may_have_json_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
