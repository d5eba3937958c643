/* inline_models.c: see inline_models.h. */
#include "compiler/resources/inline_models.h"

#include <stdlib.h>

#include "compiler/resources/experiment_walk.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/yaml/options.h"

#define OWNER_BYTES 1024 /* two names of Kubernetes */

bool model_uri_is_address(const char *uri)
{
	static const char *const schemes[] = {"stub://", "http://", "https://", "grpc://", "grpcs://"};
	for (size_t i = 0; uri && i < sizeof schemes / sizeof *schemes; i++)
		if (strncmp(uri, schemes[i], strlen(schemes[i])) == 0)
			return true;
	return false;
}

/* Where a model is. */
struct model_source {
	const char *uri;    /* NULL: none */
	const char *server; /* NULL: none */
};

/* A step that locates its model. */
struct inline_model {
	const char *name;
	struct model_source source;
	const struct resource *pipeline;
	const struct step_spec *step;
	size_t number; /* in the order of the files */
	bool differs;  /* from other steps of its pipeline */
};

/* ---- what a step says ---- */

static struct step step_of(const struct step_spec *spec)
{
	return (struct step){.kind = spec->kind, .name = spec->name.text, .options = spec->options};
}

static void *option_at(const struct step_spec *step, const char *name, enum option_type type)
{
	const struct option *row = option_named(step->kind->options, text_of(name));
	return row && row->type == type ? (unsigned char *)(uintptr_t)step->options + row->offset : NULL;
}

static bool inline_model_read(const struct resource *pipeline, const struct step_spec *spec, struct inline_model *model)
{
	const struct step step = step_of(spec);
	enum call_target target;
	*model = (struct inline_model){.pipeline = pipeline, .step = spec};
	if (!spec->kind || !spec->options || !step_calls(&step, 0, &target, &model->name) || target != CALL_MODEL || !model->name)
		return false;
	const char *const *server = option_at(spec, "server", OPTION_TEXT);
	model->source = (struct model_source){step_facts(&step).storage, server ? *server : NULL};
	return (model->source.uri || model->source.server) && !strchr(model->name, '/');
}

/* Lists all; only counts with `models` NULL. */
static size_t inline_models_list(const struct spec *spec, struct inline_model *models)
{
	size_t count = 0;
	const struct resource *pipeline;
	struct inline_model model;
	for (size_t at = 0; (pipeline = spec_next(spec, RESOURCE_PIPELINE, &at));) {
		const struct pipeline_spec *own = pipeline->spec;
		const struct step_spec *steps = own ? own->steps.items : NULL;
		for (size_t i = 0; own && i < own->steps.count; i++) {
			if (!inline_model_read(pipeline, &steps[i], &model))
				continue;
			model.number = count++;
			if (models)
				models[model.number] = model;
		}
	}
	return count;
}

/* ---- which are one ---- */

static int by_name(const void *left, const void *right)
{
	const struct inline_model *a = left, *b = right;
	const int names = strcmp(a->name, b->name);
	return names ? names : a->number < b->number ? -1 : 1;
}

static bool sources_equal(const struct model_source *a, const struct model_source *b)
{
	return strings_equal(a->uri, b->uri) && strings_equal(a->server, b->server);
}

/* Whether the Model is that of the step: a step may name the artifact, and its Model say where that is served. */
static bool model_is_of_step(const struct model_spec *model, const struct model_source *step)
{
	const struct model_source own = {model->storage_uri.text, model->server.text};
	return sources_equal(&own, step) ||
	       (!step->server && model_uri_is_address(own.uri) && !model_uri_is_address(step->uri));
}

static bool models_are_one(const struct inline_model *models, size_t count, const struct model_spec *named)
{
	bool one = true;
	for (size_t i = 0; i < count; i++)
		one = one && (named ? model_is_of_step(named, &models[i].source)
				    : sources_equal(&models[i].source, &models[0].source));
	return one;
}

static bool experiment_has(const struct experiment_spec *experiment, const char *name)
{
	const struct name wanted = {.text = name};
	return experiment->resource_type == EXPERIMENT_MODEL &&
	       (experiment_candidate(experiment, &wanted) < experiment->candidates.count ||
		strings_equal(experiment->default_name.text, name) || strings_equal(experiment->mirror_name.text, name));
}

/* The name of an experiment that has the model. NULL: none has. */
static const char *experiment_of(const struct spec *spec, const char *name)
{
	struct experiment_walk walk = experiment_walk_begin(spec);
	struct experiment_found found;
	while (experiment_walk_next(&walk, spec->arena, &found))
		if (experiment_has(found.spec, name))
			return found.name;
	return NULL;
}

