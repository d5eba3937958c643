/* States of alerts, and windows of figures, on a virtual clock. */
#include "compiler/conditions/alert.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/conditions/alert_condition.h"
#include "compiler/conditions/figure_window.h"
#include "base/memory.h"
#include "compiler/step/step.h"

#define S 1000
#define NOON INT64_C(1767225600000)

static const struct alert_judgement yes = {.held = true}, no = {.broken = true}, unknown = {0},
				    both = {.held = true, .broken = true};

/* Judges at that second; the notice that is due then. */
static enum alert_notice judge(struct alert *alert, const struct alert_rule *rule, struct alert_judgement judgement, int64_t second)
{
	alert_judge(alert, rule, judgement, (struct alert_time){second * S, NOON + second * S});
	return alert_notice_due(alert);
}

static void an_alert_without_for_fires_at_once_and_resolves_after_its_time(void **state)
{
	(void)state;
	const struct alert_rule rule = {.resolve_after_ms = 10 * S};
	struct alert alert = {0};
	assert_int_equal(judge(&alert, &rule, no, 1), NOTICE_NONE);
	assert_int_equal(judge(&alert, &rule, yes, 2), NOTICE_FIRING);
	assert_int_equal(alert.fired_at_ms, NOON + 2 * S);
	assert_int_equal(judge(&alert, &rule, yes, 3), NOTICE_NONE);
	for (int64_t second = 4; second < 13; second++)
		assert_int_equal(judge(&alert, &rule, no, second), NOTICE_NONE);
	assert_int_equal(judge(&alert, &rule, no, 13), NOTICE_RESOLVED);
	assert_int_equal(judge(&alert, &rule, no, 14), NOTICE_NONE);
	assert_int_equal(alert.phase, ALERT_INACTIVE);
}

/* So that a message which is processed again has the id of before. */
static void a_firing_has_the_time_of_the_message_that_began_it(void **state)
{
	(void)state;
	const struct alert_judgement by_message = {.held = true, .at_ms = NOON - 7 * S};
	const struct alert_rule rule = {.resolve_after_ms = 10 * S}, waits = {.for_ms = S, .resolve_after_ms = 10 * S};
	struct alert alert = {0}, waiting = {0};
	assert_int_equal(judge(&alert, &rule, by_message, 1), NOTICE_FIRING);
	assert_int_equal(alert.fired_at_ms, NOON - 7 * S);
	assert_int_equal(judge(&alert, &rule, (struct alert_judgement){.held = true, .at_ms = NOON}, 2), NOTICE_NONE);
	assert_int_equal(alert.fired_at_ms, NOON - 7 * S);
	(void)judge(&waiting, &waits, by_message, 1);
	assert_int_equal(judge(&waiting, &waits, by_message, 2), NOTICE_FIRING);
	assert_int_equal(waiting.fired_at_ms, NOON + 2 * S); /* no message began it, but the time in which all held */
}

static void a_pending_alert_fires_when_all_judgements_held_for_its_time(void **state)
{
	(void)state;
	const struct alert_rule rule = {.for_ms = 5 * S, .resolve_after_ms = 10 * S};
	struct alert alert = {0};
	for (int64_t second = 0; second < 5; second++)
		assert_int_equal(judge(&alert, &rule, yes, second), NOTICE_NONE);
	assert_int_equal(alert.phase, ALERT_PENDING);
	assert_int_equal(judge(&alert, &rule, yes, 5), NOTICE_FIRING);
}

static void one_false_judgement_ends_what_is_pending(void **state)
{
	(void)state;
	const struct alert_rule rule = {.for_ms = 5 * S, .resolve_after_ms = 10 * S};
	struct alert alert = {0};
	judge(&alert, &rule, yes, 0);
	judge(&alert, &rule, no, 4);
	assert_int_equal(alert.phase, ALERT_INACTIVE);
	judge(&alert, &rule, yes, 5);
	judge(&alert, &rule, both, 8);
	assert_int_equal(alert.phase, ALERT_PENDING);
	assert_int_equal(judge(&alert, &rule, yes, 12), NOTICE_NONE);
	assert_int_equal(judge(&alert, &rule, yes, 13), NOTICE_FIRING);
}

