/* rollout.h: State machine of a rollout: judges the counts of each variant every 30 s, and moves between stages.
 *
 *   pending        the candidates have no traffic; the first look starts stage 1
 *   running        a stage: at its end all rules hold, and the next stage begins. Else it is extended to at most twice its
 *                  duration, or by ROLLOUT_REPORTED_MS where that is more, and is then inconclusive
 *   paused         by a command, or a stage waits for its approval; its clock stands still
 *   inconclusive   the weights stay; `resume` gives the stage another of its durations
 *   promoted       the candidates have all the traffic
 *   rolled back    the default has all the traffic
 *
 * The clock of a stage stands still also while nobody looks, as Kafka is away or no engine is the keeper: in that time no evidence
 * could enter. It is counted by whole intervals of looks (rollout_skip()), and each move says how much of its stage's time was left
 * out so.
 *
 * A rule that is broken, or a trigger that sees a change, rolls back in each state in which the candidates have traffic and
 * are not promoted, also while a stage is paused or inconclusive. A rule holds when the end of its interval on the bad side
 * is inside the limit, and is broken when the end on the good side is outside. The intervals are of the stage, at
 * ROLLOUT_ALPHA for each rule, and hold at every look. Requests of a unit depend on each other, so rates, and the levels of
 * triggers, are those of requests divided by a design effect: the one that units show for the end by which a rule is broken and for
 * triggers, the safe one for the end by which it holds. Without units, both are 1. A stage at 100% has no traffic of the default:
 * comparisons keep what they had before it.
 *
 * A metric is judged by what its units count as: the mean of their values, or with `perUnit: ratio` their sums by their numbers of
 * values, with the variance of the delta method. A sum is not: it grows with the time since the stage began, so a threshold would
 * mean another thing at each look (compiler/plan/metrics.c refuses it). Values that were 0 and 1 so far, of which one is too scarce
  * for that variance, are judged as rates; of a ratio, of as many units as would have its precision if the values of a unit were
   * equal (Kish, 1965).
 *
 * A rule of truth that nobody wrote is left out as long as the rollout has no truth of any variant in any stage. A truth is also
 * one that waits for the end of its outcome window, or that came after it, or is of a request of an earlier stage
 * (engine/learn/tally_reader.h): then the rule is open, and the stage does not pass. It is open too while no engine says that it
  * has counted what has come, since there may be some. Of truths that do not count nothing is judged, so what is shown by the
   * others is that of requests whose truth comes early. Where more than ROLLOUT_LATE_SHARE of the truths of the
 * candidate, or of the default in a comparison, are late, a rule does not hold: those in time are the smaller part of them, and
 * were chosen by their speed. It may be broken, since a rollback is the safe side.
 *
 * A candidate that had requests, and then none while the default had so many that ROLLOUT_UNREACHED_EXPECTED of its own are
 * missing, is not reached any more: what it has shown before is open, so a stage does not pass by it. How many are missing is found
 * as if the default had had ROLLOUT_UNREACHED_EXPECTED requests more beside those of the candidate, since few tell no pace. At 100%
 * there is no default to compare with, and time takes its place: a candidate without a request for so long that
 * ROLLOUT_UNREACHED_EXPECTED are missing at its own pace, or without any in the stage, is not reached. Nothing tells such a
 * candidate from one whose users pause. But a stage that does not pass costs nothing: it passes with the next requests, in the time
 * that it has.
 *
 * Each move has a number, from 1, and its evidence. A move that changes weights begins an epoch: counts are those since the
 * epoch began, and counts of an earlier epoch are ignored. Counts are totals, so a look that is repeated adds nothing.
 * Commands have numbers that rise, and a repeated one does nothing. So whoever has the state and the plan, and writes the
 * state together with the move, goes on without repeat or gap.
 *
 * Pure data without pointers: a state is copied as it is. Belongs to one thread.
 */
#pragma once

#include "experiments/rollouts/rollout_plan.h"
#include "methods/numeric/moments.h"
#include "methods/statistics/cluster_mean.h"
#include "methods/statistics/interval.h"
#include "methods/statistics/rate_sequence.h"
#include "methods/statistics/sequence.h"

