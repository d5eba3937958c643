/* model_demand.h: Demand for one model in a process: the calls that are queued for it by the callers of all threads.
 *
 * Perturbations of explanations are sent when no other call is queued. Explanations beside the answer run in threads of their own,
 * so the calls that go first are in the queues of other callers. Each dispatch of the model declares its calls here, and asks here
 * before it sends a perturbation. It waits for nothing: it looks again.
 *
 * Any thread may call. A demand outlives the callers that use it.
 */
#ifndef SLUICE_MODELS_CALLS_MODEL_DEMAND_H
#define SLUICE_MODELS_CALLS_MODEL_DEMAND_H

#include <stdatomic.h>
#include <stddef.h>

struct model_demand {
	atomic_size_t waiting; /* queued calls that are no perturbations */
	atomic_size_t limit;   /* concurrency limit that the last answered one of them left; 0: none was answered */
};

/* A queue that has declared `declared` calls has `now`, and has declared that. */
static inline void model_demand_declare(struct model_demand *demand, size_t *declared, size_t now)
{
	if (now != *declared)
		atomic_fetch_add_explicit(&demand->waiting, now - *declared, memory_order_relaxed);
	*declared = now;
}

/* The calls that others have queued, for a queue that has declared `declared`. */
static inline size_t model_demand_of_others(const struct model_demand *demand, size_t declared)
{
	return atomic_load_explicit(&demand->waiting, memory_order_relaxed) - declared;
}

static inline void model_demand_limit(struct model_demand *demand, size_t limit)
{
	if (atomic_load_explicit(&demand->limit, memory_order_relaxed) != limit)
		atomic_store_explicit(&demand->limit, limit, memory_order_relaxed);
}

/* The smaller one of that limit and `own`. */
static inline size_t model_demand_least_limit(const struct model_demand *demand, size_t own)
{
	const size_t limit = atomic_load_explicit(&demand->limit, memory_order_relaxed);
	return limit > 0 && limit < own ? limit : own;
}

#endif
