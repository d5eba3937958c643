/* simulation_scheme.h: Sequence of deployments in a simulation run. Each is planned as by `sluice run`, and the setups of
 * its workers are made by the same code. Private to `sluice sim`. */
#pragma once

#include "engine/setup/stage_setup.h"
#include "simulation/simulation_line.h"

#define SIMULATION_KINDS_MAX 64

struct simulation_deployment {
	struct spec spec;
	struct plan plan;
};

struct simulation_scheme {
	struct arena *arena;
	const struct step_kind *kinds[SIMULATION_KINDS_MAX]; /* the real kinds, and the simulator's own */
	size_t count;
	struct simulation_deployment deployments[SIMULATION_DEPLOYMENTS_MAX];
};

/* Opens a scheme in the arena, which outlives it. */
void simulation_scheme_open(struct simulation_scheme *scheme, const struct step_kind *const *kinds, struct arena *arena);
void simulation_scheme_close(struct simulation_scheme *scheme);

/* Adds the next deployment. The text is borrowed. False: SYSTEM. */
bool simulation_scheme_add(struct simulation_scheme *scheme, struct text yaml, struct error *error);

/* The pipeline of that name in a deployment; NULL: there is none. */
const struct pipeline_plan *simulation_scheme_pipeline(const struct simulation_scheme *scheme, size_t deployment, const char *name);

/* The setup of the pipelines that run together with that one; NULL: memory. The group is kept by a process from setup
 * to setup, and is empty at first. */
struct worker_setup *simulation_scheme_setup(const struct simulation_scheme *scheme, size_t deployment, struct group *group);
