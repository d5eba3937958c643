/* day_scheme.h: Sequence of deployments in a simulation run. Each is planned as by `sluice run`, and the setups of
 * its workers are made by the same code. Private to `sluice sim`. */
#ifndef SLUICE_CLI_DAY_SCHEME_H
#define SLUICE_CLI_DAY_SCHEME_H

#include "runtime/group_setup.h"
#include "cli/day_line.h"

#define DAY_KINDS_MAX 64

struct day_deployment {
	struct spec spec;
	struct plan plan;
};

struct day_scheme {
	struct arena *arena;
	const struct step_kind *kinds[DAY_KINDS_MAX]; /* the real kinds, and the simulator's own */
	size_t count;
	struct day_deployment deployments[DAY_DEPLOYMENTS_MAX];
};

/* Opens a scheme in the arena, which outlives it. */
void day_scheme_open(struct day_scheme *scheme, const struct step_kind *const *kinds, struct arena *arena);
void day_scheme_close(struct day_scheme *scheme);

/* Adds the next deployment. The text is borrowed. False: SYSTEM. */
bool day_scheme_add(struct day_scheme *scheme, struct text yaml, struct error *error);

/* The pipeline of that name in a deployment; NULL: there is none. */
const struct pipeline_plan *day_scheme_pipeline(const struct day_scheme *scheme, size_t deployment, const char *name);

/* The setup of the pipelines that run together with that one; NULL: memory. The group is kept by a process from setup
 * to setup, and is empty at first. */
struct worker_setup *day_scheme_setup(const struct day_scheme *scheme, size_t deployment, struct group *group);

#endif
