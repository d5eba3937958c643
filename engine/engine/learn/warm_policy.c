/* warm_policy.c: see warm_policy.h. */
#include "engine/learn/warm_policy.h"

#include "base/clock.h"
#include "base/hash.h"

#define ARENA_BYTES ((size_t)1 << 20) /* 64 arms without a context */
#define VERSION 0
#define OWN_NUMBERS (UINT64_C(1) << 63) /* no version of a learner is as great: the join of exposures finds no record of it */

/* By which exposures name the policy: the same on each engine that has these files. */
static uint64_t policy_number(const struct text *arms, size_t count, struct text policy)
{
	uint64_t number = hash_text(policy, 0);
	for (size_t i = 0; i < count; i++)
		number = hash_text_next(arms[i], number);
	return number | OWN_NUMBERS;
}

static bool policy_make(const struct graph_experiment *experiment, const struct text *arms, struct arena *arena, struct buffer *out,
			struct error *error)
{
	const struct bandit_options options = experiment_bandit(experiment->spec, experiment->count, 0);
	struct policy *policy = policy_begin_warm(arena, &options, experiment->priors, hash_key(text_of(experiment->name)), error);
	if (!policy)
		return false;
	policy_write(policy, out);
	policy->version = policy_number(arms, experiment->count, buffer_view(out));
	buffer_clear(out);
	policy_write(policy, out);
	return !buffer_failed(out) || error_memory(error, ERROR_SYSTEM, "starting bandits");
}

static bool policy_begin(struct policy_entry *entry, const struct graph_experiment *experiment, struct arena *arena,
			 struct buffer *bytes, struct error *error)
{
	struct text *arms = arena ? ARENA_ARRAY(arena, struct text, experiment->count) : NULL;
	int64_t plays = 0;
	if (!arms)
		return error_memory(error, ERROR_SYSTEM, "starting bandits");
	for (size_t i = 0; i < experiment->count; i++) {
		arms[i] = text_of(experiment->shares[i].name);
		plays += (int64_t)experiment->priors[i].plays;
	}
	if (!policy_make(experiment, arms, arena, bytes, error))
		return false;
	const struct policy_record record = {.experiment = text_of(experiment->name),
					     .version = VERSION,
					     .rewards = plays,
					     .arm_count = experiment->count,
					     .arms = arms,
					     .policy = buffer_view(bytes)};
	return policy_entry_begin(entry, &record, clock_ms(), error);
}

static bool warm_policy_begin(struct policy_entry *entry, const struct graph_experiment *experiment, struct error *error)
{
	struct buffer bytes;
	struct arena *arena = arena_open(ARENA_BYTES);
	buffer_open(&bytes, POLICY_RECORD_BYTES_MAX);
	const bool good = policy_begin(entry, experiment, arena, &bytes, error);
	buffer_close(&bytes);
	arena_close(arena);
	return good;
}

/* Bandits with a context begin when the scale of features is known. */
static bool starts_warm(const struct graph_experiment *experiment)
{
	return experiment->priors && experiment->context.count == 0;
}

bool warm_policies_begin(const struct plan *plan, struct policy_board *board, struct error *error)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct graph *graph = plan->pipelines[i].graph;
		for (size_t j = 0; j < graph->reachable_count; j++) {
			const struct graph_experiment *experiment = graph->reachable[j];
			if (!experiment->learns || !starts_warm(experiment))
				continue;
			struct policy_entry *entry = policy_board_entry(board, graph->name, experiment->name);
			if (!entry)
				return error_memory(error, ERROR_SYSTEM, "starting bandits");
			if (!warm_policy_begin(entry, experiment, error))
				return false;
		}
	}
	return true;
}

void warm_policies_end(const struct plan *plan, struct policy_board *board)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct graph *graph = plan->pipelines[i].graph;
		for (size_t j = 0; j < graph->reachable_count; j++) {
			const struct graph_experiment *experiment = graph->reachable[j];
			const bool has_ended = experiment->learns && !starts_warm(experiment);
			struct policy_entry *entry = has_ended ? policy_board_entry(board, graph->name, experiment->name) : NULL;
			if (entry)
				policy_entry_end_start(entry, VERSION);
		}
	}
}
