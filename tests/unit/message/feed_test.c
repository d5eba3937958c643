/* feed_test.c: Tests of the feed of a namespace: its records, and its way from an observer to the paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/avro/avro.h"
#include "message/avro/schemas.h"
#include "message/record_form.h"
#include "message/avro/avro_wire.h"
#include "message/records/feed_record.h"
#include "observe/status.h"
#include "observe/verdict_board.h"
#include "tests/unit/follow_stand.h"
#include "tests/unit/letters.h"
#include "tests/unit/sliced.h"

#define FEED "sluice.default.feed"
#define REFERENCE "tests/cases-own/drift-marks-what-is-known/usual.json"
#define WINDOW 20
#define IDENTITY 0x9123456789abcdef

static const struct drift_score found = {.pipeline = "p",
					 .step = "watch",
					 .identity = IDENTITY,
					 .window = 7,
					 .begin_ms = 1,
					 .end_ms = 2,
					 .messages = 50,
					 .verdict = DRIFT_FOUND,
					 .score = 0.25,
					 .reference = "r.json"};

/* ---- records ---- */

struct fed {
	struct buffer key, value;
};

static struct fed fed_of(const struct drift_score *score)
{
	struct fed fed;
	struct error error = {0};
	buffer_open(&fed.key, FEED_KEY_BYTES_MAX);
	buffer_open(&fed.value, (size_t)1 << 20);
	if (!feed_score_encode(score, &fed.key, &fed.value, &error))
		fail_msg("%s", error.text);
	return fed;
}

static void fed_close(struct fed *fed)
{
	buffer_close(&fed->key);
	buffer_close(&fed->value);
}

static void a_verdict_is_read_as_it_was_written(void **state)
{
	(void)state;
	static const enum drift_verdict verdicts[] = {DRIFT_LEARNING, DRIFT_STEADY, DRIFT_FOUND};
	for (size_t i = 0; i < 3; i++) {
		struct drift_score score = found;
		struct feed_score read;
		struct error error = {0};
		score.verdict = verdicts[i];
		struct fed fed = fed_of(&score);
		assert_true(text_equal(buffer_view(&fed.key), TEXT("drift/p/watch")));
		assert_true(feed_score_decode(buffer_view(&fed.key), buffer_view(&fed.value), &read, &error));
		assert_int_equal(read.verdict, verdicts[i]);
		assert_true(read.score == 0.25);
		assert_true(read.identity == IDENTITY);
		assert_string_equal(read.pipeline, "p");
		assert_string_equal(read.step, "watch");
		fed_close(&fed);
	}
}

static void a_segment_is_part_of_the_key(void **state)
{
	struct drift_score score = found;
	struct feed_score read;
	struct error error = {0};
	(void)state;
	score.segment = TEXT("a/\xff");
	struct fed fed = fed_of(&score);
	assert_true(text_equal(buffer_view(&fed.key), TEXT("drift/p/watch/a/\xff")));
	assert_true(feed_score_decode(buffer_view(&fed.key), buffer_view(&fed.value), &read, &error));
	assert_true(text_equal(read.segment, score.segment) && read.verdict == DRIFT_FOUND);
	assert_false(feed_score_decode(TEXT("drift/p/watch"), buffer_view(&fed.value), &read, &error));
	fed_close(&fed);
}

static void the_lists_of_a_verdict_stay_behind(void **state)
{
	static const struct drift_statistic statistics[] = {{.feature = {"x", 1}, .method = "ks"}};
	static const struct drift_quality quality[] = {{.feature = {"x", 1}}};
	struct drift_score score = found;
	struct feed_score read;
	struct error error = {0};
	(void)state;
	struct fed without = fed_of(&score);
	score.statistic_count = score.quality_count = 1;
	score.statistics = statistics;
	score.quality = quality;
	struct fed with = fed_of(&score);
	assert_true(text_equal(buffer_view(&with.value), buffer_view(&without.value)));
	buffer_clear(&with.value); /* a whole record of the drift topic is none of the feed */
	assert_true(drift_score_encode(&score, &with.value, &error));
	assert_false(feed_score_decode(buffer_view(&with.key), buffer_view(&with.value), &read, &error));
	fed_close(&without);
	fed_close(&with);
}

