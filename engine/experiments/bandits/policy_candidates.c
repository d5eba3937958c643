/* policy_candidates.c: see policy_candidates.h. */
#include "experiments/bandits/policy_candidates.h"

#include <math.h>

#define SUM_ROUNDED 1e-6  /* probabilities that sum to 1 but for this are all that there are */
#define MISSED_MOST 12.0  /* choices expected of a candidate that got none: less likely than 1 in 100,000 */

struct choice_table {
	uint64_t met;
	bool contextual;
	bool varies; /* the probability of an arm does, though not by context */
	double sum;  /* of the probabilities of those that were met; NaN: one is not known */
};

/* What is known of all tables. */
struct choice_tables {
	struct choice_table *items;
	double *shares; /* [table][arm]; 0: not met */
	size_t arms;
	double least; /* probability that a candidate may have had: of those that were recorded, and of what they leave to others */
};

static uint64_t arm_bit(size_t arm)
{
	return UINT64_C(1) << arm;
}

static void table_take(const struct choice_tables *tables, const struct candidate_choice *choice)
{
	struct choice_table *table = &tables->items[choice->table];
	double *share = &tables->shares[choice->table * tables->arms + choice->arm];
	const bool is_known = choice->probability > 0;
	table->contextual = table->contextual || choice->contextual;
	if (table->met & arm_bit(choice->arm)) {
		table->varies = table->varies || fabs(*share - choice->probability) >= CHANCE_EQUAL;
		return;
	}
	table->met |= arm_bit(choice->arm);
	*share = choice->probability;
	table->sum += is_known ? choice->probability : (double)NAN;
}

static bool tables_open(struct choice_tables *tables, const struct candidate_choice *choices, size_t count, size_t table_count,
			struct arena *arena)
{
	tables->items = ARENA_ARRAY(arena, struct choice_table, table_count + 1);
	tables->shares = ARENA_ARRAY(arena, double, table_count * tables->arms + 1);
	tables->least = 1;
	for (size_t i = 0; tables->items && tables->shares && i < count; i++) {
		table_take(tables, &choices[i]);
		if (choices[i].probability > 0)
			tables->least = fmin(tables->least, choices[i].probability);
		if (choices[i].probability < 1 - SUM_ROUNDED)
			tables->least = fmin(tables->least, (1 - choices[i].probability) / (double)tables->arms);
	}
	return tables->items && tables->shares;
}

/* Two sets of candidates have been recorded under one number: it says nothing of either. */
static bool table_is_mixed(const struct choice_table *table)
{
	return !table->contextual && (table->varies || table->sum > 1 + SUM_ROUNDED);
}

/* No other variant has a probability in it. */
static bool table_is_full(const struct choice_table *table)
{
	return !table->contextual && !table->varies && fabs(table->sum - 1) <= SUM_ROUNDED;
}

static bool table_gave(const struct choice_tables *tables, const struct candidate_choice *choice, size_t arm)
{
	const struct choice_table *table = &tables->items[choice->table];
	if (choice->recorded != 0)
		return choice->recorded & arm_bit(arm) && (table->met & arm_bit(arm) || !table_is_full(table));
	return choice->arm == arm || (!table_is_mixed(table) && table->met & arm_bit(arm));
}

/* Choices without the arm, from `from` up to `to`, between two that had it, or one and the end of all. */
static void gap_fill(const struct choice_tables *tables, struct candidate_choice *choices, size_t from, size_t to, size_t arm,
		     bool is_over)
{
	bool is_candidate = !is_over && (double)(to - from) * tables->least <= MISSED_MOST;
	for (size_t i = from; is_candidate && i < to; i++)
		is_candidate = choices[i].recorded == 0 && !table_is_full(&tables->items[choices[i].table]);
	for (size_t i = from; is_candidate && i < to; i++)
		choices[i].candidates |= arm_bit(arm);
}

bool policy_candidates_find(struct candidate_choice *choices, size_t count, size_t arms, size_t tables, uint64_t declared,
			    struct arena *arena)
{
	struct choice_tables made = {.arms = arms};
	if (!tables_open(&made, choices, count, tables, arena))
		return false;
	for (size_t i = 0; i < count; i++)
		choices[i].candidates = 0;
	for (size_t arm = 0; arm < arms; arm++) {
		size_t from = 0;
		for (size_t i = 0; i < count; i++) {
			if (!table_gave(&made, &choices[i], arm))
				continue;
			gap_fill(&made, choices, from, i, arm, false);
			choices[i].candidates |= arm_bit(arm);
			from = i + 1;
		}
		gap_fill(&made, choices, from, count, arm, from == 0 || (declared != 0 && !(declared & arm_bit(arm))));
	}
	return true;
}
