/* verdict_board.h: Board of the last verdicts that are known in a process. For each step `drift` it has the verdict on the window
 * that its observer closed last; for each step `explain` with `importance`, that of its features in its last window.
 *
 * There are two verdicts: an observer that runs here sets its own, and the reader of the namespace's feed
  * (control/engine/feed_relay.h) sets the one that an observer of any engine wrote. The steps of the path mark messages by either.
   * Metrics use the own one, so that one engine reports each window. Alerts use the own one, and where there is none, that of the
    * feed.
 *
 * When the observer's partition is revoked, the own verdict is kept as if the feed had it, until it has another: the partition may
 * come back, and marks go on. Alerts believe it for LENT_TURNS, in which another engine takes the partition and judges by its
 * state: an engine without a feed would not learn that a drift is over.
 *
 * Verdicts have the identity of what was compared with what. Those of another identity are forgotten as soon as an observer with
 * a new one runs here, or as the feed has a verdict with a new one; until then no step with the new one is marked by them.
 *
 * It also has the references and backgrounds that were learnt from topics as this process started
  * (engine/learn/reference_service.h), and the distance by which a step `outlier` judges messages, which its observer learns.
 *
 * Any thread may call. Workers that mark messages wait for nothing; all others take a lock of the entry. An entry is never removed,
 * so a reload keeps what is known.
 *
 * A step with `groupBy` has a verdict for each of DRIFT_SEGMENTS_MAX segments at most; any other has that of the segment "". With
 * so many, an own verdict takes the place of one that only the feed has.
 */
#pragma once

#include "observe/closed_windows.h"
#include "observe/outlier_in_force.h"

struct arena;
struct verdict_board;
struct verdict_entry;

struct verdict_board *verdict_board_open(void); /* NULL: memory ran out */
void verdict_board_close(struct verdict_board *board); /* NULL is fine */

/* The entry of a step, which lives as long as the board. NULL: memory ran out, or `board` is NULL. */
struct verdict_entry *verdict_board_entry(struct verdict_board *board, const char *pipeline, const char *step);

/* An observer of that identity was opened here: alerts use those verdicts of the feed that have it. */
void verdict_entry_expect(struct verdict_entry *entry, uint64_t identity);

/* The observer here is of that identity: own verdicts of another one are forgotten. */
void verdict_entry_begin(struct verdict_entry *entry, uint64_t identity);

/* Sets the own verdict of a segment, whose name is copied. With too many segments it stays unknown. If memory runs out in any
 * change, no verdict is known until the next one. */
void verdict_entry_set(struct verdict_entry *entry, struct text segment, struct last_verdict last);
struct last_verdict verdict_entry_get(struct verdict_entry *entry, struct text segment);

/* Sets the verdict that the feed has, beside the figures that it has; DRIFT_LEARNING: it has none any more. */
void verdict_entry_feed(struct verdict_entry *entry, uint64_t identity, struct text segment, struct last_verdict last);

/* Sets the figures that the feed has of the same window, all but verdict and score. They count beside a verdict of the same
 * identity, which comes first. */
void verdict_entry_feed_figures(struct verdict_entry *entry, uint64_t identity, struct text segment,
				const struct last_verdict *figures);

/* What marks a message of a step with that identity, without a lock: the own verdict. If that has judged no window, its verdict and
 * score are those of the feed; so are its figures, if no window was closed here. */
struct last_verdict verdict_entry_known(struct verdict_entry *entry, uint64_t identity, struct text segment);

/* How many rows were of segments beyond the limit, since the step's state began. */
void verdict_entry_set_beyond(struct verdict_entry *entry, uint64_t rows);

/* Realised numbers of the windows that settled here. */
struct realised_figures {
	struct realised_figure {
		double value, low, high; /* of the last window; NaN: none is known */
		uint64_t held, left;	 /* windows in which it was within the band, or not */
	} of[DRIFT_METRICS];
	uint64_t forgotten;	/* truths that were forgotten before their time */
	uint64_t cut_short;	/* windows that began to settle before their time */
	uint64_t unkept, unfit; /* rows of all windows that did not wait for feedback, or whose feedback cannot be compared */
};

/* Adds those of a settled window. A board keeps them as long as it lives. */
void verdict_entry_add_realised(struct verdict_entry *entry, const struct drift_score *settled);
void verdict_entry_add_hurried(struct verdict_entry *entry, uint64_t forgotten, uint64_t cut_short);
void verdict_entry_realised(struct verdict_entry *entry, struct realised_figures *figures);

/* All segments that have an own verdict, together. */
struct verdict_summary {
	struct last_verdict last; /* verdict_fold() of them, but the sum of their messages a minute */
	size_t segments;	  /* of own verdicts */
	uint64_t beyond;	  /* rows of segments beyond the limit */
};
struct verdict_summary verdict_entry_sum(struct verdict_entry *entry);

/* What alerts judge: all segments together, as in the summary. */
struct last_verdict verdict_entry_judged(struct verdict_entry *entry);

/* Calls with each segment of which alerts judge a verdict, in the order of their names. It must not use the board. */
void verdict_entry_each(struct verdict_entry *entry, void (*call)(void *context, struct text segment, struct last_verdict last),
			void *context);

/* Sets the own verdict of a segment, of which a window has closed, or was judged early; and keeps the window for the next turn. */
void verdict_entry_add_window(struct verdict_entry *entry, struct text segment, struct last_verdict last);

