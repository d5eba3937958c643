/* rollout_units_test.c: Tests of rates of rollouts where a unit makes several requests, which depend on each other: candidates
 * whose rate is near the limit are rarely judged wrongly, at looks every 30 s over a stage and its extension.
 *
 * Every unit has an error rate of its own: a share of them is bad. UNITS_RUNS is the number of runs of each sort. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number/random.h"
#include "experiments/rollouts/rollout.h"
#include "experiments/rollouts/unit_cells.h"
#include "tests/unit/planning.h"

#include <cmocka.h>

#define STAGE                                                                                                                      \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"                                     \
	"  default: old\n  candidates: [{name: old, weight: 1}, {name: new, weight: 1}]\n  progressiveDeployment:\n"               \
	"    enabled: true\n    stages:\n    - {weight: 50, duration: 50m, successCriteria: {errorRate: \"<0.01\"}}\n"

#define LOOK_MS 30000
#define REQUESTS_A_LOOK 200
#define LOOKS 100 /* of the stage; its extension has as many */
#define UNITS_MAX (2 * LOOKS * REQUESTS_A_LOOK)
#define LIMITS 0
#define RUNS 100

enum visits {
	VISITS_ONCE,	/* each request is a unit */
	VISITS_OFTEN,	/* 400 units return all the time */
	VISITS_IN_TURN, /* a unit makes its 50 requests within one look */
	VISITS_UNEVEN,	/* 2,000 units, of which few make most of the requests */
	VISITS_FEW	/* 5 units */
};

struct world {
	const char *name;
	enum visits visits;
	double bad, errors; /* the share of units that are bad, and how many of their requests fail */
};

struct unit {
	size_t cell;
	double errors;
	bool met;
};

struct trial {
	struct world world;
	struct random chance;
	struct rollout_state state;
	struct rollout_look look;
	int64_t cells[UNIT_CELLS * CELL_SLOWER];
	struct unit units[UNITS_MAX];
	size_t requests;
	bool counts_units; /* else as if each request were a unit */
};

static struct rollout_plan plan;
static struct trial trial;

static double chance_draw(struct random *random)
{
	return (double)(random_next(random) >> 11) * 0x1p-53;
}

/* ---- requests ---- */

static size_t unit_draw(struct trial *self)
{
	switch (self->world.visits) {
	case VISITS_ONCE:
		return self->requests;
	case VISITS_OFTEN:
		return random_below(&self->chance, 400);
	case VISITS_IN_TURN:
		return self->requests / 50;
	case VISITS_FEW:
		return random_below(&self->chance, 5);
	case VISITS_UNEVEN:
		break;
	}
	return (size_t)(2000 * pow(chance_draw(&self->chance), 3));
}

static struct unit *unit_of(struct trial *self)
{
	struct unit *unit = &self->units[unit_draw(self)];
	if (!unit->met)
		*unit = (struct unit){.cell = random_below(&self->chance, DESIGN_GROUPS),
				      .errors = chance_draw(&self->chance) < self->world.bad ? self->world.errors : 0,
				      .met = true};
	return unit;
}

static void request_serve(struct trial *self)
{
	const struct unit *unit = unit_of(self);
	struct rollout_counts *counts = &self->look.candidates[0];
	int64_t *cell = self->cells + unit_cells_at(unit->cell, LIMITS);
	const bool failed = chance_draw(&self->chance) < unit->errors;
	self->requests++;
	counts->requests++;
	counts->errors += failed;
	cell[CELL_CALLS]++;
	cell[CELL_ERRORS] += failed;
}

static void look_prepare(struct trial *self)
{
	struct rollout_counts *counts = &self->look.candidates[0];
	for (int i = 0; i < REQUESTS_A_LOOK; i++)
		request_serve(self);
	self->look.control.requests += REQUESTS_A_LOOK;
	self->look.time_ms += LOOK_MS;
	if (!self->counts_units)
		return;
	counts->errors_spread = unit_cells_spread(self->cells, LIMITS, CELL_ERRORS);
	for (size_t i = 0; i < plan.stages[0].rule_count; i++) /* no request is slow */
		counts->above_spread[i] = (struct cluster_mean){0};
}

/* ---- runs ---- */

struct outcomes {
	size_t runs, broken, changed, promoted;
	double looks; /* of all runs */
};

static void trial_run(struct trial *self, const struct world *world, uint64_t seed, bool counts_units, struct outcomes *outcomes)
{
	static struct rollout_move move;
	struct error error = {0};
	memset(self, 0, sizeof *self);
	self->world = *world;
	self->chance = (struct random){seed};
	self->counts_units = counts_units;
	self->state = rollout_begin(&plan);
	assert_true(rollout_look(&plan, &self->state, &self->look, &move, &error));
	self->look.epoch = self->state.epoch;
	while (self->state.phase == ROLLOUT_RUNNING) {
		look_prepare(self);
		outcomes->looks++;
		if (!rollout_look(&plan, &self->state, &self->look, &move, &error))
			fail_msg("%s", error.text);
	}
	outcomes->broken += self->state.phase == ROLLOUT_ROLLED_BACK && move.reason == REASON_BROKEN;
	outcomes->changed += self->state.phase == ROLLOUT_ROLLED_BACK && move.reason == REASON_CHANGED;
	outcomes->promoted += self->state.phase == ROLLOUT_PROMOTED;
}

