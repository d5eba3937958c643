/* The screen of `sluice top`: what it shows, and that it fits the terminal. */
#include "tools/view/top_view.h"

#include "tools/view/top_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS 1769903999000
#define MANY 60

static struct status running;
static int64_t silent_ms, judged_ms; /* of Kafka */

static int set_up(void **state)
{
	(void)state;
	silent_ms = 0;
	judged_ms = NOW_MS;
	running = (struct status){.instance = TEXT("engine-1"),
				  .pipeline = TEXT("trading"),
				  .at_ms = NOW_MS - 500,
				  .ready = true,
				  .state = TEXT("running"),
				  .sums.answered = 1000,
				  .sums.failed = 7,
				  .sums.dead_letters = 5,
				  .sums.in_flight = 3,
				  .version = TEXT("ab"),
				  .group = TEXT("g"),
				  .lag = 12,
				  .rate = 250.4,
				  .p50_ms = 1.5,
				  .p99_ms = 22.25};
	return 0;
}

static char screen[1 << 16];

static void render(const struct status *const *items, size_t count, int columns, int rows)
{
	struct buffer out;
	const struct top_view view = {items, count, NOW_MS, columns, rows, TOP_SORT_NAME, judged_ms, silent_ms};
	buffer_open(&out, sizeof screen - 1);
	top_view_render(&view, &out);
	assert_false(buffer_failed(&out));
	memcpy(screen, out.bytes, out.length);
	screen[out.length] = '\0';
	buffer_close(&out);
}

/* As a terminal counts them: each character one column. */
static void expect_fit(int columns, int rows)
{
	int lines = 0, column = 0;
	for (const char *at = screen; *at; at++) {
		if (*at == '\n') {
			lines++;
			column = 0;
			continue;
		}
		column += ((unsigned char)*at & 0xC0) != 0x80;
		if (column > columns || (unsigned char)*at < ' ')
			fail_msg("line %d does not fit %d columns:\n%s", lines, columns, screen);
	}
	assert_true(lines < rows);
}

/* The first line with these words. */
static char *line_with(const char *words)
{
	static char line[4096];
	const char *found = strstr(screen, words);
	if (!found)
		fail_msg("`%s` is not in:\n%s", words, screen);
	while (found > screen && found[-1] != '\n')
		found--;
	snprintf(line, sizeof line, "%.*s", (int)strcspn(found, "\n"), found);
	return line;
}

static void expect_contains(const struct buffer *out, const char *words)
{
	assert_false(buffer_failed(out));
	assert_non_null(memmem(out->bytes, out->length, words, strlen(words)));
}

static void figures_stand_below_their_names(void **state)
{
	(void)state;
	const struct status *items[] = {&running};
	render(items, 1, 80, 24);
	expect_fit(80, 24);
	assert_string_equal(line_with("PIPELINE"), "PIPELINE ENGINE     PER S   P99 MS  FLIGHT      LAG  ERRORS STATE");
	assert_string_equal(line_with("trading"), "trading  engine-1     250     22.2       3       12       7 running");
	assert_string_equal(line_with("total"), "total                 250        -       3       12       7");
	assert_string_equal(line_with("2026"), "2026-01-31T23:59:59Z  1 pipeline, 1 engine  s: by name  q: quit");
	render(items, 1, 200, 50);
	expect_fit(200, 50);
	assert_string_equal(line_with("trading"),
			    "trading  engine-1     250      1.5     22.2       3       12       1000       7        5 running");
}

static void the_model_that_is_away_is_named_below_or_beside_its_row(void **state)
{
	(void)state;
	struct status waiting = running;
	waiting.state = TEXT("waiting");
	waiting.why =
		TEXT("a model that it calls is unreachable: score: connect to 10.0.0.1:8080 failed: connection refused, for long");
	const struct status *items[] = {&waiting};
	render(items, 1, 80, 24);
	expect_fit(80, 24);
	assert_string_equal(line_with("score"), "    a model that it calls is unreachable: score: connect to 10.0.0.1:8080");
	assert_string_equal(line_with("refused"), "    failed: connection refused, for long");
	assert_non_null(strstr(line_with("trading"), " waiting"));
	const struct status *many[] = {&waiting, &waiting, &waiting, &waiting};
	render(many, 4, 80, 12); /* rows come first */
	expect_fit(80, 12);
	assert_string_equal(line_with("score"),
			    "    a model that it calls is unreachable: score: connect to 10.0.0.1:8080 faile…");
	waiting.why = TEXT("a model that it calls is unreachable: score: http://10.0.0.1:8080/v2/models/score/infer could not be "
			   "reached: No route to host, and so on, and so on, and so on, and so on, and so on, and so on");
	const struct status *six[] = {&waiting, &waiting, &waiting, &waiting, &waiting, &waiting};
	render(six, 6, 80, 24); /* 19 lines: two below each row */
	expect_fit(80, 24);
	assert_non_null(strstr(screen, "    http://10.0.0.1:8080/v2/models/score/infer could not be reached: No route t…"));
	assert_null(strstr(screen, "more that do not fit"));
	render(items, 1, 80, 24);
	assert_null(strstr(screen, "…"));
	waiting.why =
		TEXT("a model that it calls is unreachable: score: connect to 10.0.0.1:8080 failed: connection refused, for long");
	render(items, 1, 200, 50); /* beside the row it does not fit */
	expect_fit(200, 50);
	assert_non_null(strstr(line_with("score"), "    a model that it calls"));
	assert_non_null(strstr(screen, "refused, for long"));
	render(items, 1, 240, 50);
	expect_fit(240, 50);
	assert_non_null(
		strstr(line_with("score"), "waiting: a model that it calls is unreachable: score: connect to 10.0.0.1:8080"));
}

