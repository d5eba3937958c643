/* promotion_rate.h: Rate of false promotions: how often `promotionThreshold` alone promotes a candidate that is equal to the
 * default.
 *
 * A probability that is looked at several times is above its threshold more often than once. The rate is that of
 * PROMOTION_RUNS simulated stages of two equal variants: the difference of their means is a random walk, which is judged at
 * each time at which the stage may pass. It needs no traffic, because the probability of a difference has the same
 * distribution at each number of requests. Other rules of the stage can only lower the rate. Same arguments, same rate.
 */
#pragma once

#include "experiments/rollouts/rollout_plan.h"

#define PROMOTION_RUNS 2000
#define PROMOTION_LOOKS_MAX 1000 /* of a simulated stage; more differ little */

double promotion_rate(const struct planned_stage *stage, int64_t check_every_ms, double threshold);
