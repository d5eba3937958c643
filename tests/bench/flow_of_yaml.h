/* flow_of_yaml.h: shared parts of the benchmarks of flows: a pipeline, as text, made into a
 * flow. Each benchmark is one program of one file, so this is a header. */
#pragma once

#include <stdio.h>

#include "flow/flow.h"

/* `spec` is the caller's to close, also after NULL, of which the reason has been printed.
 * `environment` is copied; what it points to outlives the flow. */
static inline struct flow *flow_of_yaml(struct spec *spec, const char *yaml, const struct step_kind *const *kinds,
					const struct flow_environment *environment)
{
	const struct spec_options options = {.kinds = kinds};
	struct error error = {0};
	struct graph *graph = NULL;
	if (spec_open(spec, &error) && spec_read_text(spec, "bench.yaml", text_of(yaml), &options, &error))
		graph = graph_build(spec_first(spec, RESOURCE_PIPELINE), spec, spec->arena, spec->faults);
	if (faults_count(spec->faults, SEVERITY_ERROR))
		fprintf(stderr, "%s\n", faults_at(spec->faults, 0)->message);
	struct flow *flow = graph ? flow_open(graph, environment, &error) : NULL;
	if (!flow)
		fprintf(stderr, "%s\n", error.text);
	return flow;
}
