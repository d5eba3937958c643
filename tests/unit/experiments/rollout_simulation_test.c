/* rollout_simulation_test.c: Simulated rollouts in virtual time, request by request: how often equal, broken, slow, worse,
 * better and flapping candidates are promoted and rolled back, and how soon.
 *
 * The stages are those of the reference (10% for 15 min, 50% for 30 min, 100% for 60 min), 100 requests a second, the
 * default has errors of .02%, a p95 of 60 ms and an accuracy of .70. Truth comes for 30% of requests, and counts after
 * 5 minutes. Each request is a unit, in a group of units at random. ROLLOUT_RUNS (200) is the number of runs of each sort; without
 * it, 8. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number/random.h"
#include "experiments/rollouts/rollout.h"
#include "experiments/rollouts/unit_cells.h"
#include "tests/unit/planning.h"
#include "methods/statistics/distribution.h"

#include <cmocka.h>

#define REFERENCE                                                                                                                  \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: progressive-deployment}\nspec:\n"                \
	"  default: baseline-predictor\n  candidates: [{name: canary-predictor, weight: 10}]\n  progressiveDeployment:\n"          \
	"    enabled: true\n    stages:\n"                                                                                         \
	"    - {weight: 10, duration: 15m, successCriteria: {errorRate: \"<0.01\", latency: \"<100ms\"}}\n"                       \
	"    - {weight: 50, duration: 30m, successCriteria: {errorRate: \"<0.005\", latency: \"<100ms\"}}\n"                      \
	"    - {weight: 100, duration: 60m, successCriteria: {errorRate: \"<0.001\", latency: \"<100ms\"}}\n"

#define REQUESTS_A_SECOND 100
#define TRUTH_AFTER_S 300
#define TRUTH_SHARE 0.3
#define ERRORS 0.0002
#define ACCURACY 0.7
#define P95_MS 60.0
#define SPREAD 0.5 /* of the logarithm of a latency */
#define SECONDS_MAX (4 * 3600)
#define LOG_BYTES_MAX ((size_t)1 << 20)

struct candidate_world {
	double errors, p95_ms, accuracy;
	bool flapping;	    /* its errors come in one minute of ten */
	int64_t last_from_s; /* its errors begin so long after the beginning of the last stage; -1: with the first stage */
};

struct truths {
	uint64_t epoch;
	uint64_t count[2], right[2]; /* of the default, and of the candidate */
};

enum keeper_kind { KEEPER_STEADY, KEEPER_KILLED, KEEPER_AWAY };

struct simulated {
	struct rollout_plan plan;
	struct candidate_world world;
	struct random chance;
	enum keeper_kind keeper;
	int64_t phase_s; /* of flapping */
	int64_t second, away_s;
	int64_t fault_s; /* of the first second with its errors; -1: none yet */
	struct random groups; /* of units */
	struct rollout_look look;
	int64_t cells[2][UNIT_CELLS * (CELL_SLOWER + ROLLOUT_RULES_MAX)]; /* of the default, and of the candidate, by rules */
	struct truths waiting[TRUTH_AFTER_S];
	struct buffer stored; /* the state, as the last keeper left it */
	struct buffer log;    /* moves */
	uint64_t moves;
	enum rollout_phase end;
	bool last_reached;
};

static struct rollout_plan plan;

static bool chance_of(struct random *random, double share)
{
	return (double)(random_next(random) >> 11) * 0x1p-53 < share;
}

/* The share of requests above the limit, of latencies whose logarithm is normal. */
static double share_above(double p95_ms, double limit_ms)
{
	return normal_sf(log(limit_ms / p95_ms) / SPREAD + normal_critical(0.05));
}

/* ---- requests ---- */

static double errors_now(struct simulated *self, const struct rollout_state *state)
{
	const struct candidate_world *world = &self->world;
	bool faulty = !world->flapping || (self->second + self->phase_s) % 600 < 60;
	if (world->last_from_s >= 0)
		faulty = state->stage + 1 == self->plan.stage_count &&
			 self->second * 1000 >= state->began_ms + world->last_from_s * 1000;
	if (faulty && self->fault_s < 0)
		self->fault_s = self->second;
	return faulty ? world->errors : ERRORS;
}

