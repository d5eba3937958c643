/* outcome_join.h: Outcome join: open exposures in memory, to which feedback is joined by request id as it arrives.
 *
 * An open exposure takes OUTCOME_ENTRY_BYTES and four bytes of an index, never more than OUTCOME_BYTES_MOST with what follows. All
 * memory is reserved at once, so a request never waits for it. An exposure stays open for the window. When there is no space, the
 * oldest one is dropped, and counted.
 *
 * Each outcome (the reward, or a metric by its name) of an exposure is joined at most once. The first one counts, so
 * the same records again, in any order, add nothing. An id is of one request: if another request comes with an id that
 * is still open, its exposure is counted as doubled and not opened. The id of a request that was sent without one is its
 * origin (message/records/feedback.h), so feedback by origin finds those requests.
 *
 * A join by units also joins feedback that names a unit alone, with the last exposure of that unit before it; where there is none,
 * with the first one that is at most FEEDBACK_AHEAD_MS after it, since clocks differ. Each outcome of an exposure still counts
 * once, and the same feedback_id of a unit once within a window. Without its own time, feedback that is sent again without a
 * feedback_id is another one. Two units are told apart by their bucket and 32 bits of their hashes. Feedback is dropped, and
 * counted, if more than RECENT_IDS_MAX ids came within a window, since it could count twice; or if more than OUTCOME_WALK_MOST
 * exposures of the unit's bucket are newer than it: one busy unit must not hold up all others.
 *
 * Where all values of a unit count, the join only says for which exposure such feedback is (outcome_join_unit_find()): the last one
 * that is at most FEEDBACK_AHEAD_MS after it, however many are newer. The first such feedback takes 8 bytes more for each exposure
 * that can be open.
 *
 * A join that judges also keeps four bytes of the label of each answer (message/records/answer_label.h), and joins the truth of
  * feedback as a metric: 1 where it is equal, else 0. An answer that said nothing has none.
 *
 * Time is that of the records: the latest exposure is now. Where none comes, whoever has read all of them lets time pass
 * (outcome_join_pass()): this ends windows, and nothing else. The same records in the same order always give the same
 * outcomes and counts. So the join is restored by the records of the last window. Records must be passed in about the
 * order of their times: feedback before its exposure is unknown.
 *
 * Pure. Belongs to one thread.
 */
#ifndef SLUICE_EXPERIMENTS_OUTCOMES_OUTCOME_JOIN_H
#define SLUICE_EXPERIMENTS_OUTCOMES_OUTCOME_JOIN_H

#include "message/records/exposure.h"
#include "message/records/feedback.h"

#define OUTCOME_ENTRY_BYTES 32
#define OUTCOME_BYTES_MOST 40
#define OUTCOME_QUIET_MS                                                                                                           \
	5000 /* without an exposure, before time is the clock's; and by which that is behind: records on their way */
#define OUTCOME_METRICS_MAX 7 /* an entry has a bit for each, and one for the reward */
#define OUTCOME_ARMS_MAX 255
#define OUTCOME_WALK_MOST 16384	 /* newer exposures: some milliseconds, for feedback of an old time only */
#define RECENT_IDS_MAX ((size_t)1 << 20) /* feedback_ids of units: some 50 MB. An id is known for a window, or for two at most */
#define OUTCOME_EXPERIMENTS_MAX 65535 /* of all exposures, as long as the join lives */

struct outcome_join;

struct outcome_join_config {
	size_t memory_bytes; /* for open exposures and their index */
	int64_t window_ms;   /* feedback that is later is not joined */
	uint64_t seed;	     /* of the hash of ids, against ids that are chosen to collide */
	size_t metric_count; /* of those that are joined besides the reward */
	const struct text *metrics; /* copied */
	bool judges; /* outcome_join_judge() is called */
	bool by_unit; /* joins feedback that names a unit alone; exposures have no hash of their unit then */
	/* Called for an exposure that is over: its window ended, or it is dropped. NULL: it is not called. */
	void (*closed)(void *context, size_t slot, uint32_t arm, bool has_outcome);
	void (*late)(void *context, size_t slot); /* of an open exposure whose window is over for a feedback. NULL: likewise */
	void *context;
};

/* An exposure, as its record has it. */
struct outcome_exposure {
	struct text id;
	struct origin origin; /* topic empty: unknown */
	struct text experiment;
	struct text unit;
	struct text prediction; /* what the answer says; empty: nothing */
	uint32_t arm;	   /* number of the variant in its experiment */
	int64_t time_ms;
};

/* The exposure of a record, in which that variant was chosen. */
static inline struct outcome_exposure outcome_exposure_of(const struct exposure *exposure, size_t arm)
{
	return (struct outcome_exposure){.id = exposure->id,
					 .origin = exposure->origin,
					 .experiment = exposure->experiment,
					 .unit = exposure->unit,
					 .prediction = exposure->prediction,
					 .arm = (uint32_t)arm,
					 .time_ms = exposure->time_ms};
}

/* A joined outcome. */
struct joined_outcome {
	uint32_t arm;
	size_t slot; /* of the exposure: below the capacity, its own while it is open */
	uint64_t unit;	    /* hash of the unit; 0: none, or the join is by units */
	int64_t exposed_ms; /* whole seconds */
	size_t metric; /* index in the configuration; OUTCOME_REWARD */
	double value;
};

