/* retry_budget.c: see retry_budget.h. */
#include "models/calls/retry_budget.h"

#include <assert.h>

#define SECOND_US 1000000

static void retry_budget_add(struct retry_budget *budget, int64_t units)
{
	budget->units += units;
	if (budget->units > (int64_t)BUDGET_MOST * BUDGET_COST)
		budget->units = (int64_t)BUDGET_MOST * BUDGET_COST;
}

void retry_budget_open(struct retry_budget *budget, int64_t now_us)
{
	*budget = (struct retry_budget){.units = (int64_t)BUDGET_A_SECOND * BUDGET_COST, .paid_us = now_us};
}

void retry_budget_pay(struct retry_budget *budget)
{
	retry_budget_add(budget, BUDGET_SHARE);
}

bool retry_budget_take(struct retry_budget *budget, int64_t now_us, int64_t *again_us)
{
	assert(now_us >= budget->paid_us); /* a clock that does not go back */
	const int64_t unit_us = SECOND_US / (BUDGET_A_SECOND * BUDGET_COST);
	int64_t passed = (now_us - budget->paid_us) / unit_us;
	retry_budget_add(budget, passed < (int64_t)BUDGET_MOST * BUDGET_COST ? passed : (int64_t)BUDGET_MOST * BUDGET_COST);
	budget->paid_us += passed * unit_us;
	if (budget->units >= BUDGET_COST) {
		budget->units -= BUDGET_COST;
		return true;
	}
	*again_us = now_us + (BUDGET_COST - budget->units) * unit_us;
	return false;
}