static void a_missing_value_neither_fires_nor_keeps_firing(void **state)
{
	(void)state;
	const struct alert_rule rule = {.for_ms = 2 * S, .resolve_after_ms = 3 * S};
	struct alert alert = {0};
	judge(&alert, &rule, yes, 0);
	assert_int_equal(judge(&alert, &rule, unknown, 9), NOTICE_NONE);
	assert_int_equal(judge(&alert, &rule, yes, 10), NOTICE_FIRING);
	assert_int_equal(judge(&alert, &rule, unknown, 12), NOTICE_NONE);
	assert_int_equal(judge(&alert, &rule, unknown, 13), NOTICE_RESOLVED);
}

static void clocks_that_jump_move_neither_a_firing_nor_its_end(void **state)
{
	(void)state;
	const struct alert_rule rule = {.for_ms = 2 * S, .resolve_after_ms = 10 * S};
	const int64_t day = INT64_C(86400) * S;
	struct alert alert = {0};
	alert_judge(&alert, &rule, yes, (struct alert_time){100 * S, NOON});
	alert_judge(&alert, &rule, yes, (struct alert_time){101 * S, NOON - day});
	assert_int_equal(alert.phase, ALERT_PENDING);
	alert_judge(&alert, &rule, yes, (struct alert_time){40 * S, NOON + day});
	assert_int_equal(alert.phase, ALERT_PENDING);
	alert_judge(&alert, &rule, yes, (struct alert_time){102 * S, NOON + day});
	assert_int_equal(alert.phase, ALERT_FIRING);
	assert_int_equal(alert_notice_due(&alert), NOTICE_FIRING);
	alert_judge(&alert, &rule, no, (struct alert_time){111 * S, NOON + 9 * day});
	assert_int_equal(alert.phase, ALERT_FIRING);
	assert_int_equal(alert.fired_at_ms, NOON + day);
	alert_judge(&alert, &rule, no, (struct alert_time){112 * S, NOON - 9 * day});
	assert_int_equal(alert.phase, ALERT_INACTIVE);
}

static void a_wait_that_begins_at_an_earlier_time_is_not_shorter(void **state)
{
	(void)state;
	const struct alert_rule rule = {.for_ms = 2 * S, .resolve_after_ms = 10 * S};
	struct alert alert = {0};
	judge(&alert, &rule, no, 100);
	judge(&alert, &rule, yes, 40);
	assert_int_equal(judge(&alert, &rule, yes, 101), NOTICE_NONE);
	assert_int_equal(judge(&alert, &rule, yes, 102), NOTICE_FIRING);
}

/* Else the end would have the id of the next firing, and the receiver's incident stay open. */
static void an_alert_fires_anew_when_its_end_was_due(void **state)
{
	(void)state;
	struct alert alert = {0};
	const struct alert_rule rule = {0};
	const struct alert_judgement held = {.held = true};
	alert_judge(&alert, &rule, held, (struct alert_time){1000, 1000});
	assert_int_equal(alert_notice_due(&alert), NOTICE_FIRING);
	alert.phase = ALERT_INACTIVE; /* as when its condition is another one */
	alert_judge(&alert, &rule, held, (struct alert_time){2000, 2000});
	assert_int_equal(alert_notice_due(&alert), NOTICE_RESOLVED);
	assert_int_equal(alert.fired_at_ms, 1000);
	alert_judge(&alert, &rule, held, (struct alert_time){3000, 3000});
	assert_int_equal(alert_notice_due(&alert), NOTICE_FIRING);
	assert_int_equal(alert.fired_at_ms, 3000);
}

static void an_id_belongs_to_one_firing(void **state)
{
	(void)state;
	char id[ALERT_ID_BYTES], other[ALERT_ID_BYTES];
	const struct text slow[] = {TEXT("default"), TEXT("p"), TEXT("slow"), TEXT("e"), TEXT("")};
	const struct text quick[] = {TEXT("default"), TEXT("p"), TEXT("quick"), TEXT("e"), TEXT("")};
	const struct text of_group[] = {TEXT("default"), TEXT("p"), TEXT("slow"), TEXT("e"), TEXT("g")};
	alert_id(slow, NOON, id);
	alert_id(slow, NOON, other);
	assert_string_equal(id, other);
	assert_int_equal(strlen(id), ALERT_ID_BYTES - 1);
	alert_id(slow, NOON + 1, other);
	assert_string_not_equal(id, other);
	alert_id(quick, NOON, other);
	assert_string_not_equal(id, other);
	alert_id(of_group, NOON, other);
	assert_string_not_equal(id, other);
}