static struct outcomes outcomes_of(const struct world *world, bool counts_units)
{
	const char *runs = getenv("UNITS_RUNS");
	struct outcomes outcomes = {.runs = runs ? (size_t)strtoul(runs, NULL, 10) : UNIT_REPETITIONS(RUNS)};
	for (size_t i = 0; i < outcomes.runs; i++)
		trial_run(&trial, world, 1000 + i, counts_units, &outcomes);
	if (runs)
		print_message("%-40s %s: %zu runs, broken %zu, changed %zu, promoted %zu, %.3g looks\n", world->name,
			      counts_units ? "units   " : "requests", outcomes.runs, outcomes.broken, outcomes.changed,
			      outcomes.promoted, outcomes.looks / (double)outcomes.runs);
	return outcomes;
}

/* A few runs, as with sanitizers, say nothing of a share. */
static void assert_share(size_t count, size_t runs, double least, double most)
{
	const double share = (double)count / (double)runs;
	assert_true(runs < RUNS || (share >= least && share <= most));
}

/* Of a candidate at 0.8% of a limit of 1%, and of one just at its limit. */
static const struct world worlds[] = {
	{"0.8%, each request a unit", VISITS_ONCE, 0.008, 1},
	{"0.8% of each of five units", VISITS_FEW, 1, 0.008},
	{"0.8%, of 4% of units a fifth, often", VISITS_OFTEN, 0.04, 0.2},
	{"0.8%, of 4% of units a fifth, in turn", VISITS_IN_TURN, 0.04, 0.2},
	{"0.8%, of 4% of units a fifth, uneven", VISITS_UNEVEN, 0.04, 0.2},
	{"0.8%, of 0.8% of units all, often", VISITS_OFTEN, 0.008, 1},
	{"0.8%, of 0.8% of units all, in turn", VISITS_IN_TURN, 0.008, 1},
	{"0.8%, of 0.8% of units all, uneven", VISITS_UNEVEN, 0.008, 1},
	{"1%, each request a unit", VISITS_ONCE, 0.01, 1},
	{"1%, of 5% of units a fifth, often", VISITS_OFTEN, 0.05, 0.2},
	{"1%, of 5% of units a fifth, in turn", VISITS_IN_TURN, 0.05, 0.2},
	{"1%, of 5% of units a fifth, uneven", VISITS_UNEVEN, 0.05, 0.2},
	{"1%, of 1% of units all, often", VISITS_OFTEN, 0.01, 1},
	{"1%, of 1% of units all, in turn", VISITS_IN_TURN, 0.01, 1},
	{"1%, of 1% of units all, uneven", VISITS_UNEVEN, 0.01, 1},
};

static void a_candidate_near_its_limit_is_rarely_judged_wrongly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof worlds / sizeof *worlds; i++) {
		const struct outcomes outcomes = outcomes_of(&worlds[i], true);
		assert_share(outcomes.broken, outcomes.runs, 0, ROLLOUT_ALPHA);
		assert_share(outcomes.changed, outcomes.runs, 0, ROLLOUT_ALPHA);
		if (worlds[i].bad * worlds[i].errors >= 0.01)
			assert_share(outcomes.promoted, outcomes.runs, 0, ROLLOUT_ALPHA);
	}
}

static void counted_by_requests_it_would_be_rolled_back(void **state)
{
	(void)state;
	for (size_t i = 5; i < 7; i++) {
		const struct outcomes outcomes = outcomes_of(&worlds[i], false);
		assert_share(outcomes.broken + outcomes.changed, outcomes.runs, 3 * ROLLOUT_ALPHA, 1);
	}
}

/* They do not depend on each other, and few units suffice to show that. */
static void errors_of_all_units_roll_back(void **state)
{
	static const struct world bad[] = {
		{"5% of each unit, once", VISITS_ONCE, 1, 0.05},     {"5% of each unit, often", VISITS_OFTEN, 1, 0.05},
		{"5% of each unit, uneven", VISITS_UNEVEN, 1, 0.05}, {"5% of each unit, in turn", VISITS_IN_TURN, 1, 0.05},
		{"5% of each of five units", VISITS_FEW, 1, 0.05},   {"30% of each of five units", VISITS_FEW, 1, 0.3},
	};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const struct outcomes outcomes = outcomes_of(&bad[i], true);
		assert_int_equal(outcomes.broken + outcomes.changed, outcomes.runs);
		assert_true(outcomes.looks / (double)outcomes.runs < 2.5);
	}
}

static int plan_open(void **state)
{
	(void)state;
	struct planning planning;
	struct error error = {0};
	planning_open(&planning, STAGE);
	const bool good = rollout_plan_make(planning.spec.resources[0]->spec, &plan, &error);
	if (!good)
		(void)fprintf(stderr, "%s\n", error.text);
	planning_close(&planning);
	return good ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_candidate_near_its_limit_is_rarely_judged_wrongly),
		cmocka_unit_test(counted_by_requests_it_would_be_rolled_back),
		cmocka_unit_test(errors_of_all_units_roll_back),
	};
	return cmocka_run_group_tests(tests, plan_open, NULL);
}