/* An addition to the drift topic changes nothing of it. */
static void a_verdict_has_a_schema_of_its_own(void **state)
{
	(void)state;
	struct fed fed = fed_of(&found);
	struct error error = {0};
	uint64_t own, of_scores;
	assert_true(schema_fingerprint(schema_json("drift_verdict"), &own, &error));
	assert_true(schema_fingerprint(schema_json("drift_score"), &of_scores, &error));
	assert_true(record_schema(buffer_view(&fed.value)) == own && own != of_scores);
	fed_close(&fed);
}

/* What is not judged leaves the verdict before in force; a state that begins anew ends it. */
static void only_what_is_judged_is_due(void **state)
{
	struct drift_score score = found;
	struct feed_score read;
	struct error error = {0};
	(void)state;
	assert_true(feed_score_is_due(&score));
	score.verdict = DRIFT_STEADY;
	assert_true(feed_score_is_due(&score));
	score.verdict = DRIFT_LEARNING;
	assert_false(feed_score_is_due(&score));
	score.begins = true;
	assert_true(feed_score_is_due(&score));
	struct fed fed = fed_of(&score);
	assert_int_equal(fed.value.length, 0);
	assert_true(feed_score_decode(buffer_view(&fed.key), (struct text){0}, &read, &error));
	assert_int_equal(read.verdict, DRIFT_LEARNING);
	fed_close(&fed);
}

static void a_record_without_bytes_takes_a_verdict_back(void **state)
{
	struct feed_score read;
	struct error error = {0};
	(void)state;
	assert_true(feed_score_decode(TEXT("drift/p/a/b/c"), (struct text){0}, &read, &error));
	assert_int_equal(read.verdict, DRIFT_LEARNING);
	assert_string_equal(read.step, "a");
	assert_true(text_equal(read.segment, TEXT("b/c")));
}

