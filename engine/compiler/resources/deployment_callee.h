/* deployment_callee.h: Call options of a node in a SeldonDeployment's graph: the model's name, its address, and the
 * form of the call. They become options of a step. For deployment_pipeline.c. */
#pragma once

#include "compiler/resources/deployment_pipeline.h"
#include "compiler/yaml/node_make.h"
#include "compiler/step/call_form.h"

struct callee_scope {
	const struct resource *deployment;
	const struct deployment_predictor *predictor;
	struct arena *arena;
};

/* Whether another predictor also has a node of that name. */
bool callee_is_repeated(const struct resource *deployment, const struct deployment_predictor *predictor, const char *name);

/* The node's model name (compiler/graph/model_name.h): DEPLOYMENT/NODE. Before the slash it also has the predictor, if another one
 * has a node of that name too, and the method, if it is a further one of the same node: DEPLOYMENT.PREDICTOR.METHOD/NODE. */
const char *callee_name(const struct callee_scope *scope, const struct graph_node *node, enum call_method method);

/* Adds the node's address, its server's capabilities, and its protocol, where they are not the defaults. */
void callee_put(const struct callee_scope *scope, const struct graph_node *node, enum call_method method, struct growing *options);

/* For serverType kafka: the topic in the environment variable of that name of the first predictor; NULL: none. */
const struct node *callee_topic(const struct resource *deployment, const char *name);
