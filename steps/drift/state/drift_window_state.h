/* drift_window_state.h: Stored state of a segment's open window, by the observer of a step `drift`: where the window is, and under
 * keys of their own its rows, the sums of what is estimated of it, and the state of online methods before it.
 *
 * A message stores its own rows, so an engine that takes over has all of them. The sums are stored with each message of a step that
 * estimates: of the bins of the AUC those that have rows, 16 bytes each. The state of online methods is stored by the message that
 * closes a window, in pieces. Sums and states of another window or identity are left out.
 *
 * A segment's name may have any bytes; without groupBy there is one, with the name "". False is LIMIT, where an error is taken.
 */
#pragma once

#include "methods/drift/monitor.h"
#include "observe/verdict_board.h"
#include "compiler/step/step.h"
#include "steps/drift/drift_estimates.h"

#define DRIFT_WINDOW_VERSION 4 /* part of identities, too */
#define DRIFT_KEY_BYTES (16 + DRIFT_SEGMENT_BYTES_MAX + 24) /* of a word, a segment, and a number */

/* Alarms of a stream whose past is kept, by windows that have closed. */
struct drift_alarms {
	uint64_t windows; /* in alarm one after the other, until now */
	uint64_t ended;	  /* alarms of two windows or more, since windows in alarm were learnt, or nothing could be judged */
};

/* What is stored of a segment under `window/SEGMENT`. */
struct drift_window_state {
	uint64_t version;
	uint64_t identity; /* of the reference, the window and groupBy */
	uint64_t chain;	   /* hash of all rows so far, in their order */
	uint64_t chunks;   /* of rows of the open window */
	struct monitor_position position;
	struct performance performance; /* of the open window */
	struct last_verdict last;	/* its cause is stored behind all else; a former build ends before it */
	uint64_t resets;		/* of the stream's clock (methods/drift/watermarks.h) */
	int64_t arrived_ms;		/* when the record of the window's last row was written; 0: not known */
	struct drift_alarms alarms;	/* of a past */
};

/* A segment that begins with the window of that number. */
struct drift_window_state drift_window_begin(uint64_t identity, uint64_t window);

/* Reads what is stored of a segment. False: nothing that belongs to this reference and window. Then it begins anew, and its
 * number goes on. */
bool drift_window_read(struct visit *visit, struct text segment, uint64_t identity, struct drift_window_state *state);
bool drift_window_write(struct visit *visit, struct text segment, const struct drift_window_state *state, struct error *error);

/* Forgets a segment, after its rows; each of their records takes one from `most`. `gone`: all is forgotten, and not only as many as
 * that. */
bool drift_window_forget(struct visit *visit, struct text segment, size_t *most, bool *gone, struct error *error);

/* Forgets the sums and the state of online methods alone. */
bool drift_window_forget_sums(struct visit *visit, struct text segment, struct error *error);

/* ---- rows: `rows/SEGMENT/NUMBER` ---- */

/* How rows are stored: so many numbers, and with online methods where they are in the order. */
struct drift_row_form {
	size_t numbers;
	bool ordered;
};

/* Stores rows that the monitor has just got, the last of the open window. */
bool drift_window_rows_write(struct visit *visit, struct text segment, struct drift_row_form form, const double *rows,
			     const struct monitor_moment *moments, size_t count, struct drift_window_state *state,
			     struct error *error);

/* Puts all stored rows back into the monitor. False: they are not whole. */
bool drift_window_rows_read(struct visit *visit, struct text segment, struct drift_row_form form,
			    const struct drift_window_state *state, struct monitor *monitor);

/* ---- sums: `estimates/SEGMENT` ---- */

/* Reads those of the window; where there are none, they begin. */
void drift_window_sums_read(struct visit *visit, struct text segment, const struct drift_window_state *state,
			    struct drift_sums *sums);
bool drift_window_sums_write(struct visit *visit, struct text segment, const struct drift_window_state *state,
			     const struct drift_sums *sums, struct error *error);

/* ---- the state of online methods: `detectors/SEGMENT/NUMBER` ---- */

/* Brings the monitor's online methods to it; where there is none, they begin anew. */
void drift_window_detectors_read(struct visit *visit, struct text segment, const struct drift_window_state *state,
				 struct monitor *monitor);
bool drift_window_detectors_write(struct visit *visit, struct text segment, const struct drift_window_state *state,
				  const struct monitor *monitor, struct error *error);

/* ---- segments ----
 *
 * Each segment of `groupBy` has windows and verdicts of its own; all are compared with the same reference. The first
 * DRIFT_SEGMENTS_MAX are watched, and the rows of any other are counted. A segment stays one as long as the step's reference,
 * window and `groupBy` do, as does its part in the declared rate of false alarms.
 *
 * With another reference, window or `groupBy` all segments are former ones. Each message makes the step forget
 * DRIFT_FORGOTTEN_MOST of those that have not come again, and DRIFT_FORGOTTEN_CHUNKS_MOST records of their rows: these are deleted
 * from the state and its changelog, and the verdict from the feed. A former segment that comes later begins with window 0. If the
 * step is meanwhile again what it was, as after a rollback, those that are left go on. Segments that an earlier version of sluice
 * stored have no index: they stay until they come again. */

/* How many bytes the rows of all open windows and the state of online methods may need, with DRIFT_SEGMENTS_MAX segments; `lint`
 * warns from DRIFT_LARGE_BYTES on. */
double drift_segments_bytes(const struct monitor_settings *settings, size_t features);
#define DRIFT_LARGE_BYTES 0.25e9

/* What the observer's state has of all segments together. */
struct drift_tally {
	uint64_t version, identity;
	uint64_t segments;
	uint64_t unusable;	    /* messages since the last verdict */
	uint64_t misfits;	    /* messages in a row that do not fit, or have more than is watched */
	uint64_t beyond, beyond_all; /* rows of segments beyond the limit: since the last verdict, and in all */
	/* The segments have the numbers from `base` on, as they came, and former ones those from `former` to there. */
	uint64_t base, former;
	uint64_t awaited; /* messages that came before the reference of a topic was known: since the last verdict */
};

#define DRIFT_FORGOTTEN_MOST 4 /* by one message: a reload with 1000 segments is over after 250 */
#define DRIFT_FORGOTTEN_CHUNKS_MOST 256 /* by one message: all are in one transaction */

/* Reads it; one of another identity begins anew. */
void drift_tally_read(struct visit *visit, uint64_t identity, struct drift_tally *tally);
bool drift_tally_keep(struct visit *visit, const struct drift_tally *tally, struct error *error);

/* Whether another segment is within the limit; then it counts. Without `groupBy` there is one, which may begin again. */
bool drift_tally_admit(struct drift_tally *tally, bool grouped);

/* ---- the index: the name of each segment, by the number in which it came ---- */

/* False: LIMIT. */
bool drift_segment_index(struct visit *visit, uint64_t number, struct text name, struct error *error);

/* The name, in the visit's arena. False: no segment has that number. */
bool drift_segment_named(struct visit *visit, uint64_t number, struct text *name);
bool drift_segment_unindex(struct visit *visit, uint64_t number, struct error *error);
