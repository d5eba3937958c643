/* exposition_test.c: Tests of the text of metrics: what Prometheus is told of counts: names, labels that need escapes,
 * histograms, and the subjects that are beyond a limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "observe/exposition.h"
#include "monitor/metrics/board_metrics.h"
#include "monitor/metrics/engine_metrics.h"
#include "compiler/resources/resource.h"

#define BYTES ((size_t)1 << 22)

static const char *write_one(struct buffer *out, enum exposition_form form, enum metric_scope scope,
			     const struct metric_subject *subjects, size_t count)
{
	struct exposition exposition = {.out = out, .form = form};
	buffer_clear(out);
	exposition_write(&exposition, scope, subjects, count);
	exposition_end(&exposition);
	buffer_byte(out, '\0');
	assert_false(buffer_failed(out));
	return out->bytes;
}

static void a_label_cannot_end_its_line_or_its_quotes(void **state)
{
	(void)state;
	struct buffer out;
	buffer_open(&out, BYTES);
	const struct pipeline_counts counts = {.taken = 7};
	const struct metric_subject subject = {{TEXT("a\"} 1\nevil 1"), TEXT("back\\slash \xC3\xBC")}, &counts};
	const char *text = write_one(&out, EXPOSITION_TEXT, SCOPE_PIPELINE, &subject, 1);
	assert_non_null(strstr(text, "\nsluice_pipeline_requests_total{namespace=\"a\\\"} 1\\nevil 1\","
				     "pipeline=\"back\\\\slash \xC3\xBC\"} 7\n"));
	assert_null(strstr(text, "\nevil"));
	const struct metric_subject broken = {{TEXT("\xFF"), TEXT("x")}, &counts};
	text = write_one(&out, EXPOSITION_TEXT, SCOPE_PIPELINE, &broken, 1);
	assert_non_null(strstr(text, "{namespace=\"?\",pipeline=\"x\"} 7\n"));
	buffer_close(&out);
}

static void a_counter_has_its_total_where_each_format_wants_it(void **state)
{
	(void)state;
	struct buffer out;
	buffer_open(&out, BYTES);
	const struct process_state process = {.cpu_seconds = 1.5, .open_fds = NAN};
	const struct metric_subject subject = {.values = &process};
	const char *text = write_one(&out, EXPOSITION_TEXT, SCOPE_PROCESS, &subject, 1);
	assert_non_null(strstr(text, "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1.5\n"));
	assert_null(strstr(text, "# EOF"));
	assert_null(strstr(text, "# UNIT"));
	assert_null(strstr(text, "process_open_fds 0")); /* not known: no sample */
	text = write_one(&out, EXPOSITION_OPENMETRICS, SCOPE_PROCESS, &subject, 1);
	assert_non_null(strstr(text, "# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\n"
				     "process_cpu_seconds_total 1.5\n"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	buffer_close(&out);
}

static void buckets_of_a_histogram_grow_to_its_count(void **state)
{
	(void)state;
	struct buffer out;
	buffer_open(&out, BYTES);
	struct pipeline_counts counts = {0};
	duration_count(&counts.duration, 0);
	duration_count(&counts.duration, 1000); /* at a limit: within it */
	duration_count(&counts.duration, 1001);
	duration_count(&counts.duration, 30000000);
	duration_count(&counts.duration, 30000001);
	const struct metric_subject subject = {{TEXT("n"), TEXT("p")}, &counts};
	const char *text = write_one(&out, EXPOSITION_TEXT, SCOPE_PIPELINE, &subject, 1);
	assert_non_null(strstr(text, "_seconds_bucket{namespace=\"n\",pipeline=\"p\",le=\"0.001\"} 2\n"));
	assert_non_null(strstr(text, "le=\"0.0025\"} 3\n"));
	assert_non_null(strstr(text, "le=\"10.0\"} 3\n"));
	assert_non_null(strstr(text, "le=\"30.0\"} 4\n"));
	assert_non_null(strstr(text, "le=\"+Inf\"} 5\n"));
	assert_non_null(strstr(text, "_duration_seconds_sum{namespace=\"n\",pipeline=\"p\"} 60.002002\n"));
	assert_non_null(strstr(text, "_duration_seconds_count{namespace=\"n\",pipeline=\"p\"} 5\n"));
	buffer_close(&out);
}

static void errors_are_told_by_their_kind(void **state)
{
	(void)state;
	struct buffer out;
	buffer_open(&out, BYTES);
	const struct step_counts counts = {.duration = {.buckets = {4, 5}}, .errors = {1, 2, 3, 4, 5}};
	const struct metric_subject subject = {{TEXT("n"), TEXT("p"), TEXT("s")}, &counts};
	const char *text = write_one(&out, EXPOSITION_TEXT, SCOPE_STEP, &subject, 1);
	assert_non_null(strstr(text, "sluice_step_messages_total{namespace=\"n\",pipeline=\"p\",step=\"s\"} 9\n"));
	assert_non_null(strstr(text, "step=\"s\",kind=\"CONFIG\"} 1\n"));
	assert_non_null(strstr(text, "step=\"s\",kind=\"LIMIT\"} 4\n"));
	assert_non_null(strstr(text, "step=\"s\",kind=\"SYSTEM\"} 5\n"));
	buffer_close(&out);
}

static size_t lines_with(const char *text, const char *word)
{
	size_t count = 0;
	for (const char *at = text; (at = strstr(at, word)); at++)
		count++;
	return count;
}

static void a_subject_has_as_many_series_as_it_claims(void **state)
{
	(void)state;
	struct buffer out;
	static uint64_t values[256]; /* larger than each struct of counts */
	buffer_open(&out, BYTES);
	for (enum metric_scope scope = 0; scope < METRIC_SCOPES; scope++) {
		const struct metric_subject subject = {{TEXT("a"), TEXT("b"), TEXT("c")}, values};
		const char *text = write_one(&out, EXPOSITION_TEXT, scope, &subject, 1);
		assert_int_equal(lines_with(text, "\n") - lines_with(text, "# "), metric_series_count(scope));
	}
	buffer_close(&out);
}

static void subjects_beyond_the_limit_are_summed_as_other(void **state)
{
	(void)state;
	enum { COUNT = 6 };
	struct arena *arena = arena_open(BYTES);
	struct step_counts counts[COUNT];
	const char *const names[COUNT] = {"a", SUBJECT_OTHER, "b", "c", "d", "e"};
	struct metric_subject subjects[COUNT];
	for (size_t most = 1; most <= COUNT + 1; most++) {
		uint64_t sum = 0;
		for (size_t i = 0; i < COUNT; i++) {
			counts[i] = (struct step_counts){.duration = {.sum_us = (uint64_t)1 << i}};
			subjects[i] = (struct metric_subject){{TEXT("n"), TEXT("p"), text_of(names[i])}, &counts[i]};
		}
		size_t kept = metric_subjects_fold(subjects, COUNT, most, SCOPE_STEP, COUNT_WORDS_APART(struct step_counts), arena);
		assert_true(kept <= most);
		assert_int_equal(kept, most < COUNT ? most : COUNT);
		for (size_t i = 0; i < kept; i++) {
			sum += ((const struct step_counts *)subjects[i].values)->duration.sum_us;
			for (size_t j = 0; j < i; j++)
				assert_false(text_equal(subjects[i].labels[2], subjects[j].labels[2]));
		}
		assert_int_equal(sum, 63);
		if (most < COUNT)
			assert_true(text_is(subjects[kept - 1].labels[2], SUBJECT_OTHER));
	}
	arena_close(arena);
}

/* However many steps `drift` and alerts there are, steps are folded, and the limit holds as long as one has a place. */
static void a_pipeline_keeps_its_limit(void **state)
{
	(void)state;
	const size_t fixed = metric_series_count(SCOPE_PIPELINE) + metric_series_count(SCOPE_PIPELINE_NOW) + PIPELINE_MODEL_SERIES +
			     PIPELINE_GATEWAY_SERIES;
	for (size_t alerts = 0; alerts <= ALERTS_MAX; alerts++)
		for (size_t drifts = 0; drifts <= 300; drifts++)
			for (size_t seldon = 0, weighers = drifts % 7, mirrors = drifts % 5; seldon < 2; seldon++) {
				const size_t metrics = drifts % (METRICS_MAX + 1);
				const size_t most = pipeline_steps_most(drifts, weighers, mirrors, alerts, metrics, seldon);
				const size_t series =
					fixed + seldon * PIPELINE_SELDON_SERIES + (metrics > 0) * PIPELINE_METRIC_SERIES +
					metrics * metric_series_count(SCOPE_METRIC) + alerts * metric_series_count(SCOPE_ALERT) +
					drifts * (metric_series_count(SCOPE_DRIFT) + metric_series_count(SCOPE_DRIFT_FEATURE)) +
					mirrors * metric_series_count(SCOPE_MIRROR) +
					weighers * IMPORTANCE_SERIES * metric_series_count(SCOPE_IMPORTANCE) +
					most * metric_series_count(SCOPE_STEP);
				assert_in_range(most, 1, PIPELINE_SERIES_MAX / metric_series_count(SCOPE_STEP));
				assert_true(series <= PIPELINE_SERIES_MAX || most == 1);
				assert_true(series + metric_series_count(SCOPE_STEP) >
					    PIPELINE_SERIES_MAX); /* and none is wasted */
			}
}

static void the_format_is_the_one_that_is_accepted(void **state)
{
	(void)state;
	static const struct {
		const char *accept;
		enum exposition_form form;
	} cases[] = {
		{"", EXPOSITION_TEXT},
		{"*/*", EXPOSITION_TEXT},
		{"text/plain", EXPOSITION_TEXT},
		{"application/openmetrics-text", EXPOSITION_OPENMETRICS},
		{"application/openmetrics-text; version=1.0.0; charset=utf-8", EXPOSITION_OPENMETRICS},
		{"Application/OpenMetrics-Text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1",
		 EXPOSITION_OPENMETRICS},
		{"application/openmetrics-text;q=0.3, text/plain;q=0.9", EXPOSITION_TEXT},
		{"application/openmetrics-text;q=0", EXPOSITION_TEXT},
		{"application/openmetrics-texts", EXPOSITION_TEXT},
		{",,;q=1,", EXPOSITION_TEXT},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(exposition_negotiate(text_of(cases[i].accept)), cases[i].form);
	assert_int_equal(exposition_negotiate((struct text){0}), EXPOSITION_TEXT);
}

/* The rules of promtool, and of OpenMetrics. */
static void names_in_the_table_follow_the_rules_of_prometheus(void **state)
{
	(void)state;
	for (const struct metric *row = metric_rows; row->name; row++) {
		size_t length = strlen(row->name);
		bool total = length > 6 && strcmp(row->name + length - 6, "_total") == 0;
		assert_int_equal(total, row->kind == METRIC_COUNTER);
		assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz_"), length);
		assert_true(strlen(row->help) > 10);
		if (row->unit) {
			char ending[64];
			(void)snprintf(ending, sizeof ending, "_%s%s", row->unit, total ? "_total" : "");
			assert_string_equal(row->name + length - strlen(ending), ending);
		}
		for (const struct metric *other = row + 1; other->name; other++)
			assert_string_not_equal(row->name, other->name);
	}
}

/* The search for a bucket begins by the bits of the duration: it finds the same one as a search through all. */
static void each_duration_is_counted_in_its_bucket(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 64; bits++)
		for (size_t i = 0; i <= DURATION_LIMITS; i++)
			for (uint64_t beside = 0; beside < 3; beside++) {
				const uint64_t near = i < DURATION_LIMITS ? duration_limits_us[i] : (uint64_t)1 << bits;
				const uint64_t us = near + beside - 1;
				struct duration_counts found = {0}, wanted = {0};
				duration_count(&found, us);
				duration_count_within(&wanted, duration_limits_us, us);
				assert_memory_equal(&found, &wanted, sizeof found);
			}
}

/* ---- declared metrics ---- */

static const char *write_series(struct buffer *out, enum exposition_form form, enum series_type type, const double *buckets,
				double sum)
{
	const struct series_form counted = {.type = type, .bucket_count = buckets ? 2 : 0, .buckets = buckets, .places = 1};
	const struct exposed_series family = {.name = "profit", .form = &counted, .namespace = TEXT("n"), .pipeline = TEXT("p")};
	struct series_sum series = {.count = 3, .buckets = {1, 1, 1}};
	struct exposition exposition = {.out = out, .form = form};
	memcpy(&series.sum, &sum, sizeof sum);
	buffer_clear(out);
	exposition_series_begin(&exposition, &family);
	exposition_series(&exposition, &family, &series);
	buffer_byte(out, '\0');
	assert_false(buffer_failed(out));
	return out->bytes;
}

/* OpenMetrics 1.0: sums are counters, so they "MUST NOT be NaN or negative"; with negative buckets there "MUST NOT" be a sum; and
 * of a histogram `_count` is there if and only if the sum is. The format of Prometheus has no such rule. */
static void a_sum_that_may_fall_is_no_sample_of_openmetrics(void **state)
{
	(void)state;
	static const double negative[] = {-10, 10}, others[] = {0, 10};
	static const struct {
		enum series_type type;
		const double *buckets;
		double sum;
		bool sum_shown, count_shown;
	} rows[] = {
		{SERIES_HISTOGRAM, negative, 5, false, false}, {SERIES_HISTOGRAM, negative, -5, false, false},
		{SERIES_HISTOGRAM, others, -5, false, false},  {SERIES_HISTOGRAM, others, NAN, false, false},
		{SERIES_HISTOGRAM, others, 0, true, true},     {SERIES_HISTOGRAM, others, 5, true, true},
		{SERIES_SUMMARY, NULL, -5, false, true},       {SERIES_SUMMARY, NULL, 5, true, true},
	};
	struct buffer out;
	buffer_open(&out, BYTES);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *text = write_series(&out, EXPOSITION_OPENMETRICS, rows[i].type, rows[i].buckets, rows[i].sum);
		assert_int_equal(strstr(text, "\nprofit_sum{") != NULL, rows[i].sum_shown);
		assert_int_equal(strstr(text, "\nprofit_count{") != NULL, rows[i].count_shown);
		assert_int_equal(strstr(text, "le=\"+Inf\"} 3\n") != NULL, rows[i].buckets != NULL);
		text = write_series(&out, EXPOSITION_TEXT, rows[i].type, rows[i].buckets, rows[i].sum);
		assert_non_null(strstr(text, "\nprofit_sum{"));
		assert_non_null(strstr(text, "\nprofit_count{namespace=\"n\",pipeline=\"p\"} 3\n"));
	}
	buffer_close(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_duration_is_counted_in_its_bucket),
		cmocka_unit_test(a_label_cannot_end_its_line_or_its_quotes),
		cmocka_unit_test(a_counter_has_its_total_where_each_format_wants_it),
		cmocka_unit_test(buckets_of_a_histogram_grow_to_its_count),
		cmocka_unit_test(errors_are_told_by_their_kind),
		cmocka_unit_test(a_subject_has_as_many_series_as_it_claims),
		cmocka_unit_test(subjects_beyond_the_limit_are_summed_as_other),
		cmocka_unit_test(a_pipeline_keeps_its_limit),
		cmocka_unit_test(the_format_is_the_one_that_is_accepted),
		cmocka_unit_test(a_sum_that_may_fall_is_no_sample_of_openmetrics),
		cmocka_unit_test(names_in_the_table_follow_the_rules_of_prometheus),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
