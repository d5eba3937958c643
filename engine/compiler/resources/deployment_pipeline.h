/* deployment_pipeline.h: Conversion of a SeldonDeployment to pipelines.
 *
 * The graph that the orchestrator of Seldon Core v1 runs becomes the YAML of pipelines, as node trees that are in no
 * file. So later code handles one kind of graph. The places are those of the deployment's own nodes.
 *
 * The methods of each node become steps, in the order in which Seldon calls them: the model or the input's
 * transformer; the router; the children; the combiner; the output's transformer. Predictors with traffic come after
 * one step that splits the messages. A shadow is a pipeline of its own, the mirror of their experiment.
 */
#pragma once

#include "compiler/resources/resource.h"
#include "compiler/yaml/node_make.h"

/* Explainer of a SeldonDeployment's predictor, as the step that explains its model's answers.
 *
 * Anchors and contributions of features are built in. They are made only on request, and beside the answer: predictions are
 * what they are without an explainer. For deployment_pipeline.c.
 */

/* Words for why a predictor's explainer is not run, as the rest of a sentence; NULL: it is run, or there is none. */
const char *explainer_refusal(const struct deployment_spec *deployment, const struct deployment_predictor *predictor);

#define DEPLOYMENT_SPLIT_STEP "traffic" /* the step of its pipeline that shares out requests among its predictors */

/* The documents of the pipelines of a deployment without faults; the one with its own name is the first. Returns
 * their number, at most `most`; 0: memory ran out. */
size_t deployment_pipelines(const struct resource *deployment, struct arena *arena, const struct node **documents, size_t most);

/* Actions of a node, by its type, its implementation and its methods. */
enum node_act { ACT_PREDICT = 1, ACT_TRANSFORM_INPUT = 2, ACT_ROUTE = 4, ACT_AGGREGATE = 8, ACT_TRANSFORM_OUTPUT = 16 };

/* Built-in implementations, which need no call. */
enum built_in { BUILT_IN_NONE, BUILT_IN_MODEL, BUILT_IN_FIRST, BUILT_IN_RANDOM, BUILT_IN_AVERAGE };

enum built_in node_built_in(const struct graph_node *node);
unsigned node_acts(const struct graph_node *node);

/* The parameter of that name; NULL: the node has none. */
const char *node_parameter(const struct graph_node *node, const char *name);
