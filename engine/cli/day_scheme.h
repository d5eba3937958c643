/* day_scheme.h: what is deployed on a simulated day, one deployment after the other, each
 * planned as `sluice run` would plan it, and the setups of its workers made by what makes
 * them there. Private to `sluice sim`. */
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
	const struct step_kind *kinds[DAY_KINDS_MAX]; /* the real ones, and the simulator's own */
	size_t count;
	struct day_deployment deployments[DAY_DEPLOYMENTS_MAX];
};

/* In the arena, which outlives it. */
void day_scheme_open(struct day_scheme *scheme, const struct step_kind *const *kinds, struct arena *arena);
void day_scheme_close(struct day_scheme *scheme);

/* The next deployment. The text is borrowed. False: SYSTEM. */
bool day_scheme_add(struct day_scheme *scheme, struct text yaml, struct error *error);

/* The pipeline of that name in a deployment; NULL: it is not there. */
const struct pipeline_plan *day_scheme_pipeline(const struct day_scheme *scheme, size_t deployment, const char *name);

/* The setup of the pipelines that are served together with that one, or NULL, memory. The
 * group is what a process keeps from setup to setup, empty at first. */
struct worker_setup *day_scheme_setup(const struct day_scheme *scheme, size_t deployment, struct group *group);

#endif
