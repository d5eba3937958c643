/* report_others.c: Metrics of an experiment's report that neither decide nor guard: one rate of false discoveries for all; see
 * report.h. */
#include "experiments/analysis/report.h"

static size_t others_list(const struct report_metric *metrics, size_t count, struct pair_analysis **pairs)
{
	size_t found = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; metrics[i].role == ROLE_OTHER && j < metrics[i].analysis.pair_count; j++)
			pairs[found++] = &metrics[i].analysis.pairs[j];
	return found;
}

bool report_correct_others(const struct report_metric *metrics, size_t count, double alpha, struct arena *arena)
{
	size_t most = 0;
	for (size_t i = 0; i < count; i++)
		most += metrics[i].analysis.pair_count;
	struct pair_analysis **pairs = ARENA_ARRAY(arena, struct pair_analysis *, most + 1);
	double *values = ARENA_ARRAY(arena, double, most + 1);
	bool *discovered = ARENA_ARRAY(arena, bool, most + 1);
	if (!pairs || !values || !discovered)
		return false;
	const size_t found = others_list(metrics, count, pairs);
	for (size_t i = 0; i < found; i++)
		values[i] = sequence_e_value(&pairs[i]->sequence);
	if (found > 0)
		(void)e_discoveries(values, found, alpha, discovered);
	for (size_t i = 0; i < found; i++) {
		pairs[i]->discovered = discovered[i];
		if (!discovered[i] && pair_state_differs(pairs[i]->state))
			pairs[i]->state = PAIR_OPEN;
	}
	return true;
}

const char *report_discovery(const struct report_metric *metric, const struct pair_analysis *pair)
{
	if (metric->role != ROLE_OTHER)
		return "";
	return pair->discovered ? ", a discovery" : sequence_decided(&pair->sequence) ? ", no discovery" : "";
}
