/* drift_observer_parts.h: Observer of a step `drift` and a message at it, for the files that are the observer: drift_observer.c,
 * the windows to which it adds rows (drift_runs.c), and the records that it lists (drift_records.c). */
#ifndef SLUICE_STEPS_DRIFT_DRIFT_OBSERVER_PARTS_H
#define SLUICE_STEPS_DRIFT_DRIFT_OBSERVER_PARTS_H

#include "observe/verdict_board.h"
#include "compiler/step/step.h"
#include "steps/drift/drift_comparison.h"
#include "steps/drift/state/drift_past.h"
#include "steps/drift/drift_segments.h"
#include "steps/drift/state/drift_settling.h"
#include "steps/drift/state/drift_row_order.h"
#include "steps/drift/state/drift_window_state.h"

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
	int64_t released_ms; /* of the last message before some of these went on by time alone (drift_ending.h); 0: none did
			      */
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

/* ---- runs (drift_runs.c); false: LIMIT ---- */

/* Adds rows that are in their place to the windows of their segment; and held ones that are older, at most so many. */
bool drift_rows_take(struct drift_visit *at, const struct drift_rows *rows);
bool drift_held_take(struct drift_visit *at, int64_t horizon_ms, size_t most);

/* Closes the open window by time of a segment, whose end has come; as it was read. */
bool drift_segment_end(struct drift_visit *at, struct text segment, struct drift_window_state *state);

/* Stores the window of a segment; and that a segment begins, which the tally has admitted. */
bool drift_state_write(const struct drift_visit *at, struct text segment, const struct drift_window_state *state);
bool drift_segment_begin(struct drift_visit *at, struct text segment);

/* Forgets some former segments. */
bool drift_formers_forget(struct drift_visit *at);

/* ---- records (drift_records.c); false: LIMIT ---- */

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

#endif
