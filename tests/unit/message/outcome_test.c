/* outcome_test.c: Tests of outcomes: their bytes as another reader has them, and what `sluice tail --topic outcomes` shows. */
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "message/records/feedback.h"
#include "message/records/outcome.h"
#include "tests/unit/letters.h"
#include "tools/view/outcome_view.h"

#define ARENA_BYTES ((size_t)1 << 20)
#define OUT_BYTES ((size_t)1 << 16)

static const struct exposure_feature features[] = {{{"age", 3}, 41}};
static const struct exposure_text texts[] = {{{"country", 7}, {"CH", 2}}};
static const struct outcome_metric metrics[] = {{{"reward", 6}, 1.5, OUTCOME_SENT},
						{{"accuracy", 8}, 1, OUTCOME_JUDGED},
						{{"profit", 6}, (double)NAN, OUTCOME_COMPUTED}};
static const struct observed_row observed[] = {{{"watch", 5}, {"CH", 2}, 7, -3, 2, 1, 4, 0.75, 0}};
static const int64_t truth_data[] = {3};
static const struct tensor truth = {.name = {"label", 5}, .datatype = DATATYPE_INT64, .count = 1, .data = truth_data};
static const struct tensor *const truths[] = {&truth};

static const struct outcome whole = {.kind = OUTCOME_LATE,
				     .exposure = {.id = {"r-1", 3},
						  .origin = {{"in", 2}, 2, 9},
						  .time_ms = 77,
						  .experiment = {"e", 1},
						  .variant = {"new", 3},
						  .probability = 0.25,
						  .unit = {"customer 7", 10},
						  .reason = ASSIGNED_STAGE,
						  .feature_count = 1,
						  .features = features,
						  .versions = {"pipeline/p=1;model/m=2;", 23},
						  .table = {"0123456789abcdef", 16},
						  .prediction = {"3", 1},
						  .latency_ms = 12.5,
						  .stage = 2,
						  .layer = {"prices", 6},
						  .text_count = 1,
						  .texts = texts,
						  .error = {"REMOTE", 6}},
				     .happened_ms = 1000,
				     .written_ms = 1200,
				     .source = {{"fb", 2}, 1, 5},
				     .feedback_id = {"f-1", 3},
				     .by_unit = true,
				     .unjudged = true,
				     .weight = 4,
				     .metric_count = 3,
				     .metrics = metrics,
				     .truth = {1, truths},
				     .observed_count = 1,
				     .observed = observed};

static struct text outcome_bytes(const struct outcome *outcome, struct arena *arena)
{
	struct error error = {0};
	struct buffer out;
	buffer_open(&out, OUT_BYTES);
	assert_true(outcome_encode(outcome, arena, &out, &error));
	const struct text bytes = {arena_copy(arena, out.bytes, out.length), out.length};
	buffer_close(&out);
	return bytes;
}

static void another_reader_finds_all_that_the_schema_names(void **state)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	struct letter letter;
	(void)state;
	letter_open_as(&letter, "outcome", outcome_bytes(&whole, arena));
	assert_true(text_is(letter_text(&letter, "exposure.id"), "r-1"));
	assert_int_equal(letter_number(&letter, "exposure.time_ms"), 77);
	assert_true(text_is(letter_text(&letter, "exposure.reason"), "stage"));
	assert_true(text_is(letter_text(&letter, "exposure.table"), "0123456789abcdef"));
	assert_true(text_is(letter_text(&letter, "exposure.error"), "REMOTE"));
	assert_int_equal(letter_number(&letter, "happened_ms"), 1000);
	assert_int_equal(letter_number(&letter, "written_ms"), 1200);
	assert_true(text_is(letter_text(&letter, "source.topic"), "fb"));
	assert_int_equal(letter_number(&letter, "source.offset"), 5);
	assert_true(text_is(letter_text(&letter, "feedback_id"), "f-1"));
	assert_true(text_is(letter_text(&letter, "metrics.name"), "reward"));
	assert_int_equal(letter_number(&letter, "weight"), 4);
	assert_true(text_is(letter_text(&letter, "truth.name"), "label"));
	assert_true(text_is(letter_text(&letter, "observed.step"), "watch"));
	assert_int_equal(letter_number(&letter, "observed.identity"), -3);
	letter_close(&letter);
	arena_close(arena);
}

static void what_is_written_is_read_again(void **state)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	struct outcome read;
	struct error error = {0};
	(void)state;
	const struct text bytes = outcome_bytes(&whole, arena);
	assert_true(outcome_decode(bytes, arena, &read, &error));
	assert_true(text_equal(outcome_bytes(&read, arena), bytes));
	assert_int_equal(read.exposure.reason, ASSIGNED_STAGE);
	assert_true(text_is(read.exposure.versions, "pipeline/p=1;model/m=2;"));
	assert_true(text_is(read.exposure.texts[0].value, "CH"));
	assert_true(read.by_unit && read.unjudged);
	assert_int_equal(read.metric_count, 3);
	assert_int_equal(read.metrics[1].how, OUTCOME_JUDGED);
	assert_true(isnan(outcome_metric_find(&read, TEXT("profit"))->value));
	assert_null(outcome_metric_find(&read, TEXT("loss")));
	assert_memory_equal(read.truth.items[0]->data, truth_data, sizeof truth_data);
	assert_int_equal(read.observed[0].identity, -3);
	assert_true(read.observed[0].first == 0.75);
	arena_close(arena);
}

