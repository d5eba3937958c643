/* deployment_nodes.c: Actions of a node in a SeldonDeployment's graph; see deployment_pipeline.h. */
#include "compiler/resources/deployment_pipeline.h"

enum built_in node_built_in(const struct graph_node *node)
{
	static const struct {
		const char *name;
		enum built_in built_in;
	} rows[] = {
		{"SIMPLE_MODEL", BUILT_IN_MODEL},
		{"SIMPLE_ROUTER", BUILT_IN_FIRST},
		{"RANDOM_ABTEST", BUILT_IN_RANDOM},
		{"AVERAGE_COMBINER", BUILT_IN_AVERAGE},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if ((node->implementation.text && strcmp(node->implementation.text, rows[i].name) == 0) ||
		    (node->type && strcmp(node->type, rows[i].name) == 0))
			return rows[i].built_in;
	return BUILT_IN_NONE;
}

static unsigned act_named(const char *word)
{
	static const struct {
		const char *name;
		unsigned act;
	} rows[] = {
		{"MODEL", ACT_PREDICT},
		{"TRANSFORMER", ACT_TRANSFORM_INPUT},
		{"ROUTER", ACT_ROUTE},
		{"COMBINER", ACT_AGGREGATE},
		{"OUTPUT_TRANSFORMER", ACT_TRANSFORM_OUTPUT},
		{"TRANSFORM_INPUT", ACT_TRANSFORM_INPUT},
		{"ROUTE", ACT_ROUTE},
		{"AGGREGATE", ACT_AGGREGATE},
		{"TRANSFORM_OUTPUT", ACT_TRANSFORM_OUTPUT},
	};
	for (size_t i = 0; word && i < sizeof rows / sizeof *rows; i++)
		if (strcmp(word, rows[i].name) == 0)
			return rows[i].act;
	return 0;
}

unsigned node_acts(const struct graph_node *node)
{
	static const unsigned own[] = {
		[BUILT_IN_NONE] = 0,
		[BUILT_IN_MODEL] = ACT_PREDICT,
		[BUILT_IN_FIRST] = ACT_ROUTE,
		[BUILT_IN_RANDOM] = ACT_ROUTE,
		[BUILT_IN_AVERAGE] = ACT_AGGREGATE,
	};
	unsigned acts = own[node_built_in(node)];
	if (acts)
		return acts;
	acts = act_named(node->type);
	for (size_t i = 0; i < node->methods.count; i++)
		acts |= act_named(node->methods.items[i].text);
	/* One method takes what comes in: a model's is the one that is called. */
	return acts & ACT_PREDICT ? acts & ~(unsigned)ACT_TRANSFORM_INPUT : acts ? acts : ACT_PREDICT;
}

const char *node_parameter(const struct graph_node *node, const char *name)
{
	const struct graph_parameter *parameters = node->parameters.items;
	for (size_t i = 0; i < node->parameters.count; i++)
		if (parameters[i].name.text && strcmp(parameters[i].name.text, name) == 0)
			return parameters[i].value.text;
	return NULL;
}
