/* case_stubs.h: Transport of model calls to the stubs of a case, for workers under a virtual clock: replies come by timers of
 * the worker's loop.
 *
 * It replaces wire.h, as simulated_models.h does for `sluice sim`; here a stub decides when it answers, and nothing fails
 * by chance. Belongs to one thread.
 */
#ifndef SLUICE_SIMULATION_CASE_STUBS_H
#define SLUICE_SIMULATION_CASE_STUBS_H

#include "serving/wire.h"
#include "simulation/case_world.h"

/* Borrows the world, which has run, and the arena. Models that the world has not called are added to it. */
struct case_stubs {
	struct case_world *world;
	struct arena *arena;
	struct stub_model *models;     /* with the attempts that were made */
	struct stub_request *requests; /* whose calls are counted */
};

/* For caller_config: `wire_context` is a struct case_stubs. */
extern const struct wire_operations case_stubs_wire;

/* The number of attempts of the model, by its name on a server. */
int64_t case_stubs_calls(const struct case_stubs *stubs, const char *served_name);

#endif
