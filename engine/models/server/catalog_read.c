/* catalog_read.c: see catalog_read.h. */
#include "models/server/catalog_read.h"

#include "compiler/graph/built_in.h"
#include "compiler/graph/model_name.h"
#include "compiler/resources/inline_models.h"

static bool is_elsewhere(const char *uri)
{
	return model_uri_is_address(uri) && !text_starts_with(text_of(uri), TEXT(STUB_SCHEME));
}

struct catalog_taking {
	const struct spec *spec;
	struct catalog *catalog;
	const char *only;
	size_t *count;
	struct error *error;
};

static bool catalog_read_take(struct catalog_taking *taking, const struct catalog_entry *entry)
{
	if (!entry->name || (taking->only && model_name_fit(text_of(taking->only), entry->name) == 0) || is_elsewhere(entry->uri))
		return true;
	++*taking->count;
	return catalog_put(taking->catalog, entry, taking->error);
}

/* Whether the Model of that name says where it is served, and the step only where its artifact is. */
static bool model_decides(const struct spec *spec, const char *name, const char *uri)
{
	const struct resource *resource = model_uri_is_address(uri) ? NULL : spec_model(spec, name);
	const struct model_spec *model = resource ? resource->spec : NULL;
	return model && model_uri_is_address(model->storage_uri.text);
}

static bool take_steps(struct catalog_taking *taking, const struct pipeline_spec *pipeline)
{
	const struct step_spec *steps = pipeline->steps.items;
	for (size_t i = 0; i < pipeline->steps.count; i++) {
		const struct step step = {.kind = steps[i].kind, .name = steps[i].name.text, .options = steps[i].options};
		enum call_target target;
		const char *name;
		const char *uri = step_facts(&step).storage;
		if (!uri || !step_calls(&step, 0, &target, &name) || target != CALL_MODEL)
			continue;
		if ((name && model_decides(taking->spec, name, uri)) || built_in_is_instead(taking->spec, &steps[i]))
			continue;
		if (!catalog_read_take(taking, &(struct catalog_entry){.name = name, .uri = uri, .place = steps[i].options_here}))
			return false;
	}
	return true;
}

/* The setting of a step overrides that of the Model, so it is read later. */
bool catalog_take_spec(struct catalog *catalog, const struct spec *spec, const char *only, size_t *count, struct error *error)
{
	struct catalog_taking taking = {spec, catalog, only, count, error};
	for (size_t i = 0; i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		const struct model_spec *model = resource->spec;
		if (resource->kind->type != RESOURCE_MODEL || !model)
			continue;
		if (!catalog_read_take(&taking, &(struct catalog_entry){.name = resource->name.text,
									.uri = model->storage_uri.text,
									.place = model->storage_uri.place}))
			return false;
	}
	for (size_t i = 0; i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		if (resource->kind->type == RESOURCE_PIPELINE && resource->spec && !take_steps(&taking, resource->spec))
			return false;
	}
	return true;
}
