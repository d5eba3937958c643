/* wanted_answers.h: Wanted answers: a list of the feedback by which no engine has computed the metrics that it is to compute, since
 * the one that gave the answer was stopped, restarted or killed. The answers are then read again (engine/learn/answer_recovery.h).
 *
 * Feedback is due WANTED_WAIT_MS after its record was written, by when an engine that has the answer would have written its values:
 * engines wait less for an answer (engine/learn/feedback_counting.h). What they write settles the metrics that it names.
 *
 * A pass is one reading of a span of time, in which the answers to many requests are. It takes all that is due in the span: from
 * ANSWER_CLOCKS_MS before an exposure to ANSWER_LATE_MS after the exposure's record, and on as long as such spans overlap. What two
 * passes have not found is dropped, and what is no longer wanted as the window of its exposure is over.
 *
 * The records of exposures say how long after its request an answer was written: the longest time of each minute of the last
 * WANTED_MINUTES is known.
 *
 * The list takes at most WANTED_MAX items and WANTED_BYTES; what comes beyond is not added, and is counted.
 *
 * Pure. Belongs to one thread, or to whoever holds the owner's lock.
 */
#ifndef SLUICE_EXPERIMENTS_OUTCOMES_WANTED_ANSWERS_H
#define SLUICE_EXPERIMENTS_OUTCOMES_WANTED_ANSWERS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#define WANTED_MAX ((size_t)100000)
#define WANTED_BYTES ((size_t)64 << 20)
#define WANTED_PASS_MAX ((size_t)20000) /* feedback that one pass takes */
#define WANTED_WAIT_MS 25000
#define WANTED_AGAIN_MS 30000 /* to the second pass */
#define WANTED_TRIES 2
#define WANTED_METRICS 8	       /* bits of `metrics`: at least as many as are computed by feedback */
#define WANTED_MINUTES ((size_t)16384) /* eleven days; of older requests an answer is taken to have come at once */

/* Feedback, and the request that it names. */
struct wanted_answer {
	uint64_t number;      /* set by the list */
	struct text name;     /* of the request: feedback_key() */
	struct text feedback; /* the record */
	int64_t written_ms;   /* time of that record */
	const char *variant;  /* that an experiment chose; borrowed */
	int64_t exposed_ms;   /* the time of the exposure, in whole seconds */
	int64_t until_ms;     /* when its window is over */
	unsigned metrics;     /* a bit of each that is wanted */
};

/* What one reading of a span of time is to find. */
struct wanted_pass {
	int64_t from_ms, to_ms;
	struct wanted_answer *items; /* in the order of their names */
	size_t count;
};

struct wanted_answers;

struct wanted_answers *wanted_answers_open(size_t most, size_t bytes_most, struct error *error); /* NULL: SYSTEM */
void wanted_answers_close(struct wanted_answers *wanted);					 /* NULL is fine */

/* An exposure was recorded: then its answer was written. Times since 1970. */
void wanted_answers_expose(struct wanted_answers *wanted, int64_t exposed_ms, int64_t recorded_ms);

/* Adds a copy, without the metrics that are wanted already for the request: the first feedback counts. */
void wanted_answers_add(struct wanted_answers *wanted, const struct wanted_answer *answer);

/* These metrics of the request have their values. */
void wanted_answers_settle(struct wanted_answers *wanted, struct text name, unsigned metrics);

/* Begins a pass over the earliest span of what is due, by the time up to which feedback was read: a copy in the arena, whose end
 * leaves the rest to another pass. False: nothing is due. */
bool wanted_pass_begin(struct wanted_answers *wanted, int64_t read_ms, struct arena *arena, struct wanted_pass *pass);

/* The items of a request; `count` is how many follow. NULL: it is not wanted. */
struct wanted_answer *wanted_pass_find(const struct wanted_pass *pass, struct text name, size_t *count);

/* The answer is found: it is taken off the list. Returns the metrics that are wanted still. */
unsigned wanted_answers_claim(struct wanted_answers *wanted, const struct wanted_answer *item);

/* The span was read to its end. Those of the pass that were not claimed are due again, or dropped. */
void wanted_pass_end(struct wanted_answers *wanted, const struct wanted_pass *pass, int64_t read_ms);

size_t wanted_answers_count(const struct wanted_answers *wanted);
uint64_t wanted_answers_refused(const struct wanted_answers *wanted); /* beyond the limits */
uint64_t wanted_answers_dropped(const struct wanted_answers *wanted); /* not found, or their window was over */
uint64_t wanted_answers_lost(const struct wanted_answers *wanted, unsigned metric); /* of either: those that wanted that metric */

#endif