/* ---- figures ---- */

static struct alert_values add(struct figure_window *window, int64_t second, uint64_t succeeded, uint64_t failed)
{
	struct figure_sample sample = {.now_ms = second * S, .succeeded = succeeded, .failed = failed};
	struct alert_values values;
	for (uint64_t i = 0; i < succeeded + failed; i++)
		histogram_record(&sample.latency, i < succeeded ? 8000 : 512000);
	figure_window_add(window, &sample, &values);
	return values;
}

static void figures_are_of_the_window(void **state)
{
	(void)state;
	struct figure_window *window = memory_take(1, sizeof *window);
	window->over_ms = 10 * S;
	struct alert_values values = add(window, 0, 100, 100);
	assert_true(isnan(values.error_rate) && isnan(values.latency_p95) && values.requests == 0.0);
	values = add(window, 5, 190, 110);
	assert_true(values.requests == 100.0 && values.errors == 10.0 && values.error_rate == 0.1);
	assert_true(values.latency_p50 < 10 && values.latency_p99 > 500);
	values = add(window, 10, 190, 110);
	assert_true(values.error_rate == 0.1);
	values = add(window, 15, 191, 110);
	assert_true(values.error_rate == 0.0 && values.requests == 1.0);
	values = add(window, 1000, 191, 110);
	assert_true(isnan(values.error_rate) && values.errors == 0.0);
	for (const struct alert_value_row *row = alert_value_rows; row->name; row++) { /* the rest is read elsewhere */
		const double *value = (const double *)(const void *)((const char *)&values + row->offset);
		if (strcmp(row->name, "requests") != 0 && strcmp(row->name, "errors") != 0 && !isnan(*value))
			fail_msg("%s is known without results", row->name);
	}
	memory_give(window);
}

/* Of the messages that a step has looked at in the window. */
static void the_rate_of_outliers_is_of_the_window(void **state)
{
	(void)state;
	struct figure_window *window = memory_take(1, sizeof *window);
	struct alert_values values;
	window->over_ms = 10 * S;
	for (int64_t second = 0; second <= 30; second += 5) {
		const uint64_t flagged = second <= 10 ? (uint64_t)second : 10;
		const struct figure_sample sample = {
			.now_ms = second * S, .flagged = flagged, .unflagged = (uint64_t)(second <= 20 ? 3 * second : 60)};
		figure_window_add(window, &sample, &values);
		const double expected[] = {NAN, 0.25, 0.25, 5.0 / 35, 0, 0, NAN};
		assert_true(isnan(expected[second / 5]) ? isnan(values.outlier_rate) : values.outlier_rate == expected[second / 5]);
	}
	memory_give(window);
}

/* Of the copies that were compared in the window, and of all of them. */
static void rates_of_mirrors_are_of_the_window(void **state)
{
	static const struct {
		uint64_t alike, different, left_out;
		double disagreement, outside;
	} rows[] = {{10, 10, 10, NAN, NAN},
		    {13, 11, 10, 0.25, 0},
		    {13, 11, 16, 0.25, 0.6},
		    {13, 11, 16, NAN, 1},
		    {13, 11, 16, NAN, NAN}};
	(void)state;
	struct figure_window *window = memory_take(1, sizeof *window);
	struct alert_values values;
	window->over_ms = 10 * S;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct figure_sample sample = {.now_ms = 5 * (int64_t)i * S,
						     .alike = rows[i].alike,
						     .different = rows[i].different,
						     .left_out = rows[i].left_out};
		figure_window_add(window, &sample, &values);
		const double disagreement = values.mirror_disagreement_rate, outside = values.mirror_left_out_rate;
		assert_true(isnan(rows[i].disagreement) ? isnan(disagreement) : disagreement == rows[i].disagreement);
		assert_true(isnan(rows[i].outside) ? isnan(outside) : outside == rows[i].outside);
	}
	memory_give(window);
}

