/* resource_index.c: see resource_index.h; and how resources are found (resource.h). */
#include "compiler/resources/resource_index.h"

#include "base/hash.h"

#define LISTS_FIRST 64	    /* of names; a power of two */
#define IN_NO_LIST SIZE_MAX /* of names */

struct resource_index {
	size_t first[RESOURCE_TYPES], last[RESOURCE_TYPES];
	size_t room;	      /* number of lists, and of positions that the arrays below hold */
	size_t *newest;	      /* of each list: the names whose hashes end in its number */
	size_t *before;	      /* of each position: the next in its list of names, which was added before; or IN_NO_LIST */
	size_t *next_of_type; /* of each position */
};

static size_t *newest_of(const struct resource_index *index, const char *name)
{
	return &index->newest[hash_bytes(name, strlen(name), 0) & (index->room - 1)];
}

static void name_add(struct resource_index *index, const struct resource *resource, size_t position)
{
	size_t *newest = newest_of(index, resource->name.text ? resource->name.text : "");
	index->before[position - 1] = *newest;
	*newest = position;
}

static bool lists_grow(struct spec *spec)
{
	const struct resource_index old = *spec->index;
	const size_t room = old.room ? old.room * 2 : LISTS_FIRST;
	struct resource_index *index = spec->index;
	index->newest = ARENA_ARRAY(spec->arena, size_t, room);
	index->before = ARENA_ARRAY(spec->arena, size_t, room);
	index->next_of_type = ARENA_ARRAY(spec->arena, size_t, room);
	if (!index->newest || !index->before || !index->next_of_type) {
		*index = old;
		return false;
	}
	index->room = room;
	for (size_t i = 0; i < old.room; i++) {
		index->next_of_type[i] = old.next_of_type[i];
		index->before[i] = IN_NO_LIST;
		if (old.before[i] != IN_NO_LIST)
			name_add(index, spec->resources[i], i + 1);
	}
	return true;
}

static void type_add(struct resource_index *index, enum resource_type type, size_t position)
{
	*(index->last[type] ? &index->next_of_type[index->last[type] - 1] : &index->first[type]) = position;
	index->last[type] = position;
}

void resource_index_add(struct spec *spec, bool named)
{
	if (!spec->index)
		spec->index = ARENA_NEW(spec->arena, struct resource_index);
	if (!spec->index || (spec->count > spec->index->room && !lists_grow(spec)))
		return;
	const struct resource *resource = spec->resources[spec->count - 1];
	type_add(spec->index, resource->kind->type, spec->count);
	spec->index->before[spec->count - 1] = IN_NO_LIST;
	if (named)
		name_add(spec->index, resource, spec->count);
}

size_t resource_index_newest(const struct spec *spec, const char *name)
{
	return spec->index && spec->index->room ? *newest_of(spec->index, name) : 0;
}

size_t resource_index_before(const struct spec *spec, size_t position)
{
	return spec->index->before[position - 1];
}

/* ---- finding ---- */

const struct resource *spec_find(const struct spec *spec, enum resource_type type, const char *name)
{
	const struct resource *first = NULL; /* the list begins with the newest */
	for (size_t at = resource_index_newest(spec, name); at; at = resource_index_before(spec, at)) {
		const struct resource *resource = spec->resources[at - 1];
		if (resource->kind->type == type && resource->name.text && strcmp(resource->name.text, name) == 0)
			first = resource;
	}
	return first;
}

const struct resource *spec_next(const struct spec *spec, enum resource_type type, size_t *at)
{
	if (!spec->index)
		return NULL;
	*at = *at ? spec->index->next_of_type[*at - 1] : spec->index->first[type];
	return *at ? spec->resources[*at - 1] : NULL;
}

const struct resource *spec_first(const struct spec *spec, enum resource_type type)
{
	size_t at = 0;
	return spec_next(spec, type, &at);
}

const struct resource *spec_experiment_of(const struct spec *spec, const char *pipeline)
{
	const struct resource *resource;
	for (size_t at = 0; (resource = spec_next(spec, RESOURCE_EXPERIMENT, &at));) {
		const struct experiment_spec *experiment = resource->spec;
		if (experiment && experiment->resource_type == EXPERIMENT_PIPELINE && resource->name.text &&
		    experiment->default_name.text && strcmp(experiment->default_name.text, pipeline) == 0)
			return resource;
	}
	return NULL;
}