#define ROLLOUT_LATE_SHARE 0.5	      /* of the truths of a variant: with more late ones, no rule of truth holds */
#define ROLLOUT_REPORTED_MS 5000      /* in which what engines count is known: one that is silent for longer does not count */
#define ROLLOUT_UNREACHED_EXPECTED 20 /* at the pace of the stage so far: by chance none of them comes in 2 of 10^9 such spans */
#define ROLLOUT_BY_BYTES_MAX 120      /* of who gave a command; a record of a move has it */

/* Numbers are part of stored states: append only. */
enum rollout_phase {
	ROLLOUT_PENDING,
	ROLLOUT_RUNNING,
	ROLLOUT_PAUSED,
	ROLLOUT_INCONCLUSIVE,
	ROLLOUT_PROMOTED,
	ROLLOUT_ROLLED_BACK,
	ROLLOUT_PHASES
};

extern const char *const rollout_phase_names[ROLLOUT_PHASES]; /* "rolledBack" */

/* Requests with a truth, or with a metric of feedback: by when it came. */
struct truth_arrivals {
	uint64_t in_time; /* within the outcome window, also where that is not over yet */
	uint64_t late;	  /* after it: it is not judged */
};

/* What became of the requests of one variant since the epoch began. */
struct rollout_counts {
	uint64_t requests, errors;
	uint64_t above[ROLLOUT_RULES_MAX]; /* requests slower than the limit of the stage's rule, where that is RULE_LATENCY */
	/* How they are spread over units (experiments/rollouts/unit_cells.h), of the requests of which that is known; {0}: of none.
	 * */
	struct cluster_mean errors_spread, above_spread[ROLLOUT_RULES_MAX];
	uint64_t alone;			   /* requests among these without a unit */
	struct moments accuracy;	   /* one value of 0..1 for each unit whose window for outcomes has passed */
	/* Of the plan: likewise, one value of each unit that has it; of a ratio as arm_sums_ratio_moments() has them. */
	struct moments metrics[EXPERIMENT_METRICS_MAX];
	/* Of a ratio of values 0 and 1: units divided by it count as independent ones; infinite of other values. 0: no ratio. */
	double ratio_effects[EXPERIMENT_METRICS_MAX];
	/* Of the accuracy, and of each metric. They may fall: whoever counts anew may have another outcome window. */
	struct truth_arrivals accuracy_arrivals, arrivals[EXPERIMENT_METRICS_MAX];
};

struct truth_counts;

/* Sets the accuracy and the metrics, and when they came, to what was counted (experiments/rollouts/truth_tally.h). */
void rollout_counts_truths(struct rollout_counts *counts, const struct truth_counts *truths);

/* What the state has of one rule and one candidate. */
struct rollout_tracker {
	struct rate_watch watch;     /* triggers of rates */
	double tau2;		     /* means and comparisons; 0 before the end of burn-in */
	double difference;	     /* of the last look; else 0 */
	struct interval interval;    /* likewise; else of all numbers */
	bool judged;		     /* there was such a look */
	enum scarcity scarcity;	     /* of its looks */
};

struct rollout_state {
	uint64_t plan; /* rollout_plan_hash() */
	enum rollout_phase phase;
	uint32_t stage; /* from 0 */
	uint64_t epoch; /* changes of weights */
	uint64_t moves; /* number of the last one */
	uint64_t command; /* number of the last one */
	bool waiting;	/* for an approval */
	bool declined;	/* and its webhook does not give it */
	bool truth;	/* of any variant, in any stage, also a late one */
	bool truths_uncounted;		      /* of the last look; it is not stored */
	int64_t began_ms, paused_ms, held_ms; /* the stage; the current pause; pauses before it, and time without looks */
	int64_t skipped_ms;		      /* of held_ms: time without looks */
	int64_t extent_ms; /* the stage may last so long */
	int64_t looked_ms;
	struct rollout_counts control, candidates[ROLLOUT_CANDIDATES_MAX]; /* of the last look */
	/* Requests of the default since the look that saw the last one of the candidate; of a stage at 100% milliseconds. */
	uint64_t unreached[ROLLOUT_CANDIDATES_MAX];
	struct rollout_tracker trackers[ROLLOUT_CANDIDATES_MAX][ROLLOUT_RULES_MAX];
};