static void a_long_window_keeps_few_samples(void **state)
{
	(void)state;
	struct figure_window *window = memory_take(1, sizeof *window);
	window->over_ms = 3600 * S;
	for (int64_t second = 0; second <= 7200; second++) {
		struct figure_sample sample = {.now_ms = second * S, .succeeded = (uint64_t)second};
		struct alert_values values;
		sample.failed = second > 3600 ? (uint64_t)second - 3600 : 0;
		figure_window_add(window, &sample, &values);
		assert_true(values.errors == (double)(second > 3600 ? second - 3600 : 0));
	}
	assert_true(window->count <= FIGURE_SAMPLES + 1);
	memory_give(window);
}

/* Of a counter the sum in the window, of a histogram or summary the mean, and of a gauge the latest. */
static void metrics_are_of_the_window(void **state)
{
	(void)state;
	struct figure_window *window = memory_take(1, sizeof *window);
	struct alert_values values;
	window->over_ms = 60 * S;
	for (int64_t second = 0; second <= 120; second++) {
		const uint64_t count = (uint64_t)second;
		const struct figure_sample sample = {.now_ms = second * S,
						     .metric_count = 3,
						     .metrics = {{TEXT("c"), SERIES_COUNTER, count, 2.0 * (double)count, 2},
								 {TEXT("h"), SERIES_HISTOGRAM, count, 2.0 * (double)count, 2},
								 {TEXT("g"), SERIES_GAUGE, count, 2.0 * (double)count, 5}}};
		figure_window_add(window, &sample, &values);
		assert_true(alert_value_get(&values, TEXT("c")) == 2.0 * (double)(second < 60 ? second : 60));
		assert_true(second == 0 ? isnan(alert_value_get(&values, TEXT("h"))) : alert_value_get(&values, TEXT("h")) == 2);
		assert_true(second == 0 ? isnan(alert_value_get(&values, TEXT("g"))) : alert_value_get(&values, TEXT("g")) == 5);
		assert_true(isnan(alert_value_get(&values, TEXT("other"))));
	}
	const struct figure_sample anew = {.now_ms = 121 * S,
					   .metric_count = 3,
					   .metrics = {{TEXT("c"), SERIES_COUNTER, 3, 7, 2},
						       {TEXT("h"), SERIES_SUMMARY, 200, 800, 2},
						       {TEXT("g"), SERIES_GAUGE, 1, 5, 6}}};
	figure_window_add(window, &anew, &values);
	assert_true(alert_value_get(&values, TEXT("c")) == 7);
	assert_true(alert_value_get(&values, TEXT("h")) == 4);
	assert_true(alert_value_get(&values, TEXT("g")) == 6);
	memory_give(window);
}

/* ---- conditions ---- */

/* A list of names with a comma behind each. */
static bool name_is_listed(const void *metrics, struct text name)
{
	char wanted[64];
	snprintf(wanted, sizeof wanted, TEXT_FORMAT ",", TEXT_ARGUMENTS(name));
	return strstr(metrics, wanted) != NULL;
}

static struct alert_condition condition_with(const char *text, const struct alert_sources *sources, struct arena *arena)
{
	struct alert_condition condition;
	struct error error = {0};
	const struct expression *expression = expression_compile(arena, text_of(text), PLACE_NONE, USE_OPERATION, &error);
	assert_non_null(expression);
	assert_true(alert_condition_make(&condition, expression, sources, arena));
	return condition;
}

static struct alert_condition condition_of(const char *text, unsigned figures, struct arena *arena)
{
	return condition_with(text, &(struct alert_sources){.figures = figures}, arena);
}

static void a_condition_uses_figures_or_messages(void **state)
{
	(void)state;
	struct arena *arena = arena_open(1 << 20);
	assert_true(condition_of("latency_p95 > 200 or error_rate > 0.01", 0, arena).of_figures);
	assert_false(condition_of("drift_score > 0.05", 0, arena).of_figures);
	assert_true(condition_of("drift_score > 0.05", FIGURES_OF_DRIFT, arena).of_figures);
	assert_true(text_is(condition_of("drift_score > 0.05 and lag > 3", 0, arena).mixed, "drift_score"));
	assert_int_equal(condition_of("errors > 3 and is_drift == 1", FIGURES_OF_DRIFT, arena).mixed.length, 0);
	assert_true(condition_of("outlier_rate > 0.1", FIGURES_OF_OUTLIERS, arena).uses_rate);
	assert_false(condition_of("outlier_rate > 0.1", FIGURES_OF_DRIFT, arena).of_figures);
	assert_false(condition_of("errors > 1", FIGURES_OF_OUTLIERS, arena).uses_rate);
	assert_true(condition_of("estimated_accuracy < 0.9 and missing_share > 0", FIGURES_OF_DRIFT, arena).of_figures);
	assert_true(condition_of("messages_per_minute < 10 or newest_age_ms > 5000", FIGURES_OF_DRIFT, arena).of_figures);
	assert_true(condition_of("estimated_auc < 0.7 or estimated_error > 3", FIGURES_OF_DRIFT, arena).of_figures);
	assert_false(condition_of("messages_per_minute < 10", FIGURES_OF_OUTLIERS, arena).of_figures);
	arena_close(arena);
}

