/* rollout_board.h: Board of the rollouts in a process: for each experiment the bucket table that is in force, and counts of
 * the calls that it has split.
 *
 * A reader of the control plane sets an entry, and workers choose by it: so new weights are in force at once, without a
 * reload. A worker never waits: it holds the table, uses it, and releases it (base/held_slot.h). An entry is never removed, so a
 * reload keeps what is in force.
 *
 * Counts are of one table, from the time at which it came into force here. A call is counted when its request ends, by the outcome
 * of the request, if the table by which it was chosen is still in force (flow/rollout_choices.h); one that is slow by every rule
 * before that is counted then, and its failure when it fails. So the counts of a table only rise, and belong to its weights alone.
 *
 * Counts of truths come from whoever joins the feedback of a pipeline (engine/learn/tally_reader.h). They are totals of a pipeline
 * under the table.
 *
 * Any thread may call.
 */
#pragma once

#include "experiments/rollouts/rollout.h"
#include "experiments/rollouts/truth_tally.h"
#include "experiments/rollouts/unit_cells.h"
#include "observe/alert_value.h"
#include "compiler/step/assignment_table.h"
#include "compiler/step/baseline.h"

/* Of latencies by which calls are counted: each stage of a rollout and each of its rules may have one. */
#define ROLLOUT_LIMITS_MAX 64
#define ROLLOUT_PIPELINES_MAX 64 /* whose truths are counted under one table; further ones are left out */

struct rollout_board;
struct rollout_entry;

struct rollout_force {
	int64_t version; /* of the table's record */
	int64_t since_ms; /* of the table; 0: nothing is judged under it */
	int64_t began_ms; /* the rollout; 0: it is not known */
	int64_t slow_us;  /* the largest limit of latency: a call that takes longer is slow by every rule; 0: there is none */
	uint32_t stage; /* from 1; 0: it is not known */
	uint64_t names;	 /* rollout_names() of its choices */
	struct assignment assignment;
	double probabilities[ASSIGNMENT_WAYS_MAX];
	struct baseline baselines[ASSIGNMENT_WAYS_MAX + 1]; /* of each choice; the last is none */
};

/* Of the truths of one pipeline. */
struct rollout_truths {
	const char *pipeline;
	size_t metric_count;
	const char *const *metrics;	   /* their names */
	const struct truth_counts *counts; /* of each variant */
	bool is_current;		   /* all that has come is counted, but for the last seconds */
};

struct rollout_board *rollout_board_open(void); /* NULL: memory ran out */
void rollout_board_close(struct rollout_board *board); /* NULL is fine; nobody holds a table */

/* The entry of an experiment, which lives as long as the board. NULL: memory ran out, or `board` is NULL. */
struct rollout_entry *rollout_board_entry(struct rollout_board *board, const char *experiment);

/* The name of its experiment, which lives as long as the entry. */
const char *rollout_entry_name(const struct rollout_entry *entry);

/* A number that differs where the names of choices, or their order, differ. */
uint64_t rollout_names(const struct share *shares, size_t count);

/* Puts a table into force, unless that version is. Calls are counted by their latency: above each of the limits, which rise.
 * `since_ms` is the time of the table, or 0 if nothing is judged under it.
 * INPUT: the bytes are no table, or there are too many limits; the table before stays. */
bool rollout_board_set(struct rollout_board *board, const struct assignment_table *table, int64_t since_ms,
		       const int64_t *limits_us, size_t limits, struct error *error);

/* Sets the phase that the keeper has recorded; ROLLOUT_PHASES: it is not known. False: memory ran out. */
bool rollout_board_set_phase(struct rollout_board *board, const char *experiment, enum rollout_phase phase);

/* Ends all rollouts that the caller does not name: the plan's tables choose again, and there is no phase. */
void rollout_board_keep(struct rollout_board *board, bool (*is_kept)(void *context, const char *experiment), void *context);

/* Sets what a pipeline's truths are by now, for each choice of that version of the table. Of another version, or of other metrics
 * than before, they are ignored. Everything is copied. */
void rollout_board_inform(struct rollout_board *board, const char *experiment, int64_t version, const struct rollout_truths *told);

/* Says that a pipeline has truths under that version of the table, none of which has been counted by now. Where some were, they
 * stay. `counts` may be NULL. */
void rollout_board_announce(struct rollout_board *board, const char *experiment, int64_t version,
			    const struct rollout_truths *announced);

/* Nobody here counts the truths of a pipeline now: what is known of them is not current any more. */
void rollout_board_outdate(struct rollout_board *board, const char *experiment, const char *pipeline);

/* ---- on the path ---- */

/* NULL: there is no table. It is to be released in either case. */
const struct rollout_force *rollout_entry_hold(struct rollout_entry *entry);
void rollout_entry_release(struct rollout_entry *entry);

/* A call whose request has ended, or that is slow by every rule, which choice `index` of that table got. */
struct rollout_call_end {
	int64_t version;
	size_t index, cell; /* unit_cell() of its unit, by the table's seed */
	bool failed;
	bool again; /* it was counted as slow before: only its failure is added */
	int64_t took_us;
};

void rollout_entry_count(struct rollout_entry *entry, const struct rollout_call_end *end);

/* ---- reading ---- */

struct rollout_slower {
	int64_t limit_us;
	uint64_t calls; /* that took longer */
};

struct rollout_variant {
	const char *name;
	uint64_t calls, errors;
	struct rollout_slower slower[ROLLOUT_LIMITS_MAX];
	const int64_t *cells; /* the same calls, by groups of units: unit_cells_size() of the limits */
};

struct rollout_reading {
	const char *experiment;
	int64_t table; /* version of its record */
	size_t count, limits, pipelines;
	const struct rollout_variant *variants;
	const struct rollout_truths *truths; /* of each of the pipelines */
};

/* What is in force, in the arena. False: memory ran out. */
bool rollout_board_read(struct rollout_board *board, struct arena *arena, const struct rollout_reading **readings, size_t *count);

/* Adds the experiment's rollout to the figures of a pipeline: a figure is 1 if any of the pipeline's rollouts is in that phase.
 * What
 * was missing stays so if the phase is not known. */
void rollout_board_figures(struct rollout_board *board, const char *experiment, struct alert_values *values);
