/* top_view.h: Screen of `sluice top` on a terminal: lines that fit its width and height, made from the status records
 * of engines. Pure. */
#pragma once

#include "observe/status.h"

/* In the order of the values of --sort. */
enum top_sort { TOP_SORT_NAME, TOP_SORT_LAG, TOP_SORT_RATE, TOP_SORT_ERRORS, TOP_SORT_P99, TOP_SORTS };

#define TOP_SORT_WORDS "name lag rate errors p99"
#define TOP_COLUMNS_LEAST 64 /* of the terminal to which lines are fitted; on a narrower one they wrap */
#define TOP_ROWS_LEAST 6
#define TOP_KAFKA_SILENT_MS 3000

/* Borrowed while it is rendered. */
struct top_view {
	const struct status *const *items; /* the last status of each engine and pipeline; top_view_sort() changes their order */
	size_t count;
	int64_t now_ms; /* the time of day */
	int columns, rows;
	enum top_sort sort;
	/* The silence of engines is judged as of then: the time of day at which Kafka last answered, or at which it fell silent if
	 * engines have a moment to reach it again. If that is TOP_KAFKA_SILENT_MS ago, the screen says so. */
	int64_t judged_ms;
	int64_t silent_ms; /* for so long Kafka has not answered */
};

/* Whether the engine has sent no status for STATUS_STALE_MS, or none of the pipeline since its last turn. */
bool top_is_silent(const struct status *status, int64_t now_ms);

/* Whether an engine does not serve the pipeline any more, and why, in a short form. */
bool top_is_gone(const struct status *status, int64_t now_ms);
void top_gone_print(const struct status *status, struct buffer *out);

/* Another engine of the pipeline that sends status and has other files; NULL: none. */
const struct status *top_other_version(const struct status *const *items, size_t count, const struct status *status,
				       int64_t now_ms);

/* Removes the entries that are not shown, and returns the number left. A stopped engine is removed once another
 * engine runs its pipeline. */
size_t top_view_keep(const struct status **items, size_t count, int64_t now_ms);

/* Sorts by the key, the greatest first; then by names. */
void top_view_sort(const struct status **items, size_t count, enum top_sort sort);

/* Writes lines with their ends: at most `rows` - 1, each at most `columns` wide. Control characters are escaped. */
void top_view_render(const struct top_view *given, struct buffer *out);