/* A metric that the pipeline declares is a figure, unless it has the name of one. */
static void a_declared_metric_is_a_figure(void **state)
{
	(void)state;
	struct arena *arena = arena_open(1 << 20);
	const struct alert_sources sources = {.declares = name_is_listed, .metrics = "orders,price,requests,"};
	struct alert_condition condition = condition_with("orders > 3 and requests > 5", &sources, arena);
	assert_true(condition.of_figures);
	assert_int_equal(condition.mixed.length, 0);
	assert_int_equal(condition.metric_count, 1);
	struct alert_values values = alert_values_unknown();
	values.requests = 6;
	struct alert_judgement judged = alert_condition_of_figures(&condition, &values, "p", NOON, arena);
	assert_true(!judged.held && !judged.broken); /* it is not known */
	alert_value_set(&values, TEXT("orders"), 4);
	judged = alert_condition_of_figures(&condition, &values, "p", NOON, arena);
	assert_true(judged.held && !judged.broken);
	assert_false(alert_condition_has_segments(&condition));
	condition = condition_with("(price ?? 0) < 1", &sources, arena);
	judged = alert_condition_of_figures(&condition, &values, "p", NOON, arena);
	assert_true(condition.of_figures && judged.held);
	assert_true(text_is(condition_with("orders > 3 and y > 5", &sources, arena).mixed, "y"));
	assert_false(condition_with("s.orders > 3", &sources, arena).of_figures); /* a tensor */
	arena_close(arena);
}

static void a_condition_has_eight_metrics_at_most(void **state)
{
	(void)state;
	struct arena *arena = arena_open(1 << 20);
	const struct alert_sources sources = {.declares = name_is_listed, .metrics = "a,b,c,d,e,f,g,h,i,"};
	assert_int_equal(condition_with("a+b+c+d+e+f+g+h+h > 0", &sources, arena).mixed.length, 0);
	assert_true(text_is(condition_with("a+b+c+d+e+f+g+h+i > 0", &sources, arena).mixed, "i"));
	struct alert_values values = alert_values_unknown();
	for (size_t i = 0; i < ALERT_METRICS_MAX + 1; i++)
		alert_value_set(&values, (struct text){&"abcdefghi"[i], 1}, (double)i);
	assert_true(alert_value_get(&values, TEXT("h")) == 7);
	assert_true(isnan(alert_value_get(&values, TEXT("i"))));
	arena_close(arena);
}

