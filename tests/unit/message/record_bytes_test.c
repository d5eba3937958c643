/* record_bytes_test.c: The bytes of records that others have stored or read: a change of the code that writes them changes none.
 * Each record has all that its schema names; the expected bytes, by length and hash, are those that were written when each had
 * code of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "compiler/conditions/alert_record.h"
#include "base/hash.h"
#include "methods/outliers/covariance.h"
#include "message/records/dead_letter.h"
#include "message/records/explained.h"
#include "message/records/feed_record.h"
#include "message/records/feedback.h"
#include "message/records/importance_report.h"
#include "message/records/policy_record.h"
#include "tests/unit/arena_fixture.h"

static struct buffer out, key;
static struct error error;

static int begin(void **state)
{
	buffer_open(&out, 1 << 16);
	buffer_open(&key, 1 << 10);
	error = (struct error){0};
	return arena_begin(state);
}

static int end(void **state)
{
	buffer_close(&out);
	buffer_close(&key);
	return arena_end(state);
}

static void expect_bytes(bool good, size_t length, uint64_t hash)
{
	assert_true(good);
	assert_int_equal(out.length, length);
	assert_int_equal(hash_text(buffer_view(&out), 0), hash);
	buffer_clear(&out);
	buffer_clear(&key);
}

static void of_a_policy(void **state)
{
	static const struct text arms[] = {{"old", 3}, {"new", 3}};
	static const struct policy_feature features[] = {
		{.name = {"age", 3}, .center = 1.5, .width = 2, .count = 70000, .mean = -0.5, .squares = 3},
		{.name = {"side", 4}, .width = 1, .class_count = 2, .classes = arms}};
	static const struct policy_candidates lists[] = {{3, 2, arms}, {5, 1, arms}};
	static const struct origin positions[] = {{{"in.feedback", 11}, 2, 40}, {{"in.exposures", 12}, 300, 1LL << 40}};
	const struct policy_record record = {{"e", 1}, 7,   1000, 6, 2,		arms, 2,  features,
					     {"p", 1}, {"learner", 7}, 2, positions, 900,  2, lists, 70};
	(void)state;
	expect_bytes(policy_record_encode(&record, &out, &error), 187, UINT64_C(0x88d30b486b97a5c3));
	const struct policy_record empty = {.experiment = {"e", 1}};
	expect_bytes(policy_record_encode(&empty, &out, &error), 23, UINT64_C(0xa6370a464483bc14));
}

static void of_feedback(void **state)
{
	static const struct feedback_metric metrics[] = {{{"profit", 6}, 3.25}, {{"loss", 4}, -1}};
	const struct tensor *truth[2];
	struct tensor *made;
	void *elements;
	(void)state;
	made = tensor_make(arena, TEXT("label"), DATATYPE_INT64, (const int64_t[]){2}, 1, &elements, &error);
	assert_non_null(made);
	memcpy(elements, (const int64_t[]){1, 300}, 16);
	truth[0] = made;
	made = tensor_make(arena, TEXT("share"), DATATYPE_FP64, (const int64_t[]){1, 1}, 2, &elements, &error);
	assert_non_null(made);
	memcpy(elements, (const double[]){0.5}, 8);
	truth[1] = made;
	const struct feedback all = {.id = TEXT("r-1"),
				     .unit = TEXT("u"),
				     .experiment = TEXT("e"),
				     .feedback_id = TEXT("f-9"),
				     .origin = {TEXT("in"), 2, 1234567},
				     .time_ms = 1700000000000,
				     .has_reward = true,
				     .reward = 1.5,
				     .metric_count = 2,
				     .metrics = metrics,
				     .truth = {2, truth}};
	expect_bytes(feedback_encode(&all, &out, &error), 127, UINT64_C(0x4428098448648cc1));
	const struct feedback least = {.unit = TEXT("u"), .metric_count = 1, .metrics = metrics};
	expect_bytes(feedback_encode(&least, &out, &error), 36, UINT64_C(0x889c95c1f0b5c074));
}

static void of_dead_letters(void **state)
{
	struct error failure = {0};
	(void)state;
	error_set(&failure, ERROR_REMOTE, (struct place){"p.yaml", 12, 5}, "the model is away");
	static const struct header headers[] = {{{"content-type", 12}, {"application/json", 16}},
						{{"empty", 5}, {"", 0}},
						{{"none", 4}, {NULL, 0}}};
	const struct dead_letter letter = {.id = TEXT("r-1"),
					   .error = &failure,
					   .pipeline = "p",
					   .step = "score",
					   .attempts = 3,
					   .origin = {TEXT("in"), 2, 1234567},
					   .time_ms = 1700000000000,
					   .failed_ms = 1700000000500,
					   .key = TEXT("key"),
					   .headers = {3, headers},
					   .payload = TEXT("{\"inputs\": poison\0}")};
	const struct dead_letter least = {.error = &failure, .pipeline = "p"};
	expect_bytes(dead_letter_encode(&letter, &out, &error), 143, UINT64_C(0x5a2444deaae02b51));
	expect_bytes(dead_letter_encode(&least, &out, &error), 51, UINT64_C(0xbd6489c72ec077db));
}

static void of_importance(void **state)
{
	static const struct importance_feature features[] = {{{"age", 3}, 0.5}, {{"size", 4}, 0.25}};
	const struct importance_report report = {.pipeline = TEXT("p"),
						 .step = TEXT("why"),
						 .explained = TEXT("score"),
						 .method = TEXT("tree"),
						 .output = TEXT("predict[0]"),
						 .slice = 3,
						 .window = 70000,
						 .begin_ms = 11,
						 .end_ms = 22,
						 .explanations = 40,
						 .late = 5,
						 .left_out = 1,
						 .total = 0.75,
						 .feature_count = 2,
						 .features = features};
	(void)state;
	expect_bytes(importance_report_encode(&report, &out, &error), 82, UINT64_C(0x0bf9f53009df0074));
}

static bool explanation_print(void)
{
	struct explained_record read;
	const bool good = explained_read(buffer_view(&key), arena, &read);
	if (good)
		explained_record_write_json(&read, &out);
	return good;
}

static void of_explanations(void **state)
{
	static const struct text names[] = {{"age", 3}, {"size", 4}};
	static const struct text conditions[] = {{"age > 37", 8}, {"size is missing", 15}};
	static const struct explanation_rule rule = {.count = 2, .conditions = conditions, .precision = 0.97, .coverage = 0.25};
	double base[] = {1, 2}, prediction[] = {3, 4}, residual[] = {5, 6}, given[] = {7, 8, 9, 10}, errors[] = {0, 0.5, 0.25, 0};
	const struct message request = {.id = TEXT("r-1"), .origin = {TEXT("in"), 2, 1234567}};
	struct explained explained = {.step = "score",
				      .output = TEXT("predict"),
				      .row = 1,
				      .rows = 2,
				      .calls = 70,
				      .data = {.method = EXPLANATION_SAMPLED,
					       .scale = SCALE_LOG_ODDS,
					       .features = 2,
					       .outputs = 2,
					       .names = names,
					       .row = (const double[]){0.5, (double)NAN},
					       .base = base,
					       .prediction = prediction,
					       .residual = residual,
					       .contributions = given,
					       .errors = errors,
					       .asked = 10,
					       .answered = 7}};
	(void)state;
	expect_bytes(explained_encode(&explained, 1, &request, "p", &out, &error), 148, UINT64_C(0x1694ff347257dc7b));
	expect_bytes(explained_write_json(&explained, &request, "p", &out, &error), 626, UINT64_C(0xbcb155e937a75820));
	assert_true(explained_encode(&explained, 0, &request, "p", &key, &error));
	expect_bytes(explanation_print(), 289, UINT64_C(0x0bb5596b833ecb68));
	explained.data.rule = &rule;
	explained.data.features = 0;
	explained.data.scale = SCALE_ANSWER;
	explained.data.method = EXPLANATION_ANCHORS;
	const struct message placeless = {.id = TEXT("r-2")};
	expect_bytes(explained_encode(&explained, 0, &placeless, "p", &out, &error), 117, UINT64_C(0x1d37ff764cde8284));
	expect_bytes(explained_write_json(&explained, &request, "p", &out, &error), 486, UINT64_C(0x275dec53ed860c0f));
	assert_true(explained_encode(&explained, 0, &request, "p", &key, &error));
	expect_bytes(explanation_print(), 220, UINT64_C(0xb66b4cd3c5ed6c37));
}

static void of_alerts(void **state)
{
	static const struct alert_condition condition = {
		.name_count = 2, .names = {{"lag", 3}, {"is_drift", 8}}, .of_figures = true};
	struct alert_message message = {.status = "firing",
					.namespace = TEXT("default"),
					.pipeline = TEXT("p"),
					.alert = TEXT("moved"),
					.engine = TEXT("e"),
					.condition = TEXT("is_drift > 0"),
					.group = TEXT("venue"),
					.reason = TEXT("r"),
					.fired_at_ms = 1700000000000,
					.at_ms = 1700000000500,
					.figures_of = &condition,
					.values = alert_values_unknown()};
	(void)state;
	alert_value_set(&message.values, TEXT("lag"), 17);
	alert_value_set(&message.values, TEXT("is_drift"), 1);
	expect_bytes(alert_record_encode(&message, &out, &error), 141, UINT64_C(0xae625e16d0aefdae));
	message.figures_of = NULL;
	expect_bytes(alert_record_encode(&message, &out, &error), 111, UINT64_C(0xf7620abfb8a232a6));
}

static void of_drift(void **state)
{
	static const struct drift_statistic statistics[] = {{{"x.a", 3}, "ks", 0.5, 0.25, 0.75, 0.01, true},
							    {{"x.b", 3}, "psi", 0.5, 0.25, 0.75, (double)NAN, false}};
	static const struct drift_quality quality = {{"x.b", 3}, 37, 2, 1, 3, 4, true, true, true, false, true, false, true};
	static const struct drift_estimate estimates[] = {{"accuracy", 0.75, 0.5, 1}, {"auc", 0.8, 0.7, 0.9}};
	static const struct text lacking[] = {{"x.c", 3}}, side[] = {{"buy", 3}};
	static const struct drift_realisation realised[] = {{"accuracy", 30, 0.7, 0.75, 0.5, (double)NAN, "held"}};
	const struct drift_spread spreads[] = {
		{{"x.d", 3}, 1, (const double[]){0.5}, 0, NULL, 2, (const double[]){7, 8}, (const double[]){9, 10}},
		{{"side", 4}, 0, NULL, 1, side, 3, (const double[]){1, 2, 0}, (const double[]){3, 4, 5}}};
	struct drift_score score = {.pipeline = "p",
				    .step = "watch",
				    .segment = TEXT("venue"),
				    .identity = 77,
				    .window = 3,
				    .begin_ms = 11,
				    .end_ms = 22,
				    .messages = 40,
				    .unusable = 5,
				    .unusable_alarm = true,
				    .late = 6,
				    .beyond = 9,
				    .verdict = DRIFT_FOUND,
				    .score = 0.125,
				    .reference = "r.json",
				    .reference_rows = 400,
				    .statistic_count = 2,
				    .statistics = statistics,
				    .quality_count = 1,
				    .quality = &quality,
				    .spread_count = 2,
				    .spreads = spreads,
				    .estimated_rows = 39,
				    .estimate_count = 2,
				    .estimates = estimates,
				    .truths = 31,
				    .unfit = 2,
				    .unkept = 1,
				    .realised_count = 1,
				    .realised = realised,
				    .times = {"too short", 30.5, 20, INFINITY, 1500, (double)NAN, true, false},
				    .early = true,
				    .alarm_row = 17,
				    .alarm_ms = 1234,
				    .uncompared = "constants",
				    .lacking_count = 1,
				    .lacking = lacking};
	const struct drift_score least = {
		.pipeline = "p", .step = "w", .reference = "", .score = (double)NAN, .times = drift_times_unknown()};
	(void)state;
	expect_bytes(drift_score_encode(&score, &out, &error), 381, UINT64_C(0xdf49176e711ce5b0));
	expect_bytes(drift_score_encode(&least, &out, &error), 60, UINT64_C(0x425dabce562013ec));
	expect_bytes(feed_score_encode(&score, &key, &out, &error), 40, UINT64_C(0x3c32e447194d139d));
	expect_bytes(feed_figures_encode(&score, &key, &out, &error), 151, UINT64_C(0xf264df07fa1024e5));
	expect_bytes(feed_figures_encode(&least, &key, &out, &error), 96, UINT64_C(0x32d416bf625314e0));
	score.settled = true;
	expect_bytes(drift_score_encode(&score, &out, &error), 376, UINT64_C(0x6ec7d1a73a6767f2));
}

static void of_references_of_outliers(void **state)
{
	struct outlier_learnt learnt = {.pipeline = "p", .step = "odd", .identity = 99};
	(void)state;
	assert_true(covariance_open(&learnt.covariance, 2, arena));
	learnt.covariance.rows = 5;
	for (size_t i = 0; i < 2; i++)
		learnt.covariance.mean[i] = 1.5 + (double)i;
	for (size_t i = 0; i < 3; i++)
		learnt.covariance.products[i] = 7 + (double)i;
	expect_bytes(feed_outliers_encode(&learnt, &key, &out, &error), 64, UINT64_C(0x12e37273b977d4fc));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(of_a_policy, begin, end),
		cmocka_unit_test_setup_teardown(of_feedback, begin, end),
		cmocka_unit_test_setup_teardown(of_dead_letters, begin, end),
		cmocka_unit_test_setup_teardown(of_importance, begin, end),
		cmocka_unit_test_setup_teardown(of_explanations, begin, end),
		cmocka_unit_test_setup_teardown(of_alerts, begin, end),
		cmocka_unit_test_setup_teardown(of_drift, begin, end),
		cmocka_unit_test_setup_teardown(of_references_of_outliers, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