static void request_count(struct simulated *self, size_t arm, bool failed, double slowness, const double *above)
{
	const struct planned_stage *stage = &self->plan.stages[0]; /* the same rules in all of them */
	struct rollout_counts *counts = arm == 0 ? &self->look.control : &self->look.candidates[0];
	int64_t *cell = self->cells[arm] + unit_cells_at(random_below(&self->groups, DESIGN_GROUPS), ROLLOUT_RULES_MAX);
	counts->requests++;
	counts->errors += failed;
	cell[CELL_CALLS]++;
	cell[CELL_ERRORS] += failed;
	for (size_t i = 0; i < stage->rule_count; i++) {
		const bool is_above = stage->rules[i].kind == RULE_LATENCY && slowness < above[i];
		counts->above[i] += is_above;
		cell[CELL_SLOWER + i] += is_above;
	}
}

static void units_count(struct simulated *self, size_t arm)
{
	struct rollout_counts *counts = arm == 0 ? &self->look.control : &self->look.candidates[0];
	counts->errors_spread = unit_cells_spread(self->cells[arm], ROLLOUT_RULES_MAX, CELL_ERRORS);
	for (size_t i = 0; i < self->plan.stages[0].rule_count; i++)
		counts->above_spread[i] = unit_cells_spread(self->cells[arm], ROLLOUT_RULES_MAX, CELL_SLOWER + i);
}

static void request_serve(struct simulated *self, double errors, const double *above, double accuracy, struct truths *truths,
			  size_t arm)
{
	const double slowness = (double)(random_next(&self->chance) >> 11) * 0x1p-53;
	request_count(self, arm, chance_of(&self->chance, errors), slowness, above);
	if (chance_of(&self->chance, TRUTH_SHARE)) {
		truths->count[arm]++;
		truths->right[arm] += chance_of(&self->chance, accuracy);
	}
}

static void accuracy_add(struct moments *accuracy, uint64_t count, uint64_t right)
{
	const double all = (double)(accuracy->count + count), hits = accuracy->mean * (double)accuracy->count + (double)right;
	accuracy->count += count;
	accuracy->mean = all > 0 ? hits / all : 0;
	accuracy->squares = all * accuracy->mean * (1 - accuracy->mean);
}

/* Truth of requests of an epoch that is over is of no use. */
static void truths_arrive(struct simulated *self, struct truths *truths, uint64_t epoch)
{
	if (truths->epoch == epoch) {
		accuracy_add(&self->look.control.accuracy, truths->count[0], truths->right[0]);
		accuracy_add(&self->look.candidates[0].accuracy, truths->count[1], truths->right[1]);
	}
	*truths = (struct truths){.epoch = epoch};
}

static void second_serve(struct simulated *self, const struct rollout_state *state)
{
	const double share = rollout_percent(&self->plan, state) / 100, errors = errors_now(self, state);
	struct truths *truths = &self->waiting[self->second % TRUTH_AFTER_S];
	static double above[2][ROLLOUT_RULES_MAX];
	for (size_t i = 0; i < self->plan.stages[0].rule_count; i++) {
		above[0][i] = share_above(P95_MS, self->plan.stages[0].rules[i].limit);
		above[1][i] = share_above(self->world.p95_ms, self->plan.stages[0].rules[i].limit);
	}
	truths_arrive(self, truths, state->epoch);
	for (int i = 0; i < REQUESTS_A_SECOND; i++)
		if (chance_of(&self->chance, share))
			request_serve(self, errors, above[1], self->world.accuracy, truths, 1);
		else
			request_serve(self, ERRORS, above[0], ACCURACY, truths, 0);
}

/* ---- keepers ---- */

static struct rollout_state state_stored(const struct simulated *self)
{
	struct rollout_state state;
	struct error error = {0};
	if (!rollout_state_read(&self->plan, buffer_view(&self->stored), &state, &error))
		fail_msg("%s", error.text);
	return state;
}

static void state_store(struct simulated *self, const struct rollout_state *state)
{
	buffer_clear(&self->stored);
	rollout_state_write(&self->plan, state, &self->stored);
	assert_false(buffer_failed(&self->stored));
}

static void move_log(struct simulated *self, const struct rollout_move *move)
{
	static const char *const names[] = {"canary-predictor"};
	assert_int_equal(move->number, ++self->moves);
	rollout_move_write(&self->plan, move, names, &self->log);
	buffer_byte(&self->log, '\n');
}

/* A keeper that is killed before it could write does not count; the next one decides again, from what is stored. One that
 * is killed afterwards leaves its state to the next one. */