static void an_engine_that_died_is_shown_with_the_backlog_it_left(void **state)
{
	(void)state;
	struct status dead = running;
	dead.instance = TEXT("engine-2");
	dead.pipeline = TEXT("orders");
	dead.at_ms = NOW_MS - 42000;
	dead.lag = 5000;
	const struct status *items[] = {&dead, &running};
	render(items, 2, 80, 24);
	expect_fit(80, 24);
	assert_string_equal(line_with("orders"), "orders   engine-2       -        -       -     5000       7 silent 42s");
	assert_non_null(strstr(line_with("has crashed"), "5000 records wait; the engine has crashed, is frozen"));
	assert_non_null(strstr(line_with("2026"), "2 pipelines, 2 engines, 1 gone"));
	assert_string_equal(line_with("total"), "total                 250        -       3     5012      14");
}

static void an_engine_that_was_stopped_is_shown_only_while_no_other_serves_its_pipeline(void **state)
{
	(void)state;
	struct status stopped = running, dead = running;
	stopped.instance = TEXT("engine-0");
	stopped.stopped = true;
	const struct status *both[] = {&stopped, &running}, *alone[] = {&stopped}, *neither[] = {&stopped, &dead};
	assert_int_equal(top_view_keep(both, 2, NOW_MS), 1);
	assert_ptr_equal(both[0], &running);
	assert_int_equal(top_view_keep(alone, 1, NOW_MS), 1);
	dead.at_ms = NOW_MS - STATUS_STALE_MS - 1;
	assert_int_equal(top_view_keep(neither, 2, NOW_MS), 2);
	render(alone, 1, 80, 24);
	assert_non_null(strstr(line_with("engine-0"), " stopped"));
}

/* Pipelines report in turn, and an engine each second about one of them. */
static void an_engine_is_silent_when_none_of_its_pipelines_reports(void **state)
{
	(void)state;
	struct status status = running;
	status.at_ms = NOW_MS - STATUS_STALE_MS - 1;
	assert_true(top_is_silent(&status, NOW_MS));
	status.heard_ms = NOW_MS - STATUS_STALE_MS;
	assert_false(top_is_silent(&status, NOW_MS));
	status.heard_ms = NOW_MS;
	status.at_ms = NOW_MS - STATUS_QUIET_MS - STATUS_STALE_MS;
	assert_false(top_is_silent(&status, NOW_MS));
	status.at_ms--; /* it was removed from the engine */
	assert_true(top_is_silent(&status, NOW_MS));
}

static void where_nothing_was_answered_there_is_a_dash(void **state)
{
	(void)state;
	struct status idle = running;
	idle.rate = 0, idle.p50_ms = 0, idle.p99_ms = 0, idle.lag = -1;
	const struct status *items[] = {&idle};
	render(items, 1, 80, 24);
	assert_string_equal(line_with("trading"), "trading  engine-1       0        -       3        -       7 running");
}

static void long_names_and_many_rows_fit(void **state)
{
	(void)state;
	static struct status many[MANY];
	static const struct status *items[MANY];
	static char names[MANY][128];
	for (size_t i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof names[i], "a-pipeline-of-a-very-long-name-that-goes-on-%zu\033[2J\xE4\xBD\xA0", i);
		many[i] = running;
		many[i].pipeline = many[i].instance = text_of(names[i]);
		many[i].sums.answered = many[i].sums.failed = UINT64_MAX;
		many[i].sums.in_flight = many[i].sums.dead_letters = UINT64_MAX;
		many[i].rate = 1e15, many[i].p50_ms = many[i].p99_ms = 1e9, many[i].lag = INT64_MAX;
		many[i].why = i % 2 ? TEXT("waits") : TEXT("");
		items[i] = &many[i];
	}
	for (int columns = TOP_COLUMNS_LEAST; columns <= 250; columns += 7)
		for (int rows = TOP_ROWS_LEAST; rows <= 130; rows += 11) {
			render(items, MANY, columns, rows);
			expect_fit(columns, rows);
			line_with("total");
		}
	render(items, MANY, 80, 24);
	assert_non_null(strstr(screen, " more that do not fit"));
	render(items, MANY, 80, 200);
	assert_null(strstr(screen, " more that do not fit"));
}