/* A row without a score was not judged: it is no outlier, and not usual either. */
static void outliers_are_counted_among_what_was_judged(void **state)
{
	(void)state;
	static const struct monitor_rules rules = {.flag = "odd", .score = "score"}, rules_without = {.flag = "odd"};
	static const struct step_kind kind = {.monitors = &rules}, plain = {.monitors = &rules_without};
	static const uint8_t flags[] = {1, 0, 0};
	static const double scores[] = {9, 1, NAN};
	const int64_t shape[] = {3};
	const struct tensor flagged = {
		.name = TEXT("odd"), .datatype = DATATYPE_BOOL, .shape = shape, .rank = 1, .data = flags, .count = 3};
	const struct tensor scored = {
		.name = TEXT("score"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 1, .data = scores, .count = 3};
	const struct tensor *items[] = {&flagged, &scored};
	const struct payload payload = {.tensors = {2, items}}, unscored = {.tensors = {1, items}};
	struct alert_flags counted = alert_flags_of(&kind, &payload);
	assert_true(counted.raised == 1 && counted.others == 1);
	counted = alert_flags_of(&kind, &unscored);
	assert_true(counted.raised == 1 && counted.others == 2);
	counted = alert_flags_of(&plain, &payload);
	assert_true(counted.raised == 1 && counted.others == 2);
}

static void missing_figures_are_not_judged_unless_the_condition_says_otherwise(void **state)
{
	(void)state;
	struct arena *arena = arena_open(1 << 20);
	const struct alert_values values = {.error_rate = NAN, .requests = 7, .latency_p95 = NAN, .drift_score = NAN};
	struct alert_condition condition = condition_of("error_rate > 0.01", 0, arena);
	struct alert_judgement judged = alert_condition_of_figures(&condition, &values, "p", NOON, arena);
	assert_true(!judged.held && !judged.broken);
	condition = condition_of("(error_rate ?? 1) > 0.01 and requests == 7", 0, arena);
	judged = alert_condition_of_figures(&condition, &values, "p", NOON, arena);
	assert_true(judged.held && !judged.broken);
	arena_close(arena);
}

static void the_short_form_takes_the_first_element_of_a_tensor(void **state)
{
	(void)state;
	struct arena *arena = arena_open(1 << 20);
	const struct tensor score = {.name = TEXT("drift_score"), .shape = (const int64_t[]){2}, .data = (const double[]){0.2, 0.2},
				     .count = 2, .datatype = DATATYPE_FP64, .rank = 1};
	const struct tensor *items[] = {&score};
	const struct payload payload = {.tensors = {1, items}}, empty = {0};
	const struct message message = {.arena = arena};
	struct alert_condition condition = condition_of("drift_score > 0.05", 0, arena);
	assert_true(alert_condition_of_message(&condition, &message, &payload, "p", "s", NOON, message.arena).held);
	struct alert_judgement judged = alert_condition_of_message(&condition, &message, &empty, "p", "s", NOON, message.arena);
	assert_true(!judged.held && !judged.broken);
	condition = condition_of("s.drift_score[1] > 0.1", 0, arena);
	assert_true(alert_condition_of_message(&condition, &message, &payload, "p", "s", NOON, message.arena).held);
	judged = alert_condition_of_message(&condition, &message, &payload, "p", "other", NOON, message.arena);
	assert_true(!judged.held && !judged.broken);
	condition = condition_of(" drift_score\t<= 2e-1 ", 0, arena);
	assert_true(alert_condition_of_message(&condition, &message, &payload, "p", "s", NOON, message.arena).held);
	condition = condition_of("sum(drift_score) > 0.3", 0, arena);
	assert_true(alert_condition_of_message(&condition, &message, &payload, "p", "s", NOON, message.arena).held);
	arena_close(arena);
}

/* The reference dialect joins such forms, and names the step of a tensor. */
static void joined_short_forms_take_first_elements_too(void **state)
{
	(void)state;
	struct arena *arena = arena_open(1 << 20);
	const struct tensor y = {.name = TEXT("y"),
				 .shape = (const int64_t[]){2},
				 .data = (const double[]){7, 1},
				 .count = 2,
				 .datatype = DATATYPE_FP64,
				 .rank = 1};
	const struct tensor z = {.name = TEXT("z"),
				 .shape = (const int64_t[]){3},
				 .data = (const double[]){0.2, 9, 9},
				 .count = 3,
				 .datatype = DATATYPE_FP64,
				 .rank = 1};
	const struct tensor *items[] = {&y, &z};
	const struct payload payload = {.tensors = {2, items}};
	const struct message message = {.arena = arena, .key = TEXT("XNYS")};
	static const struct {
		const char *text;
		bool held, broken;
	} cases[] = {
		{"y > 5 && z < 0.5", true, false},
		{"y > 5 and z < 0.5", false, false},
		{"y < 5 || z > 100", false, true},
		{"y > 100 || z < 21%", true, false},
		{"y>5&&z< 0.5||z >100", true, false},
		{"s.y > 5", true, false},
		{"s.y < 5 || s.z > 1", false, true},
		{"s.y > 5 && z <= 0.2", true, false},
		{"y > 5 && y * 1 > 5", false, false},
		{"y > z", false, false},
		{"(y > 5)", false, false},
		{"y > 5 && key == \"XNYS\"", false, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct alert_condition condition = condition_of(cases[i].text, 0, arena);
		const struct alert_judgement judged =
			alert_condition_of_message(&condition, &message, &payload, "p", "s", NOON, arena);
		if (judged.held != cases[i].held || judged.broken != cases[i].broken)
			fail_msg("%s: held %d, broken %d", cases[i].text, judged.held, judged.broken);
	}
	arena_close(arena);
}

static void a_condition_may_use_the_time(void **state)
{
	(void)state;
	struct arena *arena = arena_open(1 << 20);
	const struct message message = {.arena = arena, .time_ms = NOON - 3000};
	const struct payload empty = {0};
	struct alert_values values = alert_values_unknown();
	values.errors = 3;
	struct alert_condition condition = condition_of("errors > 2 and hour(now()) == 0", 0, arena);
	assert_true(alert_condition_of_figures(&condition, &values, "p", NOON, arena).held);
	assert_true(alert_condition_of_figures(&condition, &values, "p", NOON - 1, arena).broken);
	condition = condition_of("now() - ts > 2s", 0, arena);
	assert_true(alert_condition_of_message(&condition, &message, &empty, "p", "s", NOON, arena).held);
	assert_true(alert_condition_of_message(&condition, &message, &empty, "p", "s", NOON - 1000, arena).broken);
	arena_close(arena);
}

/* `key` and the like are of each message, and no tensor that a result must have. */
static void a_condition_may_use_what_each_message_has(void **state)
{
	(void)state;
	struct arena *arena = arena_open(1 << 20);
	const struct tensor y = {.name = TEXT("y"), .shape = (const int64_t[]){1}, .data = (const double[]){7}, .count = 1,
				 .datatype = DATATYPE_FP64, .rank = 1};
	const struct tensor *items[] = {&y};
	const struct payload payload = {.tensors = {1, items}}, empty = {0};
	const struct message message = {.arena = arena, .key = TEXT("XNYS"), .id = TEXT("r1")};
	struct alert_condition condition = condition_of("key == \"XNYS\" and y > 5 and step == \"s\"", 0, arena);
	assert_true(alert_condition_of_message(&condition, &message, &payload, "p", "s", NOON, message.arena).held);
	assert_true(alert_condition_of_message(&condition, &message, &payload, "p", "t", NOON, message.arena).broken);
	struct alert_judgement judged = alert_condition_of_message(&condition, &message, &empty, "p", "s", NOON, message.arena);
	assert_true(!judged.held && !judged.broken);
	condition = condition_of("id == \"r1\"", 0, arena);
	assert_true(alert_condition_of_message(&condition, &message, &empty, "p", "s", NOON, message.arena).held);
	assert_true(text_is(condition_of("lag > 3 and key == \"a\"", 0, arena).mixed, "key"));
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_alert_without_for_fires_at_once_and_resolves_after_its_time),
		cmocka_unit_test(a_firing_has_the_time_of_the_message_that_began_it),
		cmocka_unit_test(a_pending_alert_fires_when_all_judgements_held_for_its_time),
		cmocka_unit_test(one_false_judgement_ends_what_is_pending),
		cmocka_unit_test(a_missing_value_neither_fires_nor_keeps_firing),
		cmocka_unit_test(clocks_that_jump_move_neither_a_firing_nor_its_end),
		cmocka_unit_test(a_wait_that_begins_at_an_earlier_time_is_not_shorter),
		cmocka_unit_test(an_alert_fires_anew_when_its_end_was_due),
		cmocka_unit_test(an_id_belongs_to_one_firing),
		cmocka_unit_test(figures_are_of_the_window),
		cmocka_unit_test(the_rate_of_outliers_is_of_the_window),
		cmocka_unit_test(a_long_window_keeps_few_samples),
		cmocka_unit_test(rates_of_mirrors_are_of_the_window),
		cmocka_unit_test(metrics_are_of_the_window),
		cmocka_unit_test(a_condition_uses_figures_or_messages),
		cmocka_unit_test(a_declared_metric_is_a_figure),
		cmocka_unit_test(a_condition_has_eight_metrics_at_most),
		cmocka_unit_test(outliers_are_counted_among_what_was_judged),
		cmocka_unit_test(missing_figures_are_not_judged_unless_the_condition_says_otherwise),
		cmocka_unit_test(the_short_form_takes_the_first_element_of_a_tensor),
		cmocka_unit_test(joined_short_forms_take_first_elements_too),
		cmocka_unit_test(a_condition_may_use_the_time),
		cmocka_unit_test(a_condition_may_use_what_each_message_has),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