static bool keeper_looks(struct simulated *self, struct rollout_state *state)
{
	static struct rollout_move move;
	struct error error = {0};
	if (self->second < self->away_s)
		return false;
	for (int i = 0; i < (self->keeper == KEEPER_STEADY ? 1 : 2); i++) {
		if (self->keeper != KEEPER_STEADY)
			*state = state_stored(self);
		if (!rollout_look(&self->plan, state, &self->look, &move, &error))
			fail_msg("%s", error.text);
	}
	if (self->keeper != KEEPER_STEADY)
		state_store(self, state);
	if (move.number == 0)
		return false;
	move_log(self, &move);
	self->away_s = self->keeper == KEEPER_AWAY ? self->second + 100 : 0;
	return true;
}

static void simulated_run(struct simulated *self)
{
	struct rollout_state state = rollout_begin(&self->plan);
	state_store(self, &state);
	for (self->second = 0; self->second <= SECONDS_MAX && state.phase < ROLLOUT_INCONCLUSIVE; self->second++) {
		self->look.time_ms = self->second * 1000;
		self->look.epoch = state.epoch;
		units_count(self, 0);
		units_count(self, 1);
		if (keeper_looks(self, &state)) {
			self->look.control = self->look.candidates[0] = (struct rollout_counts){0};
			memset(self->cells, 0, sizeof self->cells);
			self->last_reached = self->last_reached || state.stage + 1 == self->plan.stage_count;
		}
		second_serve(self, &state);
	}
	self->end = state.phase;
}

static void simulated_begin(struct simulated *self, const struct candidate_world *world, uint64_t seed, enum keeper_kind keeper)
{
	*self = (struct simulated){
		.plan = plan, .world = *world, .chance = {seed}, .groups = {~seed}, .keeper = keeper, .fault_s = -1};
	self->phase_s = (int64_t)random_below(&self->chance, 600);
	buffer_open(&self->stored, LOG_BYTES_MAX);
	buffer_open(&self->log, LOG_BYTES_MAX);
}

static void simulated_close(struct simulated *self)
{
	buffer_close(&self->stored);
	buffer_close(&self->log);
}

/* ---- many of them ---- */

static size_t runs_count(void)
{
	const char *runs = getenv("ROLLOUT_RUNS");
	return runs ? (size_t)strtoul(runs, NULL, 10) : UNIT_REPETITIONS(8);
}

struct tally {
	size_t runs, promoted, rolled_back, reached; /* the last stage */
	double median_s; /* from the fault to the rollback; NaN: none was rolled back */
};

static int number_compare(const void *a, const void *b)
{
	const double one = *(const double *)a, other = *(const double *)b;
	return (one > other) - (one < other);
}

static struct tally tally_of(const char *name, const struct candidate_world *world, uint64_t seed)
{
	struct tally tally = {.runs = runs_count(), .median_s = (double)NAN};
	static struct simulated self;
	double *after = calloc(tally.runs, sizeof *after);
	assert_non_null(after);
	for (size_t i = 0; i < tally.runs; i++) {
		simulated_begin(&self, world, seed * 100000 + i, KEEPER_STEADY);
		simulated_run(&self);
		tally.promoted += self.end == ROLLOUT_PROMOTED;
		tally.reached += self.last_reached;
		if (self.end == ROLLOUT_ROLLED_BACK)
			after[tally.rolled_back++] = (double)(self.second - 1 - self.fault_s);
		simulated_close(&self);
	}
	qsort(after, tally.rolled_back, sizeof *after, number_compare);
	if (tally.rolled_back > 0)
		tally.median_s = after[tally.rolled_back / 2];
	free(after);
	if (getenv("ROLLOUT_RUNS"))
		print_message("%-24s %zu runs, promoted %zu, rolled back %zu, reached the last stage %zu, median %g s\n", name,
			      tally.runs, tally.promoted, tally.rolled_back, tally.reached, tally.median_s);
	return tally;
}

static bool at_most(size_t count, size_t runs, double share)
{
	return (double)count <= share * (double)runs;
}

static bool at_least(size_t count, size_t runs, double share)
{
	return (double)count >= share * (double)runs;
}

static const struct candidate_world equal = {ERRORS, P95_MS, ACCURACY, false, -1};