static void an_end_has_an_exposure_and_no_feedback(void **state)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	const struct outcome end = {.kind = OUTCOME_ENDED,
				    .exposure = {.id = TEXT("r-2"), .reason = ASSIGNED_WEIGHT, .latency_ms = (double)NAN},
				    .weight = 1};
	struct outcome read;
	struct error error = {0};
	(void)state;
	assert_true(outcome_decode(outcome_bytes(&end, arena), arena, &read, &error));
	assert_int_equal(read.kind, OUTCOME_ENDED);
	assert_int_equal(read.exposure.experiment.length, 0);
	assert_true(isnan(read.exposure.latency_ms));
	assert_int_equal(read.source.topic.length, 0);
	assert_int_equal(read.metric_count + read.truth.count + read.observed_count, 0);
	arena_close(arena);
}

static void broken_records_are_refused(void **state)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	struct outcome read, wrong = whole;
	struct error error = {0};
	struct buffer out;
	(void)state;
	const struct text bytes = outcome_bytes(&whole, arena);
	for (size_t length = 0; length < bytes.length; length++)
		assert_false(outcome_decode((struct text){bytes.bytes, length}, arena, &read, &error));
	wrong.exposure.probability = 2;
	error = (struct error){0};
	assert_false(outcome_decode(outcome_bytes(&wrong, arena), arena, &read, &error));
	assert_string_equal(error.text, "`probability` of the exposure is not from 0 to 1");
	error = (struct error){0};
	buffer_open(&out, 32);
	assert_false(outcome_encode(&whole, arena, &out, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	buffer_close(&out);
	arena_close(arena);
}

static void assert_shown(const struct outcome *outcome, const char *text, const char *json)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	const struct record record = {.value = outcome_bytes(outcome, arena), .partition = 0, .offset = 12};
	struct error error = {0};
	struct buffer out;
	buffer_open(&out, OUT_BYTES);
	assert_true(outcome_view_print_text(&record, arena, &out, &error));
	buffer_byte(&out, '\0');
	assert_string_equal(out.bytes, text);
	buffer_clear(&out);
	assert_true(outcome_view_print_json(&record, arena, &out, &error));
	buffer_byte(&out, '\0');
	assert_string_equal(out.bytes, json);
	buffer_close(&out);
	arena_close(arena);
}

static void a_person_and_a_program_see_all_of_it(void **state)
{
	const struct outcome end = {.kind = OUTCOME_ENDED,
				    .exposure = {.id = TEXT("r\x1b"), .time_ms = 5, .latency_ms = (double)NAN},
				    .weight = 1};
	(void)state;
	assert_shown(&whole,
		     "r-1  0:12  late  e  new  for 4  by its unit\n"
		     "  reward  1.5  sent\n"
		     "  accuracy  1.0  judged\n"
		     "  profit  \"NaN\"  computed\n"
		     "  truth label  3\n",
		     "{\"kind\": \"late\", \"partition\": 0, \"offset\": 12, \"exposure\": {\"id\": \"r-1\", \"origin\": "
		     "{\"topic\": \"in\", \"partition\": 2, \"offset\": 9}, \"time_ms\": 77, \"experiment\": \"e\", "
		     "\"variant\": \"new\", \"probability\": 0.25, \"reason\": \"stage\", \"unit\": \"customer 7\", "
		     "\"context\": {\"age\": 41.0, \"country\": \"CH\"}, \"versions\": \"pipeline/p=1;model/m=2;\", "
		     "\"table\": \"0123456789abcdef\", \"prediction\": \"3\", \"latency_ms\": 12.5, \"stage\": 2, \"layer\": "
		     "\"prices\", \"error\": \"REMOTE\"}, \"happened_ms\": 1000, \"written_ms\": 1200, \"source\": "
		     "{\"topic\": \"fb\", \"partition\": 1, \"offset\": 5}, \"feedback_id\": \"f-1\", \"by_unit\": true, "
		     "\"metrics\": [{\"name\": \"reward\", \"value\": 1.5, \"how\": \"sent\"}, {\"name\": \"accuracy\", "
		     "\"value\": 1.0, \"how\": \"judged\"}, {\"name\": \"profit\", \"value\": \"NaN\", \"how\": "
		     "\"computed\"}], \"weight\": 4, \"truth\": {\"label\": 3}, \"observed\": [{\"step\": \"watch\", "
		     "\"segment\": \"CH\", \"window\": 7, \"row\": 2, \"class\": 1, \"classes\": 4, \"first\": 0.75, "
		     "\"second\": 0.0}], \"unjudged\": true}\n");
	assert_shown(&end, "r\\u001b  0:12  ended\n",
		     "{\"kind\": \"ended\", \"partition\": 0, \"offset\": 12, \"exposure\": {\"id\": "
		     "\"r\\u001b\", \"time_ms\": 5}, "
		     "\"metrics\": []}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_reader_finds_all_that_the_schema_names),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(an_end_has_an_exposure_and_no_feedback),
		cmocka_unit_test(broken_records_are_refused),
		cmocka_unit_test(a_person_and_a_program_see_all_of_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