/* For one thread, which judges alerts: begins a turn. Windows that were added since the last one can be read until the next. Before
 * the first turn none are kept. */
void verdict_board_turn(struct verdict_board *board);
const struct closed_windows *verdict_entry_closed(const struct verdict_entry *entry);

#define LENT_TURNS 15 /* of the board, each about a second: a rebalance and the restoring of a state usually take less */

/* The observer's partition is revoked: keeps the own verdicts as those of the feed, and forgets what the observer can do, and the
 * importance of features. What was learnt of outliers stays until the feed has another. */
void verdict_entry_lend(struct verdict_entry *entry);

/* ---- what an observer can do ---- */

enum watching {
	WATCHING_UNASKED,  /* no message has come to an observer here */
	WATCHING_LEARNING, /* the reference is not known yet */
	WATCHING_COMPARES,
	WATCHING_UNFIT,	      /* nothing can be compared with the reference */
	WATCHING_MISFIT,      /* as many messages as a window has could not be used */
	WATCHING_UNESTIMATED, /* it compares, and no row of a window is in its estimate */
};

#define WATCHING_WHY_BYTES 256 /* may be cut off */

struct watching_state {
	enum watching watching;
	char why[WATCHING_WHY_BYTES]; /* of UNFIT, MISFIT and UNESTIMATED; and what is waited for */
	char unlearnt[WATCHING_WHY_BYTES]; /* the topic that gives no reference, and why; empty: it does, or is not tried */
};

/* Notes what the observer here can do, if it is something else than before. */
void verdict_entry_note_watching(struct verdict_entry *entry, enum watching watching, const char *why);
struct watching_state verdict_entry_watching(struct verdict_entry *entry);

/* Notes why the reference cannot be learnt from its topic, each time that it was tried; NULL: it is not tried any more. A reference
 * that is learnt ends that, too. */
void verdict_entry_note_unlearnt(struct verdict_entry *entry, const char *topic, const char *why);

#define CLOCK_WORDS_BYTES 256 /* may be cut off */

/* Notes that a clock was set back in the messages of an observer here, in words; the last such words. False: no more were noted
 * than `seen`, which counts them. */
void verdict_entry_note_clock(struct verdict_entry *entry, const char *words);
bool verdict_entry_clock(struct verdict_entry *entry, uint64_t *seen, char words[CLOCK_WORDS_BYTES]);

/* ---- references that are learnt from topics ---- */

/* Keeps the reference that was learnt for the step from a topic: a copy of its file, as long as the board lives. The first of a
 * topic stays. False: memory ran out. */
bool verdict_entry_learn(struct verdict_entry *entry, const char *topic, struct text file);

/* The file, borrowed from the board. False: none was learnt from that topic yet. */
bool verdict_entry_learnt(struct verdict_entry *entry, const char *topic, struct text *file);

/* Sets the background of a step `explain`, of which a copy is kept, in place of a former one. `enough`: the step needs no more.
 * False: memory ran out. */
bool verdict_entry_set_background(struct verdict_entry *entry, struct text rows, bool enough);
bool verdict_entry_has_background(struct verdict_entry *entry); /* that is enough */

/* Forgets the backgrounds of all steps: another version of a pipeline may compare with other columns. */
void verdict_board_forget_backgrounds(struct verdict_board *board);

/* A copy in the arena. False: there is none yet, or the arena is full. */
bool verdict_entry_background(struct verdict_entry *entry, struct arena *arena, struct text *rows);

/* ---- what observers learn of outliers ---- */

/* Puts what an observer here has learnt into force; and what the feed has, which counts while no observer here has learnt any,
 * since it comes later. False: memory ran out, and what was in force stays. */
bool verdict_entry_set_outliers(struct verdict_entry *entry, uint64_t identity, const struct covariance *learnt);
bool verdict_entry_feed_outliers(struct verdict_entry *entry, uint64_t identity, const struct covariance *learnt);

/* For a worker, which waits for nothing. NULL: nothing is in force yet. It is to be released in either case. */
const struct outlier_in_force *verdict_entry_hold_outliers(struct verdict_entry *entry);
void verdict_entry_release_outliers(struct verdict_entry *entry);

/* How a worker marked the last message. */
void verdict_entry_note_knowledge(struct verdict_entry *entry, enum outlier_knowledge knowledge);
enum outlier_knowledge verdict_entry_knowledge(const struct verdict_entry *entry);

/* ---- importance of features ---- */

#define IMPORTANCE_SHOWN 20	 /* features of a step, those with the most; the others are one number */
#define IMPORTANCE_NAME_BYTES 128 /* of a name, which may be cut off */

/* Of the last window of a step `explain` that was closed here. */
struct importance_figures {
	size_t count; /* 0: none is known */
	struct importance_figure {
		char name[IMPORTANCE_NAME_BYTES];
		double mean; /* of the absolute contributions, over all outputs */
	} features[IMPORTANCE_SHOWN];
	bool has_others;
	double others; /* the sum of all other means */
};

/* Shows the means of all features, whose names are copied. */
void verdict_entry_weigh(struct verdict_entry *entry, const struct text *names, const double *means, size_t count);
void verdict_entry_importance(struct verdict_entry *entry, struct importance_figures *figures);
