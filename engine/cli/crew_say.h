/* crew_say.h: what an engine says of its pipelines and workers. The crew's own. */
#ifndef SLUICE_CLI_CREW_SAY_H
#define SLUICE_CLI_CREW_SAY_H

#include "cli/crew.h"
#include "worker/worker.h"

void say_start(const struct crew_config *config, const struct pipeline_plan *plan);

/* What a reload changes. */
void say_changes(const struct crew_config *config, const struct deployment *before, const struct deployment *now);

void say_pipeline_end(const struct crew_config *config, const char *name, const struct crew_counts *counts);
void say_line(void *context, const char *line); /* the context is the configuration; from any thread */
void say_worker_end(const struct crew_config *config, const char *group, const char *instance, struct worker_counts counts);

#endif
