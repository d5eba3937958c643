/* watermarks.h: Watermarks of a stream's partitions: how far each has come in time, so that rows of all can be put into one order.
 *
 * Rows of a partition come roughly in the order of their times, but partitions come in whatever order they are read: a backlog may
 * come partition after partition. A row is in its place when no partition can bring an older one: it is older than the horizon.
 * Whoever keeps rows until then (steps/drift/state/drift_row_order.h) gets the same order however the reads interleave.
 *
 * A partition holds the horizon at its newest time
 *   - while its reader is behind in it, until WATERMARKS_PATIENCE_MS pass without a row of it; or
 *   - in windows by time, while it is no more than WATERMARKS_SLACK_MS behind the newest row of all: a quiet one holds no longer.
 * A stream with a single partition holds nothing.
 *
 * A partition's clock was set back after WATERMARKS_BACK_ROWS rows in a row that are before the window of its newest one, or
 * WATERMARKS_BACK_MS before that row where windows are by count. When no partition that still comes is left in the open window, the
 * stream's clock was set back, and windows begin anew.
 *
 * The patience is by the time at which the reader passed rows on, so it ends with a row or a note only: when none comes any more,
 * what is held waits for a note of time alone (steps/drift/drift_observer.h). Of a time without any record, WATERMARKS_PAUSE_MS
  * count at most: an engine that comes back finds the partitions as it left them. Plain numbers, which may be stored. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WATERMARKS_MAX 256	     /* of more, the further ones hold nothing */
#define WATERMARKS_PATIENCE_MS 10000 /* longer than an engine's session, so that another one has taken its partitions */
#define WATERMARKS_PAUSE_MS 5000
#define WATERMARKS_SLACK_MS 1000
#define WATERMARKS_BACK_ROWS 100
#define WATERMARKS_BACK_MS 60000

struct watermark {
	int64_t newest_ms; /* INT64_MIN: no row of it has come */
	int64_t since_ms;  /* by the clock: when its last row came, or its reader was behind first */
	int32_t partition;
	uint16_t back_run;    /* rows in a row that were set back */
	bool behind, changed; /* changed: since it was stored last; for whoever stores it */
};

struct watermarks {
	int64_t window_ms; /* 0: windows are by count */
	int64_t clock_ms, passed_ms;
	uint64_t resets; /* how often the stream's clock was set back */
	size_t count;
	struct watermark items[WATERMARKS_MAX];
};

void watermarks_begin(struct watermarks *watermarks, int64_t window_ms);

/* A record comes that was passed on at that time; 0: not known. */
void watermarks_tick(struct watermarks *watermarks, int64_t passed_ms);

/* Notes that the reader of a partition is behind in it, or is not. */
void watermarks_note(struct watermarks *watermarks, int32_t partition, bool behind);

/* What a row shows. */
struct watermark_finding {
	bool set_back;	 /* the partition's clock, with this row */
	int64_t from_ms; /* its newest time before */
	bool anew;	 /* and the stream's: windows begin anew with the row */
};
struct watermark_finding watermarks_take(struct watermarks *watermarks, int32_t partition, int64_t time_ms);

/* Rows that are older are in their place. INT64_MAX: all are. */
int64_t watermarks_horizon(const struct watermarks *watermarks);