/* Addresses of servers may differ: each pipeline calls its own. */
static bool source_is_server(const struct model_source *source)
{
	return source->server || (model_uri_is_address(source->uri) && strncmp(source->uri, "stub://", strlen("stub://")) != 0);
}

/* Artifacts of one server are called by the name alone. */
static bool are_served_apart(const struct model_source *one, const struct model_source *other)
{
	return source_is_server(one) && source_is_server(other) && !(one->server && strings_equal(one->server, other->server));
}

/* Steps that mean another model than the first one, where an experiment splits the calls of both by one name. */
static void split_models_say(const struct spec *spec, const struct inline_model *models, size_t count,
			     const struct resource *resource, const char *experiment)
{
	const struct model_spec *named = resource ? resource->spec : NULL;
	const struct model_source first =
		named ? (struct model_source){named->storage_uri.text, named->server.text} : models[0].source;
	for (size_t i = 0; i < count; i++) {
		const struct model_source *own = &models[i].source;
		if ((named ? model_is_of_step(named, own) : sources_equal(own, &first)) || are_served_apart(own, &first))
			continue;
		fault_add(spec->faults, CODE_SPLIT_MODELS, models[i].step->name.place, NULL,
			  "the step locates model `%s` at %s, %s `%s` at %s, and experiment `%s` splits the calls of both by that "
			  "name: give them one location, or two names",
			  models[i].name, own->uri ? own->uri : own->server, resource ? "the Model" : "pipeline",
			  resource ? resource->name.text : models[0].pipeline->name.text, first.uri ? first.uri : "a server",
			  experiment);
	}
}

/* ---- naming ---- */

static bool inline_model_name(struct arena *arena, const struct inline_model *model)
{
	struct name *name = option_at(model->step, "model", OPTION_NAME);
	name = name ? name : option_at(model->step, "name", OPTION_NAME);
	if (!name)
		return true;
	name->text = arena_print(arena, "%s%s%s/%s", model->pipeline->name.text, model->differs ? "." : "",
				 model->differs ? model->step->name.text : "", model->name);
	return name->text;
}

static bool models_name(const struct spec *spec, struct inline_model *models, size_t count)
{
	const struct resource *resource = spec_find(spec, RESOURCE_MODEL, models[0].name);
	const struct model_spec *named = resource ? resource->spec : NULL;
	if (models_are_one(models, count, named))
		return true;
	const char *experiment = experiment_of(spec, models[0].name);
	if (experiment) {
		split_models_say(spec, models, count, resource, experiment);
		return true;
	}
	for (size_t i = 0; i < count; i++) /* those of one pipeline are neighbours */
		for (size_t j = i + 1; j < count && models[j].pipeline == models[i].pipeline; j++)
			if (models[i].step->name.text && models[j].step->name.text &&
			    !sources_equal(&models[i].source, &models[j].source))
				models[i].differs = models[j].differs = true;
	for (size_t i = 0; i < count; i++)
		if (models[i].pipeline->name.text && !(named && model_is_of_step(named, &models[i].source)) &&
		    !inline_model_name(spec->arena, &models[i]))
			return false;
	return true;
}

bool inline_models_name(struct spec *spec)
{
	const size_t count = inline_models_list(spec, NULL);
	struct inline_model *models = count > 0 ? ARENA_ARRAY(spec->arena, struct inline_model, count) : NULL;
	if (!models)
		return count == 0;
	(void)inline_models_list(spec, models);
	qsort(models, count, sizeof *models, by_name);
	for (size_t from = 0, to; from < count; from = to) {
		for (to = from + 1; to < count && strcmp(models[from].name, models[to].name) == 0;)
			to++;
		if (!models_name(spec, models + from, to - from))
			return false;
	}
	return !arena_failed(spec->arena);
}

/* Whether that is a Pipeline of the files, or PIPELINE.STEP. */
static bool is_pipeline(const struct spec *spec, struct text owner)
{
	char name[OWNER_BYTES];
	if (owner.length == 0 || owner.length >= sizeof name)
		return false;
	memcpy(name, owner.bytes, owner.length);
	name[owner.length] = '\0';
	const struct resource *pipeline = spec_find(spec, RESOURCE_PIPELINE, name);
	const char *dot = pipeline ? NULL : memrchr(name, '.', owner.length);
	return pipeline ? !pipeline->made_of : dot && is_pipeline(spec, (struct text){name, (size_t)(dot - name)});
}

const struct resource *spec_model(const struct spec *spec, const char *name)
{
	const struct resource *found = spec_find(spec, RESOURCE_MODEL, name);
	const char *slash = found ? NULL : strchr(name, '/');
	if (!slash || !is_pipeline(spec, (struct text){name, (size_t)(slash - name)}))
		return found;
	return spec_find(spec, RESOURCE_MODEL, slash + 1);
}