/* ---- evidence ---- */

enum rollout_verdict {
	VERDICT_OPEN,
	VERDICT_HOLDS,
	VERDICT_BROKEN,
	VERDICT_CHANGED, /* a trigger sees a change */
	VERDICT_LEFT_OUT, /* an implied rule of truth, and no truth has come */
	VERDICTS
};

struct rollout_judgement {
	uint32_t candidate, rule;
	enum rollout_verdict verdict;
	uint64_t trials;     /* requests, or units with truth, of the candidate */
	double effect;	     /* of a rate: trials divided by it count as independent (methods/statistics/design_effect.h); else 0 */
	double estimate;     /* NaN: none */
	struct rate control; /* of a rate beside the default: its own, of the same time; {0}: it has no requests */
	struct interval interval;
	double bound;	     /* which the interval is held against: the limit, .05 of the 95th percentile, 0 of a difference */
	double watch, alarm; /* of a trigger of rates: its level, and that of an alarm; else 0 */
	/* The candidate is not reached any more, since so many requests of the default, or at 100% milliseconds; else 0. */
	uint64_t unreached_requests, unreached_ms;
	bool is_of_truth;
	struct truth_arrivals arrivals, control_arrivals; /* of a rule of truth: the candidate's, and the default's */
	uint64_t control_units;				  /* likewise: with truth, of the default */
	bool is_uncounted;				  /* likewise: it would be left out, but nobody counts its truths */
	/* Where it is still open at the end of its stage: trials with which it would hold if what is measured stays; INFINITY: it
	 * would not. 0: not known, or more of them would not help. */
	double needed;
	bool is_beyond; /* of a rule of truth: values are too small, or too large, for a variance (methods/statistics/sequence.h) */
};

#define ROLLOUT_JUDGEMENTS_MAX (ROLLOUT_CANDIDATES_MAX * ROLLOUT_RULES_MAX)

struct rollout_evidence {
	uint32_t stage; /* that was judged */
	size_t count;
	struct rollout_judgement items[ROLLOUT_JUDGEMENTS_MAX];
};

/* Judges all rules of the stage by the state's counts. It changes nothing. */
void rollout_judge(const struct rollout_plan *plan, const struct rollout_state *state, struct rollout_evidence *evidence);

/* ---- moves ---- */

enum rollout_reason {
	REASON_STARTED,
	REASON_HELD,	 /* all rules hold at the stage's end */
	REASON_BROKEN,	 /* by `cause` */
	REASON_CHANGED,	 /* a trigger, `cause` */
	REASON_OPEN,	 /* `cause` is still open in twice the stage's duration */
	REASON_APPROVAL, /* all rules hold, and the stage waits */
	REASON_COMMAND,
	ROLLOUT_REASONS
};

extern const char *const rollout_reason_names[ROLLOUT_REASONS]; /* "started" */

enum rollout_command_kind {
	COMMAND_PROMOTE, /* a stage that waits is approved; else the candidates get all the traffic at once */
	COMMAND_ROLLBACK,
	COMMAND_PAUSE,
	COMMAND_RESUME,
	COMMAND_APPROVE,
	COMMAND_CONFIRM, /* the webhook of a stage that waits says yes */
	COMMAND_DECLINE, /* it says no, or nothing: the stage goes on waiting, for somebody */
	ROLLOUT_COMMANDS
};

#define ROLLOUT_COMMANDS_GIVEN COMMAND_CONFIRM /* those before it are given by people */

extern const char *const rollout_command_names[ROLLOUT_COMMANDS]; /* "promote" */

