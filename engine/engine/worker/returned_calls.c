/* returned_calls.c: Calls that return to their flows in the next turn: those that could not begin, and those of subpipelines. */
#include "base/memory.h"
#include "engine/worker/parts.h"

#define RETURNED_AT_FIRST 16

void returned_calls_add(struct worker *worker, struct call *call)
{
	struct call **returned = memory_grow(worker->returned, worker->returned_count, &worker->returned_capacity,
					     RETURNED_AT_FIRST, sizeof(struct call *));
	if (!returned) {
		error_memory(&worker->failure, ERROR_SYSTEM, "returning a call");
		return;
	}
	worker->returned = returned;
	returned[worker->returned_count++] = call;
}

void returned_calls_forget(struct worker *worker, const struct call *call)
{
	for (size_t i = 0; i < worker->returned_count; i++)
		if (worker->returned[i] == call)
			worker->returned[i--] = worker->returned[--worker->returned_count];
}

struct call *returned_calls_take(struct worker *worker)
{
	return worker->returned_count > 0 ? worker->returned[--worker->returned_count] : NULL;
}
