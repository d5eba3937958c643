/* rollout_looks.c: see rollout_looks.h. */
#include "rollout_looks.h"

#include <setjmp.h>
#include <stdarg.h>

#include "planning.h"

#include <cmocka.h>

struct rollout_trial trial;

void plan_take(const char *yaml)
{
	struct planning planning;
	struct error error = {0};
	planning_open(&planning, yaml);
	assert_int_equal(planning_errors(&planning), 0);
	if (!rollout_plan_make(planning.spec.resources[0]->spec, &trial.plan, &error))
		fail_msg("%s", error.text);
	planning_close(&planning);
}

void rollout_start(const char *yaml)
{
	struct error error = {0};
	plan_take(yaml);
	trial.commands = 0;
	trial.rollout = rollout_begin(&trial.plan);
	trial.look = (struct rollout_look){.time_ms = MINUTE_MS};
	assert_true(rollout_percent(&trial.plan, &trial.rollout) == 0);
	assert_true(rollout_look(&trial.plan, &trial.rollout, &trial.look, &trial.move, &error));
	assert_int_equal(trial.rollout.phase, ROLLOUT_RUNNING);
	assert_int_equal(trial.move.reason, REASON_STARTED);
}

void minute_pass(uint64_t requests, uint64_t errors)
{
	struct error error = {0};
	if (trial.look.epoch != trial.rollout.epoch)
		trial.look = (struct rollout_look){.time_ms = trial.look.time_ms, .epoch = trial.rollout.epoch};
	trial.look.time_ms += MINUTE_MS;
	trial.look.control.requests += requests;
	for (size_t i = 0; i < trial.plan.candidates; i++) {
		trial.look.candidates[i].requests += requests;
		trial.look.candidates[i].errors += errors;
	}
	if (!rollout_look(&trial.plan, &trial.rollout, &trial.look, &trial.move, &error))
		fail_msg("%s", error.text);
}

void minutes_pass(unsigned minutes, uint64_t requests, uint64_t errors)
{
	for (unsigned i = 0; i < minutes; i++)
		minute_pass(requests, errors);
}

void expect_move(uint64_t number, enum rollout_phase to, uint32_t stage, enum rollout_reason reason)
{
	assert_int_equal(trial.move.number, number);
	assert_int_equal(trial.move.to, to);
	assert_int_equal(trial.move.to_stage, stage);
	assert_int_equal(trial.move.reason, reason);
	assert_int_equal(trial.rollout.phase, to);
	assert_int_equal(trial.rollout.moves, number);
}
