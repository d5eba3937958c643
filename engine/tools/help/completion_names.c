/* completion_names.c: see completion_names.h. */
#include "tools/help/completion_names.h"

#include <ctype.h>
#include <strings.h>

#include "compiler/graph/graph.h"
#include "compiler/resources/resource.h"

struct naming {
	const struct spec *spec;
	struct arena *arena;
	struct buffer *out;
};

/* ---- one name ---- */

static bool is_harmless(const char *name)
{
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("._-/", *name))
			return false;
	return true;
}

static void name_put(const struct naming *naming, const char *name)
{
	if (name && *name && is_harmless(name))
		buffer_print(naming->out, "%s\n", name);
}

/* The kind as commands take it: pipeline, seldondeployment. */
static void kind_put(struct buffer *out, const char *kind)
{
	for (; *kind; kind++)
		buffer_byte(out, (char)tolower((unsigned char)*kind));
}

/* ---- all names of a sort ---- */

static void put_pipelines(const struct naming *naming)
{
	for (size_t i = 0; i < naming->spec->count; i++)
		if (naming->spec->resources[i]->kind->type == RESOURCE_PIPELINE)
			name_put(naming, naming->spec->resources[i]->name.text);
}

static const struct pipeline_spec *pipeline_at(const struct naming *naming, size_t at)
{
	const struct resource *resource = naming->spec->resources[at];
	return resource->kind->type == RESOURCE_PIPELINE ? resource->spec : NULL;
}

static void put_steps(const struct naming *naming)
{
	for (size_t i = 0; i < naming->spec->count; i++) {
		const struct pipeline_spec *pipeline = pipeline_at(naming, i);
		for (size_t j = 0; pipeline && j < pipeline->steps.count; j++)
			name_put(naming, ((const struct step_spec *)pipeline->steps.items)[j].name.text);
	}
}

static void put_alerts(const struct naming *naming)
{
	for (size_t i = 0; i < naming->spec->count; i++) {
		const struct pipeline_spec *pipeline = pipeline_at(naming, i);
		for (size_t j = 0; pipeline && j < pipeline->alerts.count; j++)
			name_put(naming, ((const struct alert_spec *)pipeline->alerts.items)[j].name.text);
	}
}

static void put_experiments(const struct naming *naming)
{
	for (size_t i = 0; i < naming->spec->count; i++) {
		const struct resource *resource = naming->spec->resources[i];
		if (resource->kind->type != RESOURCE_PIPELINE || !resource->name.text)
			continue;
		const struct graph *graph = graph_build(resource, naming->spec, naming->arena, naming->spec->faults);
		for (size_t j = 0; graph && j < graph->experiment_count; j++)
			name_put(naming, graph->experiments[j]->name);
	}
}

static void put_resources(const struct naming *naming)
{
	for (size_t i = 0; i < naming->spec->count; i++) {
		const struct resource *resource = naming->spec->resources[i];
		if (!resource->name.text || !is_harmless(resource->name.text))
			continue;
		kind_put(naming->out, resource->kind->name);
		buffer_byte(naming->out, '/');
		name_put(naming, resource->name.text);
	}
}

static const struct sort_of_name {
	const char *word;
	void (*put)(const struct naming *naming);
	bool files_only; /* without the pipelines that models and experiments get */
} sorts[] = {
	{"PIPELINE", put_pipelines, false},	{"STEP", put_steps, true},	    {"ALERT", put_alerts, true},
	{"EXPERIMENT", put_experiments, false}, {"KIND/NAME", put_resources, true},
};

static const struct sort_of_name *sort_find(struct text word)
{
	for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++)
		if (word.length == strlen(sorts[i].word) && strncasecmp(word.bytes, sorts[i].word, word.length) == 0)
			return &sorts[i];
	return NULL;
}

const char *completion_names_sort(const char *usage)
{
	struct text word = {usage, strcspn(usage, " ")};
	if (word.length > 3 && memcmp(word.bytes + word.length - 3, "...", 3) == 0)
		word.length -= 3;
	if (word.length > 2 && word.bytes[0] == '[')
		word = (struct text){word.bytes + 1, word.length - 2};
	if (text_is(word, "KIND[/NAME]"))
		word = TEXT("KIND/NAME");
	const struct sort_of_name *sort = sort_find(word);
	return sort ? sort->word : NULL;
}

bool completion_names_print(const struct workspace *workspace, const char *sort, const char *const *paths, size_t count,
			    struct buffer *out, struct error *error)
{
	static const char *const here[] = {"."};
	const struct sort_of_name *known = sort_find(text_of(sort));
	struct spec spec;
	if (!known)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "no names are known for `%s`; it is one of: PIPELINE STEP ALERT EXPERIMENT KIND/NAME", sort);
	const struct spec_options options = {.kinds = workspace->kinds, .model_pipelines = !known->files_only};
	if (!spec_open(&spec, error))
		return false;
	const bool good = spec_read(&spec, count > 0 ? paths : here, count > 0 ? count : 1, &options, error);
	if (good)
		known->put(&(struct naming){&spec, workspace->arena, out});
	spec_close(&spec);
	return good;
}