#define OUTCOME_REWARD SIZE_MAX

enum exposure_fate {
	EXPOSURE_OPENED,
	EXPOSURE_REPEATED, /* the same one again: at-least-once delivery repeats records */
	EXPOSURE_DOUBLED,  /* another request with an open id */
	EXPOSURE_LATE,	   /* older than the window */
	EXPOSURE_REFUSED   /* an arm beyond OUTCOME_ARMS_MAX, an experiment beyond OUTCOME_EXPERIMENTS_MAX, or memory ran out */
};

struct outcome_join_counts {
	uint64_t opened, repeated, doubled, late_exposures, refused; /* exposures, by their fate */
	uint64_t expired; /* exposures whose window is over */
	uint64_t dropped; /* exposures that gave their place to newer ones within the window */
	uint64_t joined;  /* outcomes */
	uint64_t again;	  /* outcomes that an exposure has already */
	uint64_t late;	  /* feedback after the window of its exposure */
	uint64_t unknown; /* feedback without an open exposure */
	uint64_t by_unit; /* feedback that names a unit alone, which only a join by units joins */
	uint64_t feedback_dropped; /* of it: beyond RECENT_IDS_MAX or OUTCOME_WALK_MOST */
};

/* NULL: CONFIG, a setting is beyond its limits; or SYSTEM, memory ran out. */
struct outcome_join *outcome_join_open(const struct outcome_join_config *config, struct error *error);
void outcome_join_close(struct outcome_join *join); /* NULL is fine */

enum exposure_fate outcome_join_expose(struct outcome_join *join, const struct outcome_exposure *exposure);

/* Time has passed: ends exposures whose windows are over by then, the oldest first, as a later exposure would. One that is not
 * newer than these is late from now on, since it may be one of them again. */
void outcome_join_pass(struct outcome_join *join, int64_t time_ms);

/* Joins feedback with the open exposures of its request: of the experiment that it names, else of all. `joined` is called
 * for each outcome that counts. The feedback has a time, and was checked by feedback_check(). */
void outcome_join_feedback(struct outcome_join *join, const struct feedback *feedback,
			   void (*joined)(void *context, const struct joined_outcome *outcome), void *context);

/* The same of what the truth says, which is not empty: as `metric`, an index in the configuration or OUTCOME_REWARD. False: an
 * exposure of the request is open, and its answer said nothing. */
bool outcome_join_judge(struct outcome_join *join, const struct feedback *feedback, struct text truth, size_t metric,
			void (*joined)(void *context, const struct joined_outcome *outcome), void *context);

enum unit_fate {
	UNIT_FOUND,
	UNIT_REPEATED, /* its feedback_id came before */
	UNIT_UNKNOWN,  /* no exposure of its unit before it is open */
	UNIT_LATE,     /* after the window of its exposure */
	UNIT_CROWDED   /* beyond a limit, or memory ran out */
};

/* Finds the slot of the exposure that feedback is for which names a unit alone, and has a time. It counts nothing, and the same
 * feedback_id of the unit is found once within a window. For joins that are not by units. */
enum unit_fate outcome_join_unit_find(struct outcome_join *join, const struct feedback *feedback, size_t *slot);

/* An open exposure, as outcome_join_lacks() finds it. */
struct open_request {
	uint32_t arm;
	int64_t exposed_ms; /* whole seconds */
};

/* Whether an open exposure of the feedback's request could still get that outcome by it: an index in the configuration or
 * OUTCOME_REWARD. It counts nothing. */
bool outcome_join_lacks(struct outcome_join *join, const struct feedback *feedback, size_t metric, struct open_request *found);

/* The hash by which exposures have a unit; 0: the unit is empty. */
uint64_t outcome_join_unit_hash(const struct outcome_join *join, struct text unit);

/* Of the exposure in a slot, which is open, or of which `closed` is told: the hash of its request, its unit, unless the join is by
 * units, its arm, and its time in whole seconds. */
uint64_t outcome_join_request(const struct outcome_join *join, size_t slot);
uint64_t outcome_join_unit(const struct outcome_join *join, size_t slot);
uint32_t outcome_join_arm(const struct outcome_join *join, size_t slot);
int64_t outcome_join_exposed_ms(const struct outcome_join *join, size_t slot);

/* The metrics that it has: a bit of each, by its index in the configuration. */
unsigned outcome_join_metrics(const struct outcome_join *join, size_t slot);

/* Whether it has the reward. */
bool outcome_join_has_reward(const struct outcome_join *join, size_t slot);

/* Whether its answer said something that a truth can be held against. */
bool outcome_join_has_label(const struct outcome_join *join, size_t slot);

/* The hash of the request that a feedback names. */
uint64_t outcome_join_feedback_request(struct outcome_join *join, const struct feedback *feedback);

/* The slot of the exposure that was opened last; there must be one. */
size_t outcome_join_newest(const struct outcome_join *join);

/* Calls `take` for each open exposure, the oldest first. */
void outcome_join_each_open(const struct outcome_join *join,
			    void (*take)(void *context, size_t slot, uint32_t arm, bool has_outcome), void *context);

size_t outcome_join_capacity(const struct outcome_join *join);
size_t outcome_join_open_count(const struct outcome_join *join);
struct outcome_join_counts outcome_join_counts(const struct outcome_join *join);

#endif
