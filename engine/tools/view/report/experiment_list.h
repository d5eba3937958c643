/* experiment_list.h: List of the experiments of files, as text or JSON: what the choice depends on, the pipelines, the shares. */
#pragma once

#include "compiler/graph/graph.h"

/* An experiment with the pipelines that use it. */
struct listed_experiment {
	const struct graph_experiment *experiment;
	const char *pipelines; /* joined by commas */
};

struct experiment_list { /* starts as {.arena = ...}, in which all lives */
	struct arena *arena;
	struct listed_experiment *items;
	size_t count, room;
};

/* Adds the experiments of all pipelines. False: memory ran out. */
bool experiment_list_read(struct experiment_list *list, const struct spec *spec);

void experiment_list_print(const struct experiment_list *list, struct buffer *out);
void experiment_list_print_json(const struct experiment_list *list, struct buffer *out);
