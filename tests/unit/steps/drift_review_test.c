/* drift_review_test.c: reports of a step `drift` on messages with times, whose segments alternate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "steps/drift/drift_review.h"
#include "tests/unit/observed.h"

#define REPORT_BYTES ((size_t)1 << 20)
#define STEP_BYTES ((size_t)64 << 20)
#define CHANGES_COST 10 /* of the time without segments, at most */

/* Messages of one row, one a second; those of segment 1 are between those of segment 0. */
struct stream {
	struct random chance;
	int messages, sent;
	int segments; /* 1 or 2 */
	int hours;    /* after so many seconds of them, a day goes by; 0: none does */
};

static void stream_rewind(void *context)
{
	struct stream *stream = context;
	stream->sent = 0;
	stream->chance = (struct random){5};
}

static const struct tensor *values_of(struct arena *arena, struct text name, enum datatype datatype, size_t columns,
				      const void *values)
{
	struct tensor *tensor = ARENA_NEW(arena, struct tensor);
	int64_t *shape = ARENA_ARRAY(arena, int64_t, 2);
	double *data = ARENA_ARRAY(arena, double, columns);
	assert_true(tensor && shape && data);
	shape[0] = 1;
	shape[1] = (int64_t)columns;
	memcpy(data, values, columns * sizeof *data);
	*tensor = (struct tensor){.name = name, .datatype = datatype, .shape = shape, .rank = 2, .data = data, .count = columns};
	return tensor;
}

/* The rows of segment 0 are the same, whether others come between them or not. */
static bool stream_next(void *context, struct arena *arena, struct payload *payload, struct error *error)
{
	struct stream *stream = context;
	(void)error;
	if (stream->sent == stream->messages * stream->segments - (stream->segments - 1)) /* segment 0 has the last one */
		return false;
	const int64_t segment = stream->sent++ % stream->segments;
	double numbers[2] = {segment ? 5 : 0, segment ? -5 : (double)random_below(&stream->chance, 1000) / 1000};
	for (int i = 0; !segment && i < 6; i++)
		numbers[0] += (double)random_below(&stream->chance, 1000) / 1000 - 0.4;
	const struct tensor **items = ARENA_ARRAY(arena, const struct tensor *, 2);
	assert_non_null(items);
	items[0] = values_of(arena, TEXT("x"), DATATYPE_FP64, 2, numbers);
	items[1] = values_of(arena, TEXT("g"), DATATYPE_INT64, 1, &segment);
	*payload = (struct payload){.tensors = {2, items}};
	return true;
}

static bool stream_refused(void *context, const struct tensor *texts, struct error *error)
{
	(void)context, (void)texts, (void)error;
	return false;
}

static int64_t stream_time(void *context)
{
	const struct stream *stream = context;
	const int64_t second = (stream->sent - 1) / stream->segments;
	return 100 * DAY_MS + second * 1000 + (stream->hours ? second / stream->hours * DAY_MS : 0);
}

/* The lines on segment 0, without what names the segment, and how long it took. */
static double report_make(struct observed *observed, struct stream *stream, char *lines, size_t size)
{
	const struct graph_step *watch = &observed->planning.graph->steps[0];
	const struct fit_source source = {
		.context = stream, .rewind = stream_rewind, .next = stream_next, .refused = stream_refused, .time_ms = stream_time};
	struct step step = {.kind = watch->spec->kind,
			    .name = watch->name,
			    .options = watch->spec->options,
			    .place = watch->spec->here,
			    .arena = arena_open(STEP_BYTES),
			    .files = observed_files()};
	struct buffer report;
	struct error error = {0};
	buffer_open(&report, REPORT_BYTES);
	const clock_t before = clock();
	if (!drift_review(&step, &source, false, &report, &error))
		fail_msg("%s", error.text);
	const double seconds = (double)(clock() - before) / CLOCKS_PER_SEC;
	buffer_byte(&report, '\0');
	size_t length = 0;
	for (const char *line = report.bytes, *end; (end = strchr(line, '\n')); line = end + 1) {
		const char *mine = strstr(line, " of segment 0, "), *rest = mine ? strchr(mine, ',') : strchr(line, ',');
		if (memcmp(line, "window ", 7) == 0 && rest && rest < end && (mine && mine < end ? true : stream->segments == 1))
			length += (size_t)snprintf(lines + length, size - length, "%.*s", (int)(end + 1 - rest), rest);
	}
	buffer_close(&report);
	arena_close(step.arena);
	return seconds;
}

static void segments_alternate(const char *options, int messages, int hours)
{
	static char alone[64000], mixed[64000];
	char grouped[160];
	struct observed observed;
	struct stream stream = {.messages = messages, .segments = 1, .hours = hours};
	snprintf(grouped, sizeof grouped, "%s, groupBy: g", options);
	observed_open(&observed, options);
	const double usual = report_make(&observed, &stream, alone, sizeof alone);
	observed_close(&observed);
	stream.segments = 2;
	observed_open(&observed, grouped);
	const double taken = report_make(&observed, &stream, mixed, sizeof mixed);
	observed_close(&observed);
	assert_non_null(strstr(alone, "drift_score"));
	assert_string_equal(alone, mixed);
	assert_true(taken < CHANGES_COST * usual + 0.5);
}

/* A report of a long window takes no more time for each row than one of a short window. */
static void a_change_of_segment_does_not_cost_the_window(void **state)
{
	(void)state;
	segments_alternate("window: 30000, falseAlarms: 0.1 per 1000", 45001, 0);
}

/* Of a window by time with more rows than a monitor keeps, the same ones are kept. */
static void long_windows_by_time_keep_the_same_rows(void **state)
{
	(void)state;
	segments_alternate("window: 1d, falseAlarms: 0.1 per 1000", 45000, 20000);
}

static void short_windows_by_time_are_closed_as_alone(void **state)
{
	(void)state;
	segments_alternate("window: 60s, falseAlarms: 0.1 per 1000", 2000, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_of_segment_does_not_cost_the_window),
		cmocka_unit_test(long_windows_by_time_keep_the_same_rows),
		cmocka_unit_test(short_windows_by_time_are_closed_as_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
