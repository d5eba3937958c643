/* retry_budget.h: how much of a model's work may be repetition.
 *
 * Each call that goes out for the first time pays a fifth of a repetition in, and time
 * pays in a few each second; a repetition takes one out. So a model that fails much gets
 * at most a fifth more than what is asked of it, and never a storm. Who finds nothing
 * left waits; nothing is given up for it.
 *
 * Pure: the clock is handed in.
 */
#ifndef SLUICE_SERVING_RETRY_BUDGET_H
#define SLUICE_SERVING_RETRY_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct retry_budget {
	int64_t units; /* a repetition costs BUDGET_COST of them */
	int64_t paid_us;
};

#define BUDGET_COST 1000
#define BUDGET_SHARE 200 /* paid in by a first attempt */
#define BUDGET_A_SECOND                                                                                                            \
	100		/* repetitions that time pays for: few for a server that answers, and a slow one's calls are repeated too */
#define BUDGET_MOST 200 /* repetitions that are saved up */

void retry_budget_open(struct retry_budget *budget, int64_t now_us);
void retry_budget_pay(struct retry_budget *budget); /* for a first attempt */

/* Takes a repetition out. False: come again at `*again_us`. */
bool retry_budget_take(struct retry_budget *budget, int64_t now_us, int64_t *again_us);

#endif
