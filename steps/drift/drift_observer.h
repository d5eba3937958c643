/* drift_observer.h: Observer of a step `drift`: keeps the open window in its state, and lists a verdict with the message that
 * closes it.
 *
 * The state is the monitor's position, and the rows that the window keeps, in chunks. So a message writes its own rows and
 * the position, and an engine that takes over begins where the last one was. The monitor in memory is only used if it has
 * seen the same rows as the state; else it is filled from the state. Another reference, or another window, begins anew,
 * and so does what a former version has stored; the numbers of windows go on.
 *
 * A slice (message/records/slice.h) is several messages, each of which is a row with its own time: the verdicts are those of its
 * messages one by one, and each counts. Only where a past is forgotten in the midst of a slice, the rest of it is not watched
 * yet, and counts as what does not fit. Each row of a slice was drawn by the path, if there is a share.
 *
 * Online methods look into the open window (methods/drift/monitor.h): what they find before its end is a record of its own, once a
  * window. A monitor that is filled from the state has found it at the same row, and does not list it again.
 *
 * With `groupBy` each segment has that (steps/drift/state/drift_window_state.h). They share the monitor in memory, which gets the
 * rows of a segment's window only when it closes; so a message of any segment costs the same.
 *
 * Messages that do not fit the reference, or have no segment, are counted in the next verdict of any segment, and so are rows
 * of segments beyond the limit. If nothing else comes, a verdict that judges nothing says so, after as many of them as a
 * window has.
 *
 * A past (steps/drift/state/drift_past.h) is forgotten after as many messages as a window has, in a row, none of which fits, or
  * each of which has more tensors than it knows. One that fits shows that the stream is still what it was. What is known of a past
   * that is over is over in all engines: the feed gets a record without bytes.
 */
#pragma once

#include "observe/verdict_board.h"
#include "compiler/step/step.h"
#include "steps/drift/drift_comparison.h"
#include "steps/drift/state/drift_past.h"
#include "steps/drift/state/drift_settling.h"
#include "steps/drift/state/drift_row_order.h"
#include "steps/drift/state/drift_window_state.h"

extern const struct step_kind step_drift_observer; /* with the options of a step `drift` */

/* ---- the parts of the observer: drift_observer.c, its windows (drift_windows.c), and its records (drift_verdict.c) ---- */

/* Reference of a step with `topic:`: what the engine learns from a topic's records as it starts
 * (engine/learn/reference_service.h), and the board has.
 *
 * Until it is there, messages are compared with nothing: they are counted, under the key `waiting`, and are `unusable` in the
 * records of the step, whose verdict is `learning`. What is stored of windows and segments stays as it is: it goes on if the same
 * reference is learnt again, and begins anew if another is. */
struct drift_topic {
	const char *topic;
	bool known; /* the comparison has its reference and its monitor */
	const char *unfit; /* why nothing can be compared with what was learnt; NULL: it can, or nothing was */
};

struct drift_observer {
	struct drift_comparison comparison;
	const struct expression *group;
	struct drift_past *past;   /* NULL: the reference is a file, or a topic's */
	struct drift_topic *topic; /* NULL: it is none of a topic */
	const char *reference;	   /* its name in records; of a past, that changes with its windows */
	uint64_t identity;
	uint64_t verdict_identity; /* by which its verdicts are known (steps/drift/drift_comparison.h) */
	uint64_t tally_identity;   /* the same, without the features of a past */
	const char *watched;	   /* name of the step that it observes */
	struct verdict_entry *entry;
	struct drift_row_order *waiting;
	int64_t released_ms; /* of the last message before some of these went on by time alone (drift_ending_take()); 0: none did */
	bool estimated;	  /* a window that it closed had rows in its estimate */
	bool unestimated; /* the last one had none, nor had any before, if there are segments */
	bool filled;	/* the monitor has the rows of a segment's window */
	uint64_t chain; /* of that segment */
};

/* A message at the observer; or a slice, of several. */
struct drift_visit {
	struct drift_observer *self;
	const struct step *step;
	struct visit *visit;
	struct drift_tally tally;
	const int64_t *times_ms; /* of a slice: those of its messages, each of which is a row; else NULL */
	const int32_t *partitions; /* likewise; NULL: all are of the message's */
	size_t messages;
	size_t message; /* the one at hand, from 0 */
	const char *misfit; /* why the messages cannot be used; NULL: they can */
	struct drift_sums sums; /* of the open window of the segment at hand */
	struct drift_settling settling; /* windows that wait for truths, if the step does */
	struct error *error;
};

