/* budget.c: see budget.h. */
#include "serving/budget.h"

#define SECOND_US 1000000

static void add(struct budget *budget, int64_t units)
{
	budget->units += units;
	if (budget->units > (int64_t)BUDGET_MOST * BUDGET_COST)
		budget->units = (int64_t)BUDGET_MOST * BUDGET_COST;
}

void budget_open(struct budget *budget, int64_t now_us)
{
	*budget = (struct budget){.units = (int64_t)BUDGET_A_SECOND * BUDGET_COST, .paid_us = now_us};
}

void budget_pay(struct budget *budget)
{
	add(budget, BUDGET_SHARE);
}

bool budget_take(struct budget *budget, int64_t now_us, int64_t *again_us)
{
	const int64_t unit_us = SECOND_US / (BUDGET_A_SECOND * BUDGET_COST);
	int64_t passed = (now_us - budget->paid_us) / unit_us;
	add(budget, passed < (int64_t)BUDGET_MOST * BUDGET_COST ? passed : (int64_t)BUDGET_MOST * BUDGET_COST);
	budget->paid_us += passed * unit_us;
	if (budget->units >= BUDGET_COST) {
		budget->units -= BUDGET_COST;
		return true;
	}
	*again_us = now_us + (BUDGET_COST - budget->units) * unit_us;
	return false;
}
