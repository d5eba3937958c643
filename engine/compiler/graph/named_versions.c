/* named_versions.c: see named_versions.h. */
#include "compiler/graph/named_versions.h"

#include "base/number/number.h"
#include "compiler/resources/inline_models.h"

bool named_version_read(struct text text, struct text *model, int64_t *version)
{
	const char *sign = text.length > 0 ? memrchr(text.bytes, '@', text.length) : NULL;
	uint64_t number;
	if (!sign || sign == text.bytes)
		return false;
	const struct text digits = {sign + 1, text.length - (size_t)(sign - text.bytes) - 1};
	if (!digits_read(digits, 10, &number) || digits.bytes[0] == '0' || number > INT64_MAX)
		return false;
	*model = (struct text){text.bytes, (size_t)(sign - text.bytes)};
	*version = (int64_t)number;
	return true;
}

const struct resource *named_model_find(const struct spec *spec, const char *name, struct arena *arena)
{
	const struct resource *found = spec_model(spec, name);
	struct text model;
	int64_t version;
	if (found || spec->has_versions || !named_version_read(text_of(name), &model, &version))
		return found;
	const char *own = arena_copy(arena, model.bytes, model.length);
	return own ? spec_find(spec, RESOURCE_MODEL, own) : NULL;
}

struct name_search {
	const struct resource *named_by;
	bool (*take)(void *context, const struct named_version *named);
	void *context;
};

static bool name_take(const struct name_search *search, const struct name *name)
{
	struct named_version named = {.named_by = search->named_by, .name = *name};
	return !name->text || !named_version_read(text_of(name->text), &named.model, &named.version) ||
	       search->take(search->context, &named);
}

/* Versions of Pipelines cannot be named: their topics and state would have the names of those in force. */
static bool experiment_take(const struct name_search *search, const struct experiment_spec *experiment)
{
	const struct candidate *candidates = experiment->candidates.items;
	if (experiment->resource_type == EXPERIMENT_PIPELINE)
		return true;
	for (size_t i = 0; i < experiment->candidates.count; i++)
		if (!name_take(search, &candidates[i].name))
			return false;
	return name_take(search, &experiment->mirror_name);
}

static bool pipeline_take(const struct name_search *search, const struct pipeline_spec *pipeline)
{
	const struct step_spec *steps = pipeline->steps.items;
	for (size_t i = 0; i < pipeline->steps.count; i++) {
		const struct experiment_spec *experiment = step_experiment_written(&steps[i]);
		if (experiment && !experiment_take(search, experiment))
			return false;
	}
	return true;
}

bool named_versions_each(const struct spec *spec, bool (*take)(void *context, const struct named_version *named), void *context)
{
	for (size_t i = 0; i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		const struct name_search search = {resource, take, context};
		if (!resource->spec)
			continue;
		if (resource->kind->type == RESOURCE_EXPERIMENT && !experiment_take(&search, resource->spec))
			return false;
		if (resource->kind->type == RESOURCE_PIPELINE && !pipeline_take(&search, resource->spec))
			return false;
	}
	return true;
}
