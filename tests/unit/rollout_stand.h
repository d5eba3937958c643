/* rollout_stand.h: Stand of tests of rollouts in the keeper: an experiment `e` of the default `a` and the candidate `b`, and
 * engines that count their calls. */
#pragma once

#include "control/keeper/keeper_rollouts.h"
#include "experiments/rollouts/unit_cells.h"
#include "message/rows.h"
#include "tests/unit/table_stand.h"

#define EXPERIMENT(schedule)                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"                      \
	"  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n"                                                          \
	"  progressiveDeployment: {enabled: true, schedule: [" schedule "], every: 10s, checkEvery: 1s}\n"
#define LIMIT_US 200000 /* of the trigger that a rollout has if it names none */
#define SECOND 1000
#define HOUR INT64_C(3600000)

/* What an engine counts: it is told how many calls end in a second. */
struct counting_engine {
	const char *name, *pipeline;
	int64_t started_ms, sequence;
	int64_t table;
	int64_t calls[2], errors[2], slow[2];
	size_t failing; /* calls are of units, in all groups alike, and errors of those in the first so many; 0: it says nothing of
			   units */
	int64_t truths[2], right[2]; /* of the pipeline; none are told as long as there are none */
	int64_t waiting[2], late[2]; /* truths that do not count */
	int64_t repeats;	     /* further requests of each choice by the same units */
	bool is_behind;		     /* it does not say that truths are current */
	size_t metric_count;
	struct metric_truth metrics[2][2]; /* of each choice */
};

extern struct counting_engine one, two;

int rollout_stand_open(void **state);

const struct ledger_rollout *rollout(void);

const struct control_move *move(size_t number);

bool phase_is(const char *phase, int64_t stage);

bool evidence_has(size_t number, const char *words);

/* The share of `b` in the table in force, in buckets. */
int64_t buckets_of_b(void);

/* The engine has the table in force, of which it counts from 0. */
void engine_follow(struct counting_engine *engine);

void engine_restart(struct counting_engine *engine);

void engine_tell(struct counting_engine *engine);

/* A second in which each choice has `calls` calls, and `b` so many errors. */
void second_pass(struct counting_engine *engine, int64_t calls, int64_t errors);

void seconds_pass(struct counting_engine *engine, int seconds, int64_t calls, int64_t errors);

const struct control_verdict *command(const char *name, const char *words);

/* The moves have all numbers from 1, each once. */
void moves_check(size_t count);

int64_t calls_recorded(void);
