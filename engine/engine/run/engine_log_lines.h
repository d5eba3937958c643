/* engine_log_lines.h: Log lines of an engine about its pipelines and workers. Private to the engine. */
#pragma once

#include "engine/run/engine.h"
#include "engine/worker/worker.h"

void announce_start(const struct engine_config *config, const struct pipeline_plan *plan);

/* Logs the changes of a reload. */
void announce_changes(const struct engine_config *config, const struct revision *before, const struct revision *now);

void announce_pipeline_end(const struct engine_config *config, const char *name, const struct engine_counts *counts);
void announce_worker_end(const struct engine_config *config, const char *group, const char *instance, const struct worker *worker);
