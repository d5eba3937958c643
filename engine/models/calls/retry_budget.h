/* retry_budget.h: Retry budget of one model: the share of its calls that may be retries.
 *
 * Each first attempt adds a fifth of a retry, and each second adds a few. A retry takes one. So a failing model
 * gets at most a fifth more calls than were asked for, never a retry storm. A call that finds the budget empty
 * waits; it does not fail.
 *
 * Pure: the clock is an argument.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct retry_budget {
	int64_t units; /* a retry costs BUDGET_COST of them */
	int64_t paid_us;
};

#define BUDGET_COST 1000
#define BUDGET_SHARE 200 /* added by a first attempt */
#define BUDGET_A_SECOND                                                                                                            \
	100		/* retries that each second adds: few for a server that answers, but calls of a slow one are retried too */
#define BUDGET_MOST 200 /* retries that are saved at most */

void retry_budget_open(struct retry_budget *budget, int64_t now_us);
void retry_budget_pay(struct retry_budget *budget); /* for a first attempt */

/* Takes one retry, by a clock that does not go back. False: try again at `*again_us`. */
bool retry_budget_take(struct retry_budget *budget, int64_t now_us, int64_t *again_us);
