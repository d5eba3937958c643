/* deployment_callee.h: whom a node of a SeldonDeployment's graph calls, as options of a
 * step: the model's name, where it is, and how it is called. For deployment_pipeline.c.
 */
#ifndef SLUICE_SPEC_DEPLOYMENT_CALLEE_H
#define SLUICE_SPEC_DEPLOYMENT_CALLEE_H

#include "spec/deployment_pipeline.h"
#include "spec/node_make.h"
#include "step/call_form.h"

struct callee_scope {
	const struct resource *deployment;
	const struct deployment_predictor *predictor;
	struct arena *arena;
};

/* Whether another predictor has a node of that name too. */
bool callee_is_repeated(const struct resource *deployment, const struct deployment_predictor *predictor, const char *name);

/* The node's name; with a part before a slash (plan/address.h) where other predictors have
 * one of that name, or where it is a further method of the same node. */
const char *callee_name(const struct callee_scope *scope, const struct graph_node *node, enum call_method method);

/* Its place, the capabilities of its server, and the protocol, where they are not usual. */
void callee_put(const struct callee_scope *scope, const struct graph_node *node, enum call_method method, struct growing *options);

/* For serverType kafka: the topic under that name in the environment of the first
 * predictor; NULL: none. */
const struct node *callee_topic(const struct resource *deployment, const char *name);

#endif