static void every_cut_of_a_record_is_refused(void **state)
{
	(void)state;
	struct fed fed = fed_of(&found);
	struct feed_score read;
	for (size_t length = 0; length < fed.value.length; length++) {
		struct error error = {0};
		const struct text cut = {fed.value.bytes, length};
		assert_false(feed_score_decode(buffer_view(&fed.key), cut, &read, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
	fed_close(&fed);
}

static void keys_are_held_to_their_records(void **state)
{
	char longest[FEED_KEY_BYTES_MAX];
	static const char *const keys[] = {"drift/",   "drift/p",      "drift//watch", "drift/p/",      "drift/p/watch/s",
					   "drift/q/watch", "drift/p/other", "policy/p/e"};
	struct fed fed = fed_of(&found);
	struct feed_score read;
	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		struct error error = {0};
		assert_false(feed_score_decode(text_of(keys[i]), buffer_view(&fed.value), &read, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
	for (size_t length = FEED_NAME_BYTES_MAX; length <= FEED_NAME_BYTES_MAX + 1; length++) {
		struct error error = {0};
		char name[FEED_NAME_BYTES_MAX + 2] = "";
		memset(name, 'a', length);
		snprintf(longest, sizeof longest, "drift/%s/%s", name, name);
		assert_int_equal(feed_score_decode(text_of(longest), (struct text){0}, &read, &error),
				 length == FEED_NAME_BYTES_MAX);
		struct drift_score named = found;
		named.step = name;
		buffer_clear(&fed.key);
		buffer_clear(&fed.value);
		assert_int_equal(feed_score_encode(&named, &fed.key, &fed.value, &error), length == FEED_NAME_BYTES_MAX);
	}
	fed_close(&fed);
}

static void expect_numbers(const struct feed_figures *read, const double wanted[FEED_FIGURES])
{
	for (size_t i = 0; i < FEED_FIGURES; i++)
		assert_true(read->numbers[i] == wanted[i] || (isnan(read->numbers[i]) && isnan(wanted[i])));
}

static void figures_are_read_as_they_were_written(void **state)
{
	(void)state;
	static const struct drift_quality quality[] = {
		{.feature = {"a", 1}, .values = 8, .missing = 2, .outside = 2, .alarm = true},
		{.feature = {"b", 1}, .values = 5, .missing = 5}};
	static const struct drift_estimate estimates[] = {{"accuracy", .9, .8, .95}, {"recall", .5, .4, .6}, {"auc", .7, .6, .8}};
	static const double wanted[FEED_FIGURES] = {1, .5, .25, 0, .9, .8, .95, NAN, .5, 60, NAN, .7, NAN, NAN, NAN};
	struct drift_score score = found;
	struct feed_figures read;
	struct error error = {0};
	struct letter letter;
	struct fed fed;
	score.segment = TEXT("a/b");
	score.quality = quality;
	score.quality_count = 2;
	score.estimates = estimates;
	score.estimate_count = 3;
	score.times = drift_times_unknown();
	score.times.rate = 60;
	buffer_open(&fed.key, FEED_KEY_BYTES_MAX);
	buffer_open(&fed.value, (size_t)1 << 20);
	assert_true(feed_figures_encode(&score, &fed.key, &fed.value, &error));
	assert_true(text_equal(buffer_view(&fed.key), TEXT("figures/p/watch/a/b")));
	assert_true(feed_key_is_figures(buffer_view(&fed.key)) && !feed_key_is_score(buffer_view(&fed.key)));
	assert_true(feed_figures_decode(buffer_view(&fed.key), buffer_view(&fed.value), &read, &error));
	assert_true(text_is(read.of.segment, "a/b") && read.of.identity == IDENTITY && !read.gone);
	expect_numbers(&read, wanted);
	for (size_t length = 0; length < buffer_view(&fed.value).length; length++) {
		const struct text cut = {buffer_view(&fed.value).bytes, length};
		assert_false(feed_figures_decode(buffer_view(&fed.key), cut, &read, &error));
	}
	letter_open_as(&letter, "drift_figures", buffer_view(&fed.value));
	assert_int_equal(letter_number(&letter, "identity"), IDENTITY);
	letter_close(&letter);
	assert_int_equal(fed.value.bytes[fed.value.length - 3], 0); /* the last branch, before two texts: null */
	fed.value.bytes[fed.value.length - 3] = 4;		    /* the third branch of two */
	assert_false(feed_figures_decode(buffer_view(&fed.key), buffer_view(&fed.value), &read, &error));
	assert_true(feed_figures_decode(buffer_view(&fed.key), (struct text){0}, &read, &error));
	assert_true(read.gone);
	assert_false(feed_figures_decode(TEXT("figures/p/other"), buffer_view(&fed.value), &read, &error));
	fed_close(&fed);
}

/* What a former record has before its times. */
#define FORMER_BODY                                                                                                                \
	"\x02p\x0awatch\x00"   /* pipeline, step, segment */                                                                       \
	"\x54"		       /* identity 42 */                                                                                   \
	"\0\0\0\0\0\0\xf0\x3f" /* 1 */                                                                                             \
	"\0\0\0\0\0\0\xe0\x3f" /* .5 */                                                                                            \
	"\0\0\0\0\0\0\xd0\x3f" /* .25 */                                                                                           \
	"\0\0\0\0\0\0\0\0"                                                                                                         \
	"\0\0\0\0\0\0\xe8\x3f" /* .75 */                                                                                           \
	"\0\0\0\0\0\0\xe0\x3f"                                                                                                     \
	"\0\0\0\0\0\0\xf0\x3f"                                                                                                     \
	"\0\0\0\0\0\0\xf8\x7f" /* NaN */                                                                                           \
	"\0\0\0\0\0\0\xe0\x3f"

static void expect_former(struct text former, const double wanted[FEED_FIGURES])
{
	struct feed_figures read;
	struct error error = {0};
	assert_true(feed_figures_decode(TEXT("figures/p/watch"), former, &read, &error));
	assert_int_equal(read.of.identity, 42);
	expect_numbers(&read, wanted);
	for (size_t length = 0; length < former.length; length++)
		assert_false(feed_figures_decode(TEXT("figures/p/watch"), (struct text){former.bytes, length}, &read, &error));
}

/* The feed is compacted, so it has the last window of a step that an earlier version observed until that closes another one. */
static void figures_without_times_are_read_as_before(void **state)
{
	static const char former[] = "\xc3\x01\xf9\x33\xa5\xbf\xaf\x12\xc2\x18" /* its fingerprint */
		FORMER_BODY;
	static const double wanted[FEED_FIGURES] = {1, .5, .25, 0, .75, .5, 1, NAN, .5, NAN, NAN, NAN, NAN, NAN, NAN};
	(void)state;
	expect_former((struct text){former, sizeof former - 1}, wanted);
}

static void figures_without_an_area_are_read_as_before(void **state)
{
	static const char former[] = "\xc3\x01\x1f\xf1\x69\x1f\x0c\xf2\x67\xaa" /* its fingerprint */
		FORMER_BODY "\x02\0\0\0\0\0\0\x4e\x40"				/* 60 messages a minute */
				     "\0";					/* an age that is not known */
	static const double wanted[FEED_FIGURES] = {1, .5, .25, 0, .75, .5, 1, NAN, .5, 60, NAN, NAN, NAN, NAN, NAN};
	(void)state;
	expect_former((struct text){former, sizeof former - 1}, wanted);
}

#define ALL TEXT("")

/* ---- engines ---- */

static int64_t written_ms, took_ms;

static void score_is_fed(const struct drift_score *score)
{
	struct fed fed = fed_of(score);
	written_ms = clock_ms();
	follow_produce(FEED, buffer_view(&fed.key), buffer_view(&fed.value));
	fed_close(&fed);
}

static struct verdict_entry *entry_here(void)
{
	return verdict_board_entry(engine_board(follow_stand.engine), "p", "watch");
}

static bool is_known(enum drift_verdict verdict, double score)
{
	const struct last_verdict last = verdict_entry_known(entry_here(), IDENTITY, ALL);
	took_ms = clock_ms() - written_ms;
	return last.verdict == verdict && last.score == score;
}

static void drift_is_fed(void)
{
	score_is_fed(&found);
}

static bool drift_is_known(void)
{
	return is_known(DRIFT_FOUND, 0.25);
}

static void steady_is_fed(void)
{
	struct drift_score steady = found;
	steady.verdict = DRIFT_STEADY;
	steady.score = 0;
	follow_produce(FEED, TEXT("drift/p/watch"), TEXT("no verdict"));
	follow_produce(FEED, TEXT("later/p/watch"), TEXT("of a later version"));
	score_is_fed(&steady);
}

static bool steady_is_known(void)
{
	return is_known(DRIFT_STEADY, 0);
}

static bool figures_are_noted(void)
{
	return follow_stand.state.feed_refused == 1 && follow_stand.state.feed_delay_seconds < 1;
}

static void somebody_watches(void)
{
	follow_produce(FEED, TEXT(FEED_WATCH_KEY), TEXT("top"));
}

static bool watching_is_noted(void)
{
	return follow_stand.state.watched_ms > 0 && clock_ms() - follow_stand.state.watched_ms < STATUS_WATCH_MS;
}

static int feed_open_with_topic(void **state)
{
	const int opened = follow_open(state);
	follow_stand.follower_config.feed = FEED;
	follow_stand.config.feed = FEED;
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); /* as in follow_stand.c */
	assert_int_equal(rd_kafka_mock_topic_create(follow_stand.mock.cluster, FEED, 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
	return opened;
}

static void what_another_engine_observed_is_known_here(void **state)
{
	static const struct scene scenes[] = {
		{"drift", drift_is_fed, drift_is_known},
		{"after a record that is none", steady_is_fed, steady_is_known},
		{"its figures", NULL, figures_are_noted},
		{"that somebody watches", somebody_watches, watching_is_noted},
		{0},
	};
	(void)state;
	follow_play(scenes);
	assert_true(took_ms < 1000); /* tests/kafka/feed.sh holds it to 100 ms */
	assert_true(follow_was_said("a record of " FEED " is left out"));
}

/* ---- an observer ---- */

static char document[1024];

static void drift_is_applied(void)
{
	char *reference = realpath(REFERENCE, NULL);
	assert_non_null(reference);
	snprintf(document, sizeof document,
		 "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
		 "  - name: watch\n    drift: {tensors: [x], reference: %s, window: %d, falseAlarms: 0.1 per 1000}\n"
		 "  output: {steps: [watch]}\n",
		 reference, WINDOW);
	free(reference);
	follow_apply("p", 0, document);
}

static bool p_runs(void)
{
	const struct engine_condition *conditions = follow_stand.conditions.conditions.items;
	for (size_t i = 0; i < follow_stand.conditions.conditions.count; i++)
		if (text_is(conditions[i].name, "p") && conditions[i].ready && conditions[i].version == 1)
			return true;
	return false;
}

static void a_moved_window_comes(void)
{
	for (int i = 0; i < WINDOW; i++) {
		char request[160];
		snprintf(request, sizeof request,
			 "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],\"datatype\":\"FP64\",\"data\":[%d.5,8.5]}]}", i % 3 + 5);
		follow_produce("sluice.default.pipeline.p.inputs", TEXT("k"), text_of(request));
	}
}

/* The newest verdict on the feed; its records are read from the beginning each time. */
static bool observer_has_fed(void)
{
	const struct reader_config config = {.brokers = follow_stand.config.brokers, .topic = FEED, .from_beginning = true};
	struct error error = {0};
	struct record record;
	struct feed_score read = {.verdict = DRIFT_LEARNING};
	struct reader *reader = reader_open(&config, &error);
	assert_non_null(reader);
	bool figured = false; /* after the verdict of the window, its figures */
	while (reader_next(reader, 100, &record, &error) && record.held) {
		figured = feed_key_is_figures(record.key);
		assert_true(figured || feed_score_decode(record.key, record.value, &read, &error));
		record_release(&record);
	}
	reader_close(reader);
	const struct last_verdict own = verdict_entry_get(entry_here(), ALL);
	return figured && read.verdict == DRIFT_FOUND && own.verdict == DRIFT_FOUND && read.score == own.score && own.score > 0 &&
	       strcmp(read.pipeline, "p") == 0 && strcmp(read.step, "watch") == 0;
}

static void an_observer_writes_its_last_verdict_to_the_feed(void **state)
{
	static const struct scene scenes[] = {
		{"a pipeline that watches", drift_is_applied, p_runs},
		{"a verdict on the feed", a_moved_window_comes, observer_has_fed},
		{0},
	};
	(void)state;
	follow_play(scenes);
}

#define OBSERVED "sluice.default.pipeline.p.stage.watch.observer"

/* How many records a topic has; to an observer, how many messages they are of. */
static size_t records_of(const char *topic)
{
	const struct reader_config config = {.brokers = follow_stand.config.brokers, .topic = topic, .from_beginning = true};
	struct error error = {0};
	struct record record;
	size_t count = 0;
	struct reader *reader = reader_open(&config, &error);
	assert_non_null(reader);
	while (reader_next(reader, 100, &record, &error) && record.held) {
		count += strcmp(topic, OBSERVED) == 0 ? sliced_rows(record.value) : 1;
		record_release(&record);
	}
	reader_close(reader);
	return count;
}

/* So many messages do not fit that a verdict says so. */
static void nothing_of_a_window_fits(void)
{
	for (int i = 0; i < WINDOW; i++)
		follow_produce("sluice.default.pipeline.p.inputs", TEXT("k"),
			       TEXT("{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"BYTES\",\"data\":[\"n/a\"]}]}"));
}

static bool two_verdicts_are_given(void)
{
	return records_of("sluice.default.pipeline.p.drift") == 2;
}

static void a_window_that_is_not_judged_leaves_the_feed(void **state)
{
	static const struct scene scenes[] = {
		{"a pipeline that watches", drift_is_applied, p_runs},
		{"a verdict on the feed", a_moved_window_comes, observer_has_fed},
		{"a verdict that judges nothing", nothing_of_a_window_fits, two_verdicts_are_given},
		{"the verdict before", NULL, observer_has_fed},
		{0},
	};
	(void)state;
	follow_play(scenes);
	assert_int_equal(records_of(FEED), 4); /* that its state began, and the first verdict, each with the figures */
}

/* ---- an engine that leaves observers to others ---- */

static bool p_has_answered_all(void)
{
	struct engine_counts counts;
	return engine_counts(follow_stand.engine, "p", &counts) && counts.sums.answered == WINDOW;
}

static int64_t answered_ms;

/* An observer would have closed the window by then. */
static bool a_second_has_passed(void)
{
	answered_ms = answered_ms ? answered_ms : clock_ms();
	return clock_ms() - answered_ms > 1000;
}

static int observers_off_open(void **state)
{
	const int opened = feed_open_with_topic(state);
	follow_stand.config.observers_off = true;
	return opened;
}

static void what_observers_would_read_waits_where_they_are_off(void **state)
{
	static const struct scene scenes[] = {
		{"a pipeline that watches", drift_is_applied, p_runs},
		{"answers", a_moved_window_comes, p_has_answered_all},
		{"a second", NULL, a_second_has_passed},
		{"marks by the feed", drift_is_fed, drift_is_known},
		{0},
	};
	(void)state;
	answered_ms = 0;
	follow_play(scenes);
	assert_int_equal(records_of(OBSERVED), WINDOW);
	assert_int_equal(records_of(FEED), 1); /* that of the test */
}

/* ---- a feed that cannot be read ---- */

static bool the_feed_is_missed(void)
{
	const struct engine_condition *conditions = follow_stand.conditions.conditions.items;
	for (size_t i = 0; i < follow_stand.conditions.conditions.count; i++)
		if (text_is(conditions[i].name, "one") && !conditions[i].ready &&
		    text_starts_with(conditions[i].why, TEXT("the feed cannot be read: ")))
			return true;
	return false;
}

static void plain_is_applied(void)
{
	follow_apply("p", 0,
		     "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
		     "spec:\n  steps: [{name: s, expression: {set: {y: x * 2}}}]\n  output: {steps: [s]}\n");
}

static void the_feed_comes(void)
{
	rd_kafka_mock_topic_set_error(follow_stand.mock.cluster, FEED, RD_KAFKA_RESP_ERR_NO_ERROR);
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	drift_is_fed();
}

static int feed_open_denied(void **state)
{
	const int opened = feed_open_with_topic(state);
	if (!mock_error_of_topic_crashes())
		rd_kafka_mock_topic_set_error(follow_stand.mock.cluster, FEED, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	return opened;
}

static void a_feed_that_cannot_be_read_holds_up_no_change(void **state)
{
	static const struct scene scenes[] = {
		{"its condition", NULL, the_feed_is_missed},
		{"a change", plain_is_applied, p_runs},
		{"the feed", the_feed_comes, drift_is_known},
		{0},
	};
	(void)state;
	if (mock_error_of_topic_crashes())
		skip();
	follow_play(scenes);
	assert_true(follow_was_said("the feed is read again"));
}

static void reading_is_denied(void)
{
	follow_deny_reading(16); /* each of the consumers meets one or more */
}

static bool the_feed_is_lost(void)
{
	return follow_was_said("the feed cannot be read: ");
}

static bool the_feed_is_read_again(void)
{
	return follow_was_said("the feed is read again");
}

static void a_reader_that_fails_is_replaced_and_what_was_known_stays(void **state)
{
	static const struct scene scenes[] = {
		{"drift", drift_is_fed, drift_is_known},
		{"a failure", reading_is_denied, the_feed_is_lost},
		{"what was known", NULL, drift_is_known},
		{"another reader", NULL, the_feed_is_read_again},
		{"a new verdict", steady_is_fed, steady_is_known},
		{0},
	};
	(void)state;
	follow_play(scenes);
}

int main(void)
{
#define STORY(name, open) cmocka_unit_test_setup_teardown(name, open, follow_close)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verdict_is_read_as_it_was_written),
		cmocka_unit_test(a_segment_is_part_of_the_key),
		cmocka_unit_test(the_lists_of_a_verdict_stay_behind),
		cmocka_unit_test(a_record_without_bytes_takes_a_verdict_back),
		cmocka_unit_test(every_cut_of_a_record_is_refused),
		cmocka_unit_test(keys_are_held_to_their_records),
		cmocka_unit_test(figures_are_read_as_they_were_written),
		cmocka_unit_test(figures_without_times_are_read_as_before),
		cmocka_unit_test(figures_without_an_area_are_read_as_before),
		cmocka_unit_test(a_verdict_has_a_schema_of_its_own),
		cmocka_unit_test(only_what_is_judged_is_due),
		STORY(what_another_engine_observed_is_known_here, feed_open_with_topic),
		STORY(an_observer_writes_its_last_verdict_to_the_feed, feed_open_with_topic),
		STORY(a_window_that_is_not_judged_leaves_the_feed, feed_open_with_topic),
		STORY(what_observers_would_read_waits_where_they_are_off, observers_off_open),
		STORY(a_reader_that_fails_is_replaced_and_what_was_known_stays, feed_open_with_topic),
		STORY(a_feed_that_cannot_be_read_holds_up_no_change, feed_open_denied),
	};
	engine_block_signals(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
