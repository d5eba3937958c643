/* exposure_join.h: Join of a pipeline's exposures with feedback: by request id, by origin, or by unit.
 *
 * An exposure is open from when it is read until the window of its experiment ends. Feedback is joined to the open exposures of its
 * request: of the experiment that it names, else of all. The first value of each name counts for an exposure. So the same records
 * again, in any order, add nothing. An id is of one request: another request with an id that is open is counted and not opened.
 * The id of a request that was sent without one is its origin (message/records/feedback.h).
 *
 * Feedback that names a unit alone is joined to one exposure of each experiment that takes units: see enum join_units. Feedback on
 * an exposure that is over is late; with `samples` an outcome says so, by a sample of these exposures.
 *
 * Each result is an outcome (message/records/outcome.h), which is passed to `outcome` at once. Time is what exposure_join_pass()
 * says, and never goes back: whoever reads the records knows how far feedback was read. The same calls give the same outcomes.
 *
 * A join whose memory is full drops the exposure that is open for longest: it is forgotten, and its feedback unknown from then on.
 *
 * A leader that begins restores the join: it is quiet, is given the time of the former leader, the exposures from
 * exposure_join_low() on, as that leader committed it, and then marks of the outcomes that the topic has of these
 * (exposure_join_low_ms()).
 *
 * Pure. Belongs to one thread.
 */
#pragma once

#include "experiments/outcomes/open_exposures.h"
#include "message/records/feedback.h"
#include "message/records/outcome.h"

#define JOIN_NAMES_MAX 32 /* of values: each has a bit of an exposure */
#define JOIN_WINDOWS_MAX OPEN_WINDOWS_MAX
#define JOIN_MEMORY_LEAST OPEN_MEMORY_LEAST
#define JOIN_WALK_MOST 16384 /* exposures of a unit that are newer than its feedback: one busy unit must not hold up all others */

struct exposure_join;

/* Which exposure feedback is for that names a unit alone. The same feedback_id of a unit counts once within a window. */
enum join_units {
	JOIN_UNITS_NONE, /* none: it is counted */
	/* Of a policy, which chooses for each request: the last one before it, else the first one that is at most FEEDBACK_AHEAD_MS
	 * after it, since clocks differ. Each name counts once, and feedback behind JOIN_WALK_MOST newer ones is dropped. */
	JOIN_UNITS_ONCE,
	/* Of a table of units: the last one that is at most FEEDBACK_AHEAD_MS after it. All values count. */
	JOIN_UNITS_ALL
};

/* How long the exposures of an experiment are open. */
struct join_window {
	struct text experiment; /* empty: the answers themselves */
	int64_t window_ms;	/* INT64_MAX: whenever feedback comes */
	enum join_units units;
	struct text earned; /* the value that the reward gives, where feedback lacks it. Empty: there is none */
	struct text judged; /* the value that the truth gives, where neither feedback nor its reward does. Empty: likewise */
	struct text ends;   /* an exposure without a value of that name ends, or is forgotten, with an outcome. Empty: none does */
	bool samples;	    /* late feedback is an outcome, too */
};

struct exposure_join_config {
	/* At least JOIN_MEMORY_LEAST, which each join has for itself; SIZE_MAX: no bound. Joins that share the rest count in `used`
	 * what they take; NULL: it shares with none. */
	size_t memory_bytes, *used;
	uint64_t seed;	     /* of the hashes of ids and units, against those that are chosen to collide */
	size_t window_count; /* at most JOIN_WINDOWS_MAX; exposures of other experiments are not opened */
	const struct join_window *windows; /* copied, as `names` */
	size_t name_count;   /* of values that count, at most JOIN_NAMES_MAX: FEEDBACK_REWARD is one */
	const struct text *names;
	void *context;
	/* Gets each outcome. All of it lives until this returns. `window`: index of its experiment. */
	void (*outcome)(void *context, size_t window, const struct outcome *outcome);
	/* Computes metrics of an exposure by its feedback (OUTCOME_COMPUTED), up to `room`, and returns how many; and sets the
	 * tensors of the answer and the request. `kept` is what exposure_join_keep() was given, or bytes NULL. `had` has a bit of
	 * each name that the exposure has already. NULL: nothing is computed. */
	size_t (*compute)(void *context, size_t window, const struct feedback *feedback, struct outcome *outcome, struct text kept,
			  uint32_t had, struct outcome_metric *metrics, size_t room, struct arena *arena);
};

enum join_fate {
	EXPOSURE_OPENED,
	EXPOSURE_REPEATED, /* the same exposure again: at-least-once delivery repeats records */
	EXPOSURE_DOUBLED,  /* another request with an open id */
	EXPOSURE_LATE,     /* its window is over */
	EXPOSURE_REFUSED,  /* no window is of its experiment, its time is below 0, or memory ran out */
	EXPOSURE_FATES
};

/* Of one window, since the join was opened. */
struct exposure_join_counts {
	uint64_t exposures[EXPOSURE_FATES];
	uint64_t open;	    /* now */
	uint64_t ended;	    /* exposures whose window is over */
	uint64_t forgotten; /* exposures that gave their place to newer ones */
	uint64_t lacking[JOIN_NAMES_MAX]; /* of those that were forgotten: without a value of that name */
	uint64_t joined;    /* values */
	uint64_t again;	    /* values that an exposure has already, and feedback_ids of units that came before */
	uint64_t late;	    /* feedback after the window of its exposure */
	uint64_t unknown;   /* feedback without an open exposure */
	uint64_t by_unit;   /* feedback that names a unit alone */
	uint64_t crowded;   /* of it: beyond JOIN_WALK_MOST, or too many feedback_ids came within a window */
	uint64_t unjudged;  /* feedback whose truth could not be judged, though `judged` needs it */
};

/* NULL: CONFIG, a setting is beyond its limits; or SYSTEM. */
struct exposure_join *exposure_join_open(const struct exposure_join_config *config, struct error *error);
void exposure_join_close(struct exposure_join *join); /* NULL is fine */

enum join_fate exposure_join_expose(struct exposure_join *join, const struct exposure *exposure, struct join_place place);

/* Keeps bytes of an open request, for `compute`; the first ones are kept. False: no such request is open, or no memory is left for
 * them. */
bool exposure_join_keep(struct exposure_join *join, struct text id, struct text bytes);

/* Joins feedback that feedback_check() has passed, with the place and the time of its record. */
void exposure_join_feedback(struct exposure_join *join, const struct feedback *feedback, const struct origin *source,
			    int64_t written_ms);

/* Feedback was read up to this time, and exposures: ends windows. */
void exposure_join_pass(struct exposure_join *join, int64_t time_ms);
int64_t exposure_join_time_ms(const struct exposure_join *join);

/* No outcome is passed on, and nothing is counted, while it is quiet. Exposures whose window is over are only sampled. */
void exposure_join_quiet(struct exposure_join *join, bool quiet);

/* An outcome that the topic has already. */
void exposure_join_mark(struct exposure_join *join, const struct outcome *outcome);

/* The place from which the open exposures of a partition have to be read again. False: none is open. */
bool exposure_join_low(const struct exposure_join *join, uint32_t source, int32_t partition, int64_t *offset);

/* The time with which an outcome has to be stored, and the least time of an open exposure: no outcome of one has an earlier time.
 * INT64_MAX: none is open. */
int64_t exposure_join_stored_ms(const struct exposure_join *join, const struct outcome *outcome);
int64_t exposure_join_low_ms(const struct exposure_join *join);

struct exposure_join_counts exposure_join_counts(const struct exposure_join *join, size_t window);
