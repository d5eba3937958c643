/* case_stubs.h: Stubs in place of the models of a case, for workers under a virtual clock. Replies come by timers of the worker's
 * loop, at the time that the stub sets.
 *
 * It replaces wire.h, as simulated_models.h of the laboratory does; here a stub decides when it answers, and nothing fails
 * by chance. Belongs to one thread.
 */
#pragma once

#include "tools/test/case_results.h"
#include "compiler/plan/plan.h"
#include "models/calls/wire.h"

#define CASE_STUB_SLOTS 1024

struct case_stubs {
	struct arena *arena;
	const struct case_files *files;
	const struct plan *plan;       /* set before the first call */
	struct stub_model *models, **models_end; /* in the order of their first calls, with the attempts that were made */
	struct stub_request *requests[CASE_STUB_SLOTS]; /* whose calls are counted, by a hash of their ids */
	size_t outstanding;	       /* attempts whose outcome is to come */
	uint64_t attempts;
	bool failed; /* memory ran out */
};

void case_stubs_open(struct case_stubs *stubs, const struct case_files *files, struct arena *arena);

/* For caller_config: `wire_context` is a struct case_stubs. */
extern const struct wire_operations case_stubs_wire;

/* Adds the models that were called to the results. */
void case_stubs_count(const struct case_stubs *stubs, struct case_results *results);