static void rows_are_sorted_by_the_key_and_then_by_name(void **state)
{
	(void)state;
	struct status a = running, b = running, c = running;
	a.pipeline = TEXT("a"), b.pipeline = TEXT("b"), c.pipeline = TEXT("c");
	a.lag = 1, b.lag = 9, c.lag = 1;
	a.rate = 5, b.rate = 1, c.rate = 7;
	a.sums.failed = 0, b.sums.failed = 3, c.sums.failed = 4;
	a.p99_ms = 3, b.p99_ms = 2, c.p99_ms = 1;
	static const struct {
		enum top_sort sort;
		const char *order;
	} rows[] = {{TOP_SORT_NAME, "abc"},
		    {TOP_SORT_LAG, "bac"},
		    {TOP_SORT_RATE, "cab"},
		    {TOP_SORT_ERRORS, "cba"},
		    {TOP_SORT_P99, "abc"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct status *items[] = {&c, &b, &a};
		top_view_sort(items, 3, rows[i].sort);
		for (size_t j = 0; j < 3; j++)
			assert_int_equal(items[j]->pipeline.bytes[0], rows[i].order[j]);
	}
}

static void an_engine_is_not_blamed_for_the_silence_of_kafka(void **state)
{
	(void)state;
	struct status died = running;
	const struct status *items[] = {&running, &died};
	running.at_ms = died.at_ms = NOW_MS - 37500;
	died.instance = TEXT("engine-2");
	died.at_ms -= 8000; /* it was silent before Kafka was */
	silent_ms = 37000;
	judged_ms = NOW_MS - silent_ms;
	render(items, 2, 80, 24);
	expect_fit(80, 24);
	assert_string_equal(line_with("2026"), "2026-01-31T23:59:59Z  1 pipeline, 2 engines, 1 gone  s: by name  q: quit");
	assert_string_equal(line_with("Kafka"), "Kafka has not answered this command for 37 s; what is shown is of 23:59:22");
	assert_string_equal(line_with("engine-1"), "trading  engine-1     250     22.2       3       12       7 running");
	assert_non_null(strstr(line_with("engine-2"), " silent 8s"));
	silent_ms = 200; /* engines have a moment to reach it again */
	render(items, 2, 80, 24);
	assert_string_equal(line_with("Kafka"), "Kafka answers again; an engine that is not back yet is shown as of 23:59:22");
	assert_non_null(strstr(line_with("engine-1"), " running"));
	silent_ms = 2900; /* it has a moment for its answer */
	judged_ms = NOW_MS - silent_ms;
	render(items, 2, 80, 24);
	assert_null(strstr(screen, "Kafka"));
	for (int rows = 6; rows < 12; rows++) {
		render(items, 2, 80, rows);
		expect_fit(80, rows);
	}
}

static void an_engine_that_ended_by_an_error_says_so(void **state)
{
	(void)state;
	struct status failed = running;
	const struct status *items[] = {&failed};
	struct buffer out;
	failed.stopped = true;
	failed.failure = TEXT("topic state of step watch is gone");
	render(items, 1, 80, 24);
	expect_fit(80, 24);
	assert_non_null(strstr(line_with("trading"), " failed"));
	assert_non_null(strstr(screen, "the engine ended by an error: topic state of step"));
	assert_null(strstr(screen, "was stopped"));
	buffer_open(&out, 4096);
	top_lines_text(items, 1, NOW_MS, &out);
	expect_contains(&out, "  failed: the engine ended by an error: topic state of step watch is gone");
	buffer_clear(&out);
	char words[402] = "";
	for (size_t i = 0; i + 2 < sizeof words; i += 2)
		memcpy(words + i, "\xc3\xa4", 2);
	failed.failure = text_of(words + 1); /* a cut would be inside of a letter */
	top_gone_print(&failed, &out);
	assert_true(out.length < 240);
	assert_memory_equal(out.bytes + out.length - strlen("ä…"), "ä…", strlen("ä…"));
	buffer_clear(&out);
	failed.failure = TEXT("");
	top_lines_text(items, 1, NOW_MS, &out);
	expect_contains(&out, "  stopped: the engine was stopped");
	buffer_close(&out);
}

static void receivers_of_alerts_that_take_no_notices_are_shown(void **state)
{
	(void)state;
	struct status failing = running;
	const struct status *items[] = {&failing};
	struct buffer out;
	failing.receivers = TEXT("the webhook at h has taken no notice since 2026, and 3 wait: no connection");
	render(items, 1, 80, 24);
	expect_fit(80, 24);
	assert_non_null(strstr(screen, "the webhook at h has taken no notice since 2026"));
	buffer_open(&out, 4096);
	top_lines_text(items, 1, NOW_MS, &out);
	expect_contains(&out, "the webhook at h has taken no notice since 2026, and 3 wait: no connection");
	buffer_clear(&out);
	top_lines_json(items, 1, NOW_MS, &out);
	expect_contains(&out, "\"receivers\": \"the webhook at h has taken no notice since 2026, and 3 wait: no connection\"");
	buffer_close(&out);
	failing.stopped = true; /* then it sends none */
	render(items, 1, 80, 24);
	assert_null(strstr(screen, "the webhook"));
}

static void alerts_that_fire_are_shown(void **state)
{
	(void)state;
	struct status fires = running;
	const struct status *items[] = {&fires};
	struct buffer out;
	fires.firing = TEXT("the alert moved has fired since 2026");
	fires.drift = TEXT("step watch has found drift");
	fires.receivers = TEXT("the webhook at h has taken no notice since 2026");
	render(items, 1, 80, 24);
	expect_fit(80, 24);
	assert_non_null(strstr(screen, "the alert moved has fired since 2026; step watch has found drift;"));
	buffer_open(&out, 4096);
	top_lines_text(items, 1, NOW_MS, &out);
	expect_contains(&out, "; the alert moved has fired since 2026; step watch has found drift; the webhook at h has taken no "
			      "notice since 2026");
	buffer_clear(&out);
	top_lines_json(items, 1, NOW_MS, &out);
	expect_contains(&out, "\"drift\": \"step watch has found drift\"");
	expect_contains(&out, "\"firing\": \"the alert moved has fired since 2026\"");
	buffer_close(&out);
	fires.stopped = true; /* then it judges none */
	render(items, 1, 80, 24);
	assert_null(strstr(screen, "the alert"));
	assert_null(strstr(screen, "has found drift"));
}

/* Whoever may write to the status topic chooses them. */
static void names_and_reasons_are_whole_and_escaped(void **state)
{
	(void)state;
	struct status odd = running;
	const struct status *items[] = {&odd};
	struct buffer out;
	odd.pipeline = (struct text){"p\0q\x1b[2J", 7};
	odd.instance = (struct text){"e\0f", 3};
	odd.state = (struct text){"s\0t", 3};
	odd.why = (struct text){"w\0x\ny", 5};
	buffer_open(&out, 4096);
	top_lines_text(items, 1, NOW_MS, &out);
	expect_contains(&out, "p\\u0000q\\u001b[2J");
	expect_contains(&out, " e\\u0000f ");
	expect_contains(&out, "  s\\u0000t: w\\u0000x\\u000ay");
	buffer_close(&out);
	render(items, 1, 80, 24); /* below the row, and beside it */
	assert_non_null(strstr(screen, "w\\u0000x"));
	render(items, 1, 200, 24);
	assert_non_null(strstr(screen, ": w\\u0000x\\u000ay"));
	odd.stopped = true;
	odd.failure = (struct text){"f\0g", 3};
	render(items, 1, 80, 24);
	assert_non_null(strstr(screen, "ended by an error: f\\u0000g"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_stand_below_their_names),
		cmocka_unit_test(the_model_that_is_away_is_named_below_or_beside_its_row),
		cmocka_unit_test(an_engine_that_died_is_shown_with_the_backlog_it_left),
		cmocka_unit_test(an_engine_that_was_stopped_is_shown_only_while_no_other_serves_its_pipeline),
		cmocka_unit_test(an_engine_is_silent_when_none_of_its_pipelines_reports),
		cmocka_unit_test(where_nothing_was_answered_there_is_a_dash),
		cmocka_unit_test(long_names_and_many_rows_fit),
		cmocka_unit_test(rows_are_sorted_by_the_key_and_then_by_name),
		cmocka_unit_test_setup(an_engine_is_not_blamed_for_the_silence_of_kafka, set_up),
		cmocka_unit_test_setup(an_engine_that_ended_by_an_error_says_so, set_up),
		cmocka_unit_test_setup(receivers_of_alerts_that_take_no_notices_are_shown, set_up),
		cmocka_unit_test_setup(alerts_that_fire_are_shown, set_up),
		cmocka_unit_test_setup(names_and_reasons_are_whole_and_escaped, set_up),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