/* The time of a row of the message. */
static inline int64_t drift_row_time_ms(const struct drift_visit *at, size_t row)
{
	return at->times_ms ? at->times_ms[row] : visit_message(at->visit)->time_ms;
}

/* ---- windows (drift_windows.c); false: LIMIT ---- */

/* Adds rows that are in their place to the windows of their segment; and held ones that are older, at most so many. */
bool drift_rows_take(struct drift_visit *at, const struct drift_rows *rows);
bool drift_held_take(struct drift_visit *at, int64_t horizon_ms, size_t most);

/* Stores the window of a segment; and that a segment begins, which the tally has admitted. */
bool drift_state_write(const struct drift_visit *at, struct text segment, const struct drift_window_state *state);
bool drift_segment_begin(struct drift_visit *at, struct text segment);

/* Forgets some former segments. */
bool drift_formers_forget(struct drift_visit *at);

/* On a stream that stops, a record of time alone (engine/outputs/time_links.h) brings what no message brings.
 *
 * Rows that are held back for another partition go on when no message has come for WATERMARKS_PATIENCE_MS, and close the windows
 * by count that they fill: ROW_ORDER_RELEASED_MOST with a record of time, and the next one, which is due at once, brings more. An
 * engine that takes the partition over meanwhile waits once more before it sends that. Older rows that come later go on as they
 * come. A window by time, in which no row waits any more, closes when as much time has passed since its segment's last row came as
 * it had left after that row's own time, and ENDING_SLACK_MS more. So a window of rows that come as they happen closes that long
 * after its end; and clocks that differ, or a past that is read again, close none before its time. All times are those of records,
 * so every engine finds the same. Rows that come later, with times of such a window, are in the next one, and late. */
#define ENDING_SLACK_MS 2000 /* in which a row of the window may be on its way */

/* Whether rows are held back or a window by time is open, and for which time; the tally is read. */
bool drift_ending_awaits(const struct drift_visit *at, struct awaited_time *awaited);

/* Lets go what is held back, and closes windows by time, as the time of the record says. */
bool drift_ending_take(struct drift_visit *at);

/* ---- records (drift_verdict.c); false: LIMIT ---- */

/* As many messages that cannot be used, or rows of no segment, are a window of them. */
uint64_t drift_unusable_most(const struct drift_observer *self);

/* Notes on the board what the step can do, now that its reference may be another. That nothing is estimated stays noted until a
 * window says otherwise. */
void drift_watching_note(const struct drift_observer *self);

/* Whether the verdict is drift by the step's options. */
bool drift_is_found(const struct drift *options, const struct monitor_verdict *verdict);

/* Lists that the segment's state begins anew. */
bool drift_record_beginning(const struct drift_visit *at, struct text segment);

/* Lists the verdict on a segment with the message. NULL: nothing that came could be used. */
bool drift_record_verdict(struct drift_visit *at, struct text segment, const struct monitor_verdict *verdict,
			  struct drift_window_state *state);

/* Lists the realised numbers of windows whose truths are no longer waited for, and stores what waits: at the end of a visit. */
bool drift_windows_settle(struct drift_visit *at);

/* Lists what online methods have found before the end of the window (monitor_early()), unless that is no drift by the options. */
bool drift_record_early(const struct drift_visit *at, struct text segment, const struct monitor_verdict *early,
			struct drift_window_state *state);

/* ---- pictures of distributions: how many values of a feature are in each bin, in the reference and in a window ----
 *
 * Numbers have the reference's deciles as edges: at most 10 bins. Categories have a bin for each of the SPREAD_NAMES commonest of
 * the reference, one for its others, and one for those never seen. Names are cut to SPREAD_NAME_BYTES. So beside its name the
 * picture of a feature has at most SPREAD_BYTES_OF_NUMBERS or SPREAD_BYTES_OF_CATEGORIES in a record, while a window has less
 * than a million rows; mostly about half.
 *
 * The bins are those of the monitor's own tests, which has counted their values already (methods/drift/monitor.h). `sluice drift
 * report` has other pictures, with bins of equal width (steps/drift/drift_picture.h). */

#define SPREAD_NAMES 16
#define SPREAD_NAME_BYTES 32
#define SPREAD_BYTES_OF_NUMBERS 140
#define SPREAD_BYTES_OF_CATEGORIES 640

/* Lists the pictures of all features that have values in the reference, as copies in the arena. False: memory ran out. */
bool drift_spreads_list(struct drift_score *score, const struct monitor_verdict *verdict, struct arena *arena);
