/* seldon_metrics.h: Metrics of an engine's models under the names of Seldon Core 1 and 2, for engine_metrics.c. Pure.
 *
 * Each attempt at a model is counted by its protocol and end (observe/counts.h). Core 2 names the model; its agent is
 * this engine. Core 1 names the node of a SeldonDeployment, so models of deployments are reported under both.
 */
#pragma once

#include "observe/exposition.h"
#include "compiler/plan/plan.h"

/* Largest number of series for each model, apart from those of Core 1. */
#define SELDON_MODEL_SERIES ((size_t)2 * COUNTED_PROTOCOLS * COUNTED_CODES)

/* Histograms of Core 1 for each pipeline of the plan; further ones are one, whose labels are `other`. */
#define SELDON_CLIENT_HISTOGRAMS 20
#define SELDON_CLIENT_SERIES ((size_t)SELDON_CLIENT_HISTOGRAMS * (DURATION_LIMITS + 3))

/* Whether the files ask for these names (metricsConfig). */
bool seldon_metrics_are_wanted(const struct plan *plan);

/* `models` are subjects of SCOPE_MODEL. What is written is also in the arena, which fails if there is no memory. */
void seldon_metrics_write(const struct plan *plan, const char *instance, const struct metric_subject *models, size_t count,
			  struct arena *arena, struct exposition *exposition);