static void an_equal_candidate_is_promoted(void **state)
{
	(void)state;
	const struct tally tally = tally_of("equal", &equal, 1);
	assert_true(at_most(tally.rolled_back, tally.runs, 0.05) && at_least(tally.promoted, tally.runs, 0.8));
}

static void errors_roll_back_within_a_minute(void **state)
{
	(void)state;
	struct candidate_world world = equal;
	world.errors = 0.05;
	const struct tally tally = tally_of("errors 5%", &world, 2);
	assert_true(at_least(tally.rolled_back, tally.runs, 0.99) && tally.median_s <= 60);
}

static void late_errors_roll_back_as_soon(void **state)
{
	(void)state;
	struct candidate_world world = equal;
	world.errors = 0.05;
	world.last_from_s = 40 * 60;
	const struct tally tally = tally_of("errors 5% from minute 40", &world, 3);
	assert_true(tally.reached > 0);
	assert_true(at_least(tally.rolled_back, tally.reached, 0.99) && tally.median_s <= 90);
}

static void a_slow_candidate_is_rolled_back(void **state)
{
	(void)state;
	struct candidate_world world = equal;
	world.p95_ms = 150;
	const struct tally tally = tally_of("p95 150 ms", &world, 4);
	assert_true(at_least(tally.rolled_back, tally.runs, 0.99));
}

static void a_less_accurate_candidate_is_not_promoted(void **state)
{
	(void)state;
	struct candidate_world world = equal;
	world.accuracy = 0.65;
	const struct tally tally = tally_of("accuracy .65", &world, 5);
	assert_true(at_most(tally.promoted, tally.runs, 0.05));
}

static void a_more_accurate_candidate_is_promoted(void **state)
{
	(void)state;
	struct candidate_world world = equal;
	world.accuracy = 0.75;
	const struct tally tally = tally_of("accuracy .75", &world, 6);
	assert_true(at_least(tally.promoted, tally.runs, 0.8));
}

static void a_flapping_candidate_is_not_promoted(void **state)
{
	(void)state;
	struct candidate_world world = equal;
	world.errors = 0.05;
	world.flapping = true;
	const struct tally tally = tally_of("flapping", &world, 7);
	assert_true(at_most(tally.promoted, tally.runs, 0.05));
}

/* Each look is decided twice, by two keepers that have only the bytes; so each move is, too. */
static void killed_keepers_come_to_one_outcome_once(void **state)
{
	(void)state;
	static struct simulated steady, killed, away;
	struct candidate_world worlds[] = {equal, equal, equal};
	worlds[1].errors = 0.05;
	worlds[1].last_from_s = 40 * 60;
	worlds[2].accuracy = 0.65;
	for (uint64_t i = 0; i < sizeof worlds / sizeof *worlds; i++) {
		simulated_begin(&steady, &worlds[i], 100 + i, KEEPER_STEADY);
		simulated_begin(&killed, &worlds[i], 100 + i, KEEPER_KILLED);
		simulated_begin(&away, &worlds[i], 100 + i, KEEPER_AWAY);
		simulated_run(&steady);
		simulated_run(&killed);
		simulated_run(&away);
		assert_true(steady.moves > 1);
		assert_true(text_equal(buffer_view(&steady.log), buffer_view(&killed.log)));
		assert_int_equal(away.end, steady.end);
		assert_int_equal(away.moves, steady.moves);
		simulated_close(&steady);
		simulated_close(&killed);
		simulated_close(&away);
	}
}

static int plan_open(void **state)
{
	(void)state;
	struct planning planning;
	struct error error = {0};
	planning_open(&planning, REFERENCE);
	const bool good = rollout_plan_make(planning.spec.resources[0]->spec, &plan, &error);
	if (!good)
		(void)fprintf(stderr, "%s\n", error.text);
	planning_close(&planning);
	return good ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_equal_candidate_is_promoted),
		cmocka_unit_test(errors_roll_back_within_a_minute),
		cmocka_unit_test(late_errors_roll_back_as_soon),
		cmocka_unit_test(a_slow_candidate_is_rolled_back),
		cmocka_unit_test(a_less_accurate_candidate_is_not_promoted),
		cmocka_unit_test(a_more_accurate_candidate_is_promoted),
		cmocka_unit_test(a_flapping_candidate_is_not_promoted),
		cmocka_unit_test(killed_keepers_come_to_one_outcome_once),
	};
	return cmocka_run_group_tests(tests, plan_open, NULL);
}