struct rollout_move {
	uint64_t number; /* 0: there was none */
	int64_t time_ms;
	enum rollout_phase from, to;
	uint32_t from_stage, to_stage;
	uint64_t epoch; /* after it */
	double percent; /* of all candidates together, after it */
	enum rollout_reason reason;
	enum rollout_command_kind command; /* of REASON_COMMAND */
	char by[ROLLOUT_BY_BYTES_MAX + 1]; /* who gave it; "": nobody */
	size_t cause; /* index of the evidence; SIZE_MAX: none */
	int64_t skipped_ms; /* of the stage before it: time in which nobody looked, which does not count */
	struct rollout_evidence evidence;
};

struct rollout_look {
	int64_t time_ms;
	uint64_t epoch; /* of the counts */
	bool truths_uncounted; /* truths may have come that nobody has counted yet */
	struct rollout_counts control, candidates[ROLLOUT_CANDIDATES_MAX];
};

struct rollout_command {
	uint64_t number; /* from 1; its position in the log of commands */
	enum rollout_command_kind kind;
	int64_t time_ms;
	const char *by; /* NULL: not known */
};

/* A rollout that is pending. */
struct rollout_state rollout_begin(const struct rollout_plan *plan);

/* The traffic of all candidates together. */
double rollout_percent(const struct rollout_plan *plan, const struct rollout_state *state);

/* Moves all times of the state: the clock was set, by so much. */
void rollout_shift(struct rollout_state *state, int64_t by_ms);

/* Nobody could look for so long, since the next look of the state was due. It is not written yet: whoever reads the state that was
 * written before calls this for all of the time. */
void rollout_skip(const struct rollout_plan *plan, struct rollout_state *state, int64_t missed_ms);

/* A look at the counts. A stage is looked at once in each `checkEvery` since its beginning: other looks change nothing, so
 * triggers have no more looks than their limit supposes. `move` says what follows. False, and nothing has changed:
 * INPUT, counts that fell or contradict each other, or of an epoch that has not begun. */
bool rollout_look(const struct rollout_plan *plan, struct rollout_state *state, const struct rollout_look *look,
		  struct rollout_move *move, struct error *error);

/* False: INPUT, the command does not fit the state, which has only taken its number. It is to be written too: then the command is
 * refused once and for all, also where a later state would have it. */
bool rollout_command(const struct rollout_plan *plan, struct rollout_state *state, const struct rollout_command *command,
		     struct rollout_move *move, struct error *error);

/* ---- as bytes, and as JSON ---- */

#define ROLLOUT_STATE_VERSION 5
/* Which is read; it has no arrivals of truths, and no silence; 3 has no ratios; 4 does not say what was skipped. */
#define ROLLOUT_STATE_VERSION_LEAST 2

/* Appends the state, the same on every machine; the buffer's failure says whether it fitted. */
void rollout_state_write(const struct rollout_plan *plan, const struct rollout_state *state, struct buffer *out);

/* The state that was written. INPUT: damaged bytes, a version to come, or the state of another plan. */
bool rollout_state_read(const struct rollout_plan *plan, struct text bytes, struct rollout_state *state, struct error *error);

/* Appends a move as one JSON object: what happened, the weights after it, and the evidence. `names` are the candidates. */
void rollout_move_write(const struct rollout_plan *plan, const struct rollout_move *move, const char *const *names,
			struct buffer *out);

/* Members that a keeper adds to a move by which a stage waits for its webhook: the host that is asked, and for how long. */
#define ROLLOUT_MOVE_ASKS "asks"
#define ROLLOUT_MOVE_ASKS_FOR "asksFor"

/* The member of what was counted of each choice under the weights that the move ends, which a keeper adds. */
#define ROLLOUT_MOVE_COUNTED "counted"

/* A text of a move that was appended so; empty: it has none of that name. */
struct text rollout_move_text(struct text move, const char *member, struct arena *arena);

/* Whether a move that was appended so begins a rollout. */
bool rollout_move_begins(struct text move);

/* Whether a move that was appended so is by that command. */
bool rollout_move_is_by(struct text move, enum rollout_command_kind command);

/* Appends one sentence: "Stage 2 began: all rules of stage 1 held." */
void rollout_move_sentence(const struct rollout_plan *plan, const struct rollout_move *move, const char *const *names,
			   struct buffer *out);
