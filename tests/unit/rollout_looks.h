/* rollout_looks.h: Looks at a rollout, a minute apart, and the move that follows: what tests of its state machine share. */
#pragma once

#include "experiments/rollouts/rollout.h"

#define HEAD                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"                                     \
	"  default: old\n  candidates: [{name: old, weight: 1}, {name: new, weight: 1}]\n"
#define MINUTE_MS 60000

extern struct rollout_trial {
	struct rollout_plan plan;
	struct rollout_state rollout;
	struct rollout_move move;
	struct rollout_look look; /* the last one */
	uint64_t commands;	  /* that were given */
} trial;

/* The plan of an Experiment. */
void plan_take(const char *yaml);

/* A rollout of that plan, which has just begun. */
void rollout_start(const char *yaml);

/* A minute with requests of all variants, and a look. */
void minute_pass(uint64_t requests, uint64_t errors);

void minutes_pass(unsigned minutes, uint64_t requests, uint64_t errors);

void expect_move(uint64_t number, enum rollout_phase to, uint32_t stage, enum rollout_reason reason);
