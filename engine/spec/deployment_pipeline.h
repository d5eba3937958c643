/* deployment_pipeline.h: a SeldonDeployment as pipelines.
 *
 * What the first Seldon Core runs by an orchestrator becomes the YAML of pipelines, as
 * trees that no file holds, so that all that comes behind knows one kind of graph. The
 * places are those of the deployment's own nodes.
 *
 * Of each node its methods become steps, in the order in which Seldon calls them: the model
 * or the input's transformer; the router; the children; the combiner; the output's
 * transformer. Predictors with traffic stand behind one step that shares messages out; a
 * shadow is a pipeline of its own, which gets copies.
 */
#ifndef SLUICE_SPEC_DEPLOYMENT_PIPELINE_H
#define SLUICE_SPEC_DEPLOYMENT_PIPELINE_H

#include "spec/resource.h"

/* The documents of the pipelines that a deployment without faults is: the one of its own
 * name first. Returns how many there are, at most `most`; 0: memory ran out. */
size_t deployment_pipelines(const struct resource *deployment, struct arena *arena, const struct node **documents, size_t most);

/* What a node does, as its type, its implementation and its methods say. */
enum node_act { ACT_PREDICT = 1, ACT_TRANSFORM_INPUT = 2, ACT_ROUTE = 4, ACT_AGGREGATE = 8, ACT_TRANSFORM_OUTPUT = 16 };

/* Those that are built in, and need nobody to be called. */
enum built_in { BUILT_IN_NONE, BUILT_IN_MODEL, BUILT_IN_FIRST, BUILT_IN_RANDOM, BUILT_IN_AVERAGE };

enum built_in node_built_in(const struct graph_node *node);
unsigned node_acts(const struct graph_node *node);

/* The parameter of that name; NULL: it has none. */
const char *node_parameter(const struct graph_node *node, const char *name);

#endif
