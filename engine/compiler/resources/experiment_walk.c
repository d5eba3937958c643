/* experiment_walk.c: see experiment_walk.h. */
#include "compiler/resources/experiment_walk.h"

struct experiment_walk experiment_walk_begin(const struct spec *spec)
{
	return (struct experiment_walk){.spec = spec};
}

const char *experiment_written_name(const struct step_spec *step, const char *pipeline, struct arena *arena)
{
	const struct step self = {.kind = step->kind, .options = step->options};
	const char *own = step_facts(&self).experiment_name;
	return own ? own : arena_print(arena, "%s/%s", pipeline ? pipeline : "", step->name.text ? step->name.text : "");
}

/* The next experiment of a pipeline's steps. False: there is no more, or memory ran out. */
static bool steps_next(struct experiment_walk *walk, const struct resource *resource, struct arena *arena,
		       struct experiment_found *found)
{
	const struct pipeline_spec *pipeline = resource->spec;
	const struct step_spec *steps = pipeline->steps.items;
	while (walk->step < pipeline->steps.count) {
		const struct step_spec *step = &steps[walk->step++];
		const struct experiment_spec *written = step_experiment_written(step);
		if (!written)
			continue;
		*found = (struct experiment_found){experiment_written_name(step, resource->name.text, arena), written, resource,
						   step};
		return found->name;
	}
	return false;
}

bool experiment_walk_next(struct experiment_walk *walk, struct arena *arena, struct experiment_found *found)
{
	for (; walk->resource < walk->spec->count; walk->resource++, walk->step = 0) {
		const struct resource *resource = walk->spec->resources[walk->resource];
		const enum resource_type type = resource->kind->type;
		if (type == RESOURCE_PIPELINE && resource->spec) {
			if (steps_next(walk, resource, arena, found))
				return true;
			if (arena_failed(arena))
				return false;
		} else if (type == RESOURCE_EXPERIMENT && resource->spec && resource->name.text) {
			*found = (struct experiment_found){resource->name.text, resource->spec, resource, NULL};
			walk->resource++;
			return true;
		}
	}
	return false;
}

const struct experiment_spec *experiment_named(const struct spec *spec, const char *name, struct arena *arena)
{
	const struct resource *resource = spec_find(spec, RESOURCE_EXPERIMENT, name);
	struct experiment_walk walk = experiment_walk_begin(spec);
	struct experiment_found found;
	if (resource && resource->spec)
		return resource->spec;
	while (experiment_walk_next(&walk, arena, &found))
		if (found.step && strcmp(found.name, name) == 0)
			return found.spec;
	return NULL;
}
