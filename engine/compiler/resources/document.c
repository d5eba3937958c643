/* document.c: Parser of a document: it determines its kind, whether sluice reads it, and its name, and parses its
 * fields by the rows of the kind. */
#include "compiler/resources/document.h"

#include <inttypes.h>

#include "base/arena_list.h"
#include "base/suggest.h"
#include "compiler/resources/annotations.h"
#include "compiler/resources/deployment_pipeline.h"
#include "compiler/resources/model_pipeline.h"
#include "compiler/resources/protection.h"
#include "compiler/resources/resource_index.h"
#include "compiler/resources/rows.h"
#include "compiler/resources/step_kinds.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/yaml/node_make.h"
#include "compiler/yaml/options.h"

#define MLOPS PIPELINE_VERSION
#define MACHINE_LEARNING "machinelearning.seldon.io/v1"
/* The first Seldon Core changed its version three times, and its fields hardly. */
#define MACHINE_LEARNING_FORMER MACHINE_LEARNING "alpha1 " MACHINE_LEARNING "alpha2 " MACHINE_LEARNING "alpha3"
#define MADE_MOST 2	       /* of a deployment: its own, and that of its one shadow */
#define RUNTIME_NAME "default" /* of a runtime that has none */

#define KIND(kind_name, version, of_type, ...)                                                                                     \
	{                                                                                                                          \
		.name = kind_name, .api_version = version, .type = RESOURCE_##of_type, __VA_ARGS__                                 \
	}

const struct resource_kind resource_kinds[] = {
	KIND("Pipeline", MLOPS, PIPELINE, .rows = pipeline_rows, .size = sizeof(struct pipeline_spec), .check = pipeline_check,
	     .help = "A graph of steps."),
	KIND("Model", MLOPS, MODEL, .rows = model_rows, .size = sizeof(struct model_spec), .check = model_check,
	     .help = "A model, and its address. A model that no pipeline or deployment of the files names, with `standalone: "
		     "true`, or that is the default of an Experiment, gets a pipeline of its name, with one step that calls it."),
	KIND("Experiment", MLOPS, EXPERIMENT, .rows = experiment_rows, .size = sizeof(struct experiment_spec),
	     .check = experiment_check,
	     .help = "Models or pipelines among which requests are split. It gets a pipeline of its name, with one step, "
		     "so that it can be called by name, unless one of the models has no endpoint."),
	KIND("SeldonRuntime", MLOPS, RUNTIME, .rows = runtime_rows, .size = sizeof(struct runtime_spec), .check = runtime_check,
	     .nameless = true, .help = "An installation and its settings."),
	KIND("SeldonConfig", MLOPS, CONFIG, .rows = seldon_config_rows, .size = sizeof(struct runtime_spec),
	     .check = seldon_config_check, .help = "Base settings of the runtimes of a cluster."),
	KIND("ServerConfig", MLOPS, SERVER_CONFIG, .rows = server_config_rows,
	     .help = "How Kubernetes would create a server; it has no effect here."),
	KIND("Server", MLOPS, SERVER, .rows = server_rows, .size = sizeof(struct server_spec), .check = server_check,
	     .help = "A model server, and its address."),
	KIND("SeldonDeployment", MACHINE_LEARNING, DEPLOYMENT, .rows = deployment_rows, .size = sizeof(struct deployment_spec),
	     .check = deployment_check, .former_versions = MACHINE_LEARNING_FORMER, .help = "Graphs of the first Seldon Core."),
	KIND("Silence", SLUICE_KINDS, SILENCE, .rows = silence_resource_rows, .size = sizeof(struct silence_spec),
	     .check = silence_check,
	     .help = "A time in which an alert sends no notice of a firing; `sluice alerts silence` makes it."),
	KIND("HealthChecks", NULL, FRAGMENT, .rows = health_rows, .help = "A fragment: the health checks of a gateway."),
	KIND("Performance", NULL, FRAGMENT, .rows = performance_rows, .size = sizeof(struct performance_spec),
	     .help = "A fragment: settings of calls to models."),
	KIND("Targets", NULL, FRAGMENT, .rows = target_rows, .size = sizeof(struct targets_spec),
	     .help = "A fragment: targets with which `plan --slo` compares the plan."),
	{0},
};

struct envelope {
	struct metadata metadata;
	const struct node *spec;
};

const struct option resource_rows[] = {
	CHECKED("apiVersion", TEXT, .help = "The group and version of the kind."),
	CHECKED("kind", TEXT, .help = "The kind of resource."),
	ROW("metadata", MAP, struct envelope, metadata, .rows = metadata_rows, .help = "Its name and annotations."),
	ROW("spec", NODE, struct envelope, spec, .help = "What it says."),
	CHECKED("status", NODE, .effect = EFFECT_NONE, .help = "The state that a cluster reported."),
	{.type = OPTION_END},
};

static const struct resource_kind *kind_named(struct text name)
{
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++)
		if (text_is(name, kind->name))
			return kind;
	return NULL;
}

static const char *nearest_kind(struct text word)
{
	struct suggestion suggestion = suggest_begin(word);
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++)
		if (kind->api_version)
			suggest_offer(&suggestion, text_of(kind->name));
	return suggestion.nearest.bytes;
}

const struct resource_kind *resource_kind_find(const char *name, struct error *error)
{
	const struct resource_kind *found = kind_named(text_of(name));
	struct suggestion suggestion = suggest_begin(text_of(name));
	if (found)
		return found;
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++)
		suggest_offer(&suggestion, text_of(kind->name));
	const char *nearest = suggestion.nearest.bytes;
	return error_null(error_set(error, ERROR_CONFIG, PLACE_NONE,
				    nearest ? "there is no kind `%s`; did you mean `%s`?"
					    : "there is no kind `%s`; `sluice help resources` lists them",
				    name, nearest));
}

static const char *nearest_version(struct text word)
{
	struct suggestion suggestion = suggest_begin(word);
	suggest_offer(&suggestion, TEXT(MLOPS));
	suggest_offer(&suggestion, TEXT(MACHINE_LEARNING));
	return suggestion.nearest.bytes;
}

/* ---- whose document it is ---- */

/* The text under a key of the document; false when nothing, or no text, stands there. */
static bool text_under(const struct node *root, const char *key, struct text *text)
{
	const struct node *node = node_get(root, key);
	if (!node || node->type != NODE_SCALAR || scalar_classify(node) != SCALAR_TEXT)
		return false;
	*text = node->scalar;
	return true;
}

static bool document_absent(const struct node *root, const char *key)
{
	const struct node *node = node_get(root, key);
	return !node || (node->type == NODE_NULL && !node->broken);
}

/* Another API group's: not ours by its name, nor nearly. A kind of ours under a version
 * without a group was meant for us. */
static bool is_foreign(struct text version, bool ours_by_kind)
{
	bool grouped = memchr(version.bytes, '/', version.length) != NULL;
	bool nearly = text_is(version, SLUICE_KINDS) || nearest_version(version) != NULL ||
		      memmem(version.bytes, version.length, "seldon", 6) != NULL;
	return !nearly && (grouped || !ours_by_kind);
}

static const struct resource_kind *kind_by_option(const struct spec_options *options)
{
	return options && options->kind ? kind_named(text_of(options->kind)) : NULL;
}

static void say_missing(struct spec *spec, const struct node *root, const char *key)
{
	fault_add(spec->faults, CODE_MISSING_KIND, root->place, NULL, "`%s` is missing: the kind of this document is unknown", key);
}

/* Without a kind no fields are looked at, so a key that was meant for it is reported here. */
static void say_misspelt_kind(struct spec *spec, const struct node *root)
{
	static const char *const meant[] = {"kind"};
	for (size_t i = 0; i < root->count; i++) {
		const struct node *key = root->entries[i].key;
		if (!text_is(key->scalar, meant[0]) && suggest_nearest(key->scalar.bytes, meant, 1))
			fault_add(spec->faults, CODE_UNKNOWN_FIELD, key->place, meant[0], "`%s` is not a field of the document",
				  key->scalar.bytes);
	}
}

/* A kind or version that is no text: nothing can be read by it. */
static void say_no_text(struct spec *spec, const struct node *root, const char *key)
{
	static const struct option text_row = {.type = OPTION_TEXT};
	struct reading reading = {.arena = spec->arena, .faults = spec->faults, .field = key};
	value_wrong_type(&reading, &text_row, node_get(root, key));
}

static bool is_old(const struct resource_kind *kind, struct text version)
{
	return kind->former_versions && choice_find(kind->former_versions, version, NULL) >= 0;
}

static void check_version(struct spec *spec, const struct node *root, const struct resource_kind *kind, struct text version)
{
	if (kind->api_version && text_is(version, kind->api_version))
		return;
	struct place place = node_get(root, "apiVersion")->place;
	if (!kind->api_version)
		fault_add(spec->faults, CODE_UNKNOWN_KIND, place, NULL, "a %s is a fragment and has no apiVersion; remove it",
			  kind->name);
	else if (is_old(kind, version))
		fault_add(spec->faults, CODE_OLD_VERSION, place, NULL, "`%s` is read as `%s`", version.bytes, kind->api_version);
	else
		fault_add(spec->faults, CODE_UNKNOWN_VERSION, place, kind->api_version, "there is no `%s` of a %s", version.bytes,
			  kind->name);
}

/* A file of kustomize, which needs neither apiVersion nor kind: the name of the file says what it is. */
static bool is_kustomization(const struct node *root)
{
	static const char *const names[] = {"kustomization.yaml", "kustomization.yml"};
	const char *file = root->place.file, *slash = file ? strrchr(file, '/') : NULL;
	for (size_t i = 0; file && i < sizeof names / sizeof *names; i++)
		if (strcmp(slash ? slash + 1 : file, names[i]) == 0)
			return document_absent(root, "kind") && document_absent(root, "apiVersion");
	return false;
}

/* The kind of a document of ours; NULL when it is skipped, or a fault was said. */
static const struct resource_kind *kind_of(struct spec *spec, const struct node *root, const struct spec_options *options)
{
	struct text version = {0}, name = {0};
	const struct resource_kind *fragment = kind_by_option(options);
	bool has_version = text_under(root, "apiVersion", &version), has_kind = text_under(root, "kind", &name);
	const struct resource_kind *kind = has_kind ? kind_named(name) : document_absent(root, "kind") ? fragment : NULL;
	if (has_version && is_foreign(version, kind && has_kind)) {
		const bool serves = memmem(version.bytes, version.length, "serving.k", 9) != NULL; /* KServe, of old in Kubeflow */
		spec->foreign++;
		fault_add(spec->faults, serves ? CODE_FOREIGN_MODEL : CODE_FOREIGN, node_get(root, "apiVersion")->place, NULL,
			  "`%s` %s is not known to sluice and is skipped%s", version.bytes, has_kind ? name.bytes : "",
			  serves ? ": the models that it declares are not served" : "");
		return NULL;
	}
	if (!fragment && is_kustomization(root)) {
		spec->foreign++;
		fault_add(spec->faults, CODE_FOREIGN, root->place, NULL,
			  "a file of kustomize is not known to sluice and is skipped");
		return NULL;
	}
	if (!has_kind && document_absent(root, "kind") && !fragment) {
		say_missing(spec, root, "kind");
		say_misspelt_kind(spec, root);
	} else if (!has_kind && !document_absent(root, "kind"))
		say_no_text(spec, root, "kind");
	if (has_kind && !kind)
		fault_add(spec->faults, CODE_UNKNOWN_KIND, node_get(root, "kind")->place, nearest_kind(name),
			  "there is no kind `%s`", name.bytes);
	if (!has_version && document_absent(root, "apiVersion") && !fragment && (!kind || kind->api_version))
		say_missing(spec, root, "apiVersion");
	if (has_version && kind)
		check_version(spec, root, kind, version);
	else if (has_version && !text_is(version, MLOPS) && !text_is(version, MACHINE_LEARNING))
		fault_add(spec->faults, CODE_UNKNOWN_VERSION, node_get(root, "apiVersion")->place, nearest_version(version),
			  "there is no version `%s`", version.bytes);
	return kind;
}

/* ---- its place among the others ---- */

static void append(struct spec *spec, const struct resource *resource, bool named)
{
	const struct resource **items = arena_list_grow(spec->arena, spec->resources, spec->count, sizeof *items);
	if (!items)
		return;
	items[spec->count++] = resource;
	spec->resources = items;
	resource_index_add(spec, named);
}

static size_t find_same(struct spec *spec, const struct resource *resource)
{
	size_t at = resource_index_newest(spec, resource->name.text ? resource->name.text : "");
	for (; at; at = resource_index_before(spec, at)) {
		const struct resource *other = spec->resources[at - 1];
		if (other->kind == resource->kind && strings_equal(other->name.text, resource->name.text) &&
		    strings_equal(other->namespace, resource->namespace))
			return at - 1;
	}
	return spec->count;
}

static void say_repeated(struct spec *spec, const struct resource *resource, const struct resource *first)
{
	const bool one_file = first->place.file == resource->place.file, one_set = one_file || spec->is_one_set;
	fault_add(spec->faults, one_set ? CODE_REPEATED_RESOURCE : CODE_REPEATED_ACROSS_FILES, resource->name.place, NULL,
		  "the %s `%s` is already in %s, line %u", resource->kind->name, resource->name.text,
		  one_file ? "this file" : first->place.file, first->place.line);
}

/* References have names alone, of which the first resource counts. */
static void say_shared_name(struct spec *spec, const struct resource *resource)
{
	static const bool is_found[RESOURCE_TYPES] = {[RESOURCE_PIPELINE] = true,
						      [RESOURCE_MODEL] = true,
						      [RESOURCE_EXPERIMENT] = true,
						      [RESOURCE_SERVER] = true,
						      [RESOURCE_DEPLOYMENT] = true};
	const struct resource *first =
		is_found[resource->kind->type] && resource->name.text && !resource->made_of
			? spec_find(spec, resource->kind->type, resource->name.text)
			: NULL;
	if (first && !strings_equal(first->namespace, resource->namespace) &&
	    (spec->is_one_set || first->place.file == resource->place.file))
		fault_add(spec->faults, CODE_SHARED_NAME, resource->name.place, NULL,
			  "another namespace has a %s `%s` too, in line %u of %s: all references to that name mean it",
			  first->kind->name, first->name.text, first->place.line,
			  first->place.file ? first->place.file : "the files");
}

/* One model or pipeline can be split by one experiment alone. */
static void check_default(struct spec *spec, const struct resource *resource)
{
	const struct experiment_spec *experiment = resource->spec;
	if (resource->kind->type != RESOURCE_EXPERIMENT || !experiment->default_name.text)
		return;
	const struct resource *other;
	for (size_t at = 0; (other = spec_next(spec, RESOURCE_EXPERIMENT, &at));) {
		const struct experiment_spec *earlier = other->spec;
		if (!strings_equal(other->namespace, resource->namespace) ||
		    !strings_equal(earlier->default_name.text, experiment->default_name.text) ||
		    earlier->resource_type != experiment->resource_type || strings_equal(other->name.text, resource->name.text))
			continue;
		bool one_set = spec->is_accepted || other->place.file == resource->place.file;
		fault_add(spec->faults, one_set ? CODE_REPEATED_NAME : CODE_REPEATED_ACROSS_FILES, experiment->default_name.place,
			  NULL, "`%s` is the default of the experiment `%s` already%s", experiment->default_name.text,
			  other->name.text ? other->name.text : "",
			  one_set ? "" : "; a control plane refuses the two together (SL0402)");
		return;
	}
}

/* Experiments of one layer never have the same unit. */
static void check_layer(struct spec *spec, const struct resource *resource)
{
	const struct experiment_spec *experiment = resource->spec;
	const struct resource *other;
	if (resource->kind->type != RESOURCE_EXPERIMENT || experiment->layer.here.line == 0)
		return;
	for (size_t at = 0; (other = spec_next(spec, RESOURCE_EXPERIMENT, &at));) {
		const struct experiment_spec *earlier = other->spec;
		if (!strings_equal(other->namespace, resource->namespace) || strings_equal(other->name.text, resource->name.text) ||
		    !layer_parts_overlap(&earlier->layer, &experiment->layer))
			continue;
		fault_add(spec->faults, CODE_LAYER, experiment->layer.here, NULL,
			  "the experiment `%s` has units of this part of layer `%s`: %g%% to %g%%; begin where it ends",
			  other->name.text ? other->name.text : "", experiment->layer.name.text, 100 * earlier->layer.from,
			  100 * (earlier->layer.from + earlier->layer.share));
		return;
	}
}

/* An engine has the settings of one runtime: those of the first that was read. Protection is never ignored (protection.h). */
static void say_second_runtime(const struct spec *spec, const struct resource *resource)
{
	const struct resource *first = resource->kind->type == RESOURCE_RUNTIME ? spec_first(spec, RESOURCE_RUNTIME) : NULL;
	if (first)
		fault_add(spec->faults, CODE_IGNORED_SETTING, resource->name.place, NULL,
			  "sluice uses one SeldonRuntime, `%s` in line %u of %s; `%s` has no effect%s", first->name.text,
			  first->place.line, first->place.file ? first->place.file : "the files", resource->name.text,
			  runtime_wants_protection(resource->spec) ? ", but the protection that it asks for is required too" : "");
}

/* ---- reading ---- */

/* The spec of `resource` from its node; the checks too. */
static void read_spec(struct reading *reading, struct resource *resource, const struct node *node)
{
	const struct resource_kind *kind = resource->kind;
	void *into = arena_take(reading->arena, 1, kind->size > 0 ? kind->size : 1);
	if (!into)
		return;
	reading->field = kind->api_version ? "spec" : NULL;
	options_read(reading, node, kind->rows, into);
	resource->spec = into;
	if (kind->check && !arena_failed(reading->arena))
		kind->check(resource, reading->faults);
}

/* Whether the map has a key that was probably meant to be `word`: then that was said. */
static bool is_misspelt(const struct node *map, const char *word, const struct option *rows)
{
	for (size_t i = 0; map && map->type == NODE_MAP && i < map->count; i++)
		if (!option_named(rows, map->entries[i].key->scalar) &&
		    suggest_nearest(map->entries[i].key->scalar.bytes, &word, 1))
			return true;
	return false;
}

static void check_name(struct spec *spec, const struct resource *resource, const struct node *root, bool fragment)
{
	if (resource->name.text) {
		name_check(resource->name, "the name", spec->faults);
		return;
	}
	const struct node *metadata = node_get(root, "metadata");
	const struct node *name = node_get(metadata, "name");
	bool refused = metadata && metadata->type != NODE_MAP && metadata->type != NODE_NULL;
	if (fragment || !resource->kind->api_version || resource->kind->nameless || refused || (name && name->type != NODE_NULL) ||
	    (!name && is_misspelt(metadata, "name", metadata_rows)))
		return;
	struct place place = metadata && metadata->type == NODE_MAP ? metadata->place : root->place;
	fault_add(spec->faults, CODE_MISSING_FIELD, place, NULL, "`name` is missing in `metadata`: the name of the %s",
		  resource->kind->name);
}

bool resource_kind_needs_spec(const struct resource_kind *kind)
{
	for (const struct option *row = kind->rows; row->type != OPTION_END; row++)
		if (row->required)
			return true;
	return false;
}

static const struct node *spec_node(struct spec *spec, const struct node *root, const struct envelope *envelope,
				    const struct resource_kind *kind)
{
	const struct node *node = envelope->spec;
	if (node && node->type == NODE_MAP)
		return node;
	static const struct option map_row = {.type = OPTION_MAP};
	struct reading reading = {.arena = spec->arena, .faults = spec->faults, .field = "spec"};
	if (node && node->type != NODE_NULL)
		value_wrong_type(&reading, &map_row, node);
	else if (!resource_kind_needs_spec(kind)) {
		struct node *empty = ARENA_NEW(spec->arena, struct node);
		if (empty)
			*empty = (struct node){.type = NODE_MAP, .place = root->place};
		return empty;
	} else if (node ? !node->broken : !is_misspelt(root, "spec", resource_rows))
		fault_add(spec->faults, CODE_MISSING_FIELD, root->place, NULL, "`spec` is missing: it defines the resource");
	return NULL;
}

/* A runtime said in several documents is one: later ones win, field by field. */
static void merge_runtime(struct spec *spec, struct resource *resource, size_t first, const struct spec_options *options);

static void document_keep(struct spec *spec, struct resource *resource, const struct spec_options *options)
{
	size_t first = find_same(spec, resource);
	if (first < spec->count && resource->kind->type == RESOURCE_RUNTIME) {
		merge_runtime(spec, resource, first, options);
		return;
	}
	check_default(spec, resource);
	check_layer(spec, resource);
	say_second_runtime(spec, resource);
	if (first < spec->count && resource->name.text)
		say_repeated(spec, resource, spec->resources[first]);
	else
		say_shared_name(spec, resource);
	append(spec, resource, first == spec->count);
}

static void merge_runtime(struct spec *spec, struct resource *resource, size_t first, const struct spec_options *options)
{
	const struct resource *earlier = spec->resources[first];
	resource->node = node_merged(spec->arena, earlier->node, resource->node);
	/* Each document was checked alone; what they say together is read in silence. */
	struct faults *silence = faults_open(spec->arena);
	if (!silence)
		return;
	struct reading reading = {.arena = spec->arena,
				  .faults = silence,
				  .kinds = options ? options->kinds : NULL,
				  .kind_parser = &step_kind_parser};
	const struct node *node = node_get(resource->node, "spec");
	if (node)
		read_spec(&reading, resource, node);
	((const struct resource **)spec->resources)[first] = resource;
}

/* What else a resource is: a SeldonDeployment without faults is pipelines too. */
static void read_made(struct spec *spec, const struct resource *resource, const struct spec_options *options);

static void read_as_version(struct resource *resource, struct arena *arena)
{
	resource->version_of = resource->name.text;
	if (resource->name.text)
		resource->name.text = arena_print(arena, "%s@%" PRId64, resource->name.text, resource->version);
}

/* `made_of`: the resource that the document was made of; NULL: it was read. */
static void read_resource(struct spec *spec, const struct node *root, const struct resource_kind *kind,
			  const struct resource *made_of, const struct spec_options *options)
{
	size_t errors = faults_count(spec->faults, SEVERITY_ERROR);
	bool fragment = kind == kind_by_option(options) && !node_get(root, "kind");
	struct reading reading = {.arena = spec->arena,
				  .faults = spec->faults,
				  .kinds = options ? options->kinds : NULL,
				  .kind_parser = &step_kind_parser,
				  .headers = &spec->headers};
	struct resource *resource = ARENA_NEW(spec->arena, struct resource);
	struct envelope envelope = {0};
	if (!resource)
		return;
	*resource = (struct resource){.kind = kind, .place = root->place, .node = root, .made_of = made_of};
	if (kind->api_version)
		options_read(&reading, root, resource_rows, &envelope);
	resource->name = envelope.metadata.name;
	resource->namespace = envelope.metadata.namespace.text;
	if (!resource->namespace && options)
		resource->namespace = options->namespace;
	resource->annotations = envelope.metadata.annotations;
	resource->labels = envelope.metadata.labels;
	if (!made_of)
		annotations_check(root, kind->type, spec->faults);
	check_name(spec, resource, root, fragment);
	if (envelope.metadata.namespace.text)
		name_check(envelope.metadata.namespace, "the namespace", spec->faults);
	if (!resource->name.text && kind->nameless)
		resource->name = (struct name){RUNTIME_NAME, root->place};
	resource->version = options ? options->version : 0;
	if (options && options->is_named_version)
		read_as_version(resource, spec->arena);
	const struct node *node = kind->api_version ? spec_node(spec, root, &envelope, kind) : root;
	if (!node)
		return;
	if (kind->type == RESOURCE_EXPERIMENT)
		node = criteria_annotated(root, node, spec->arena, spec->faults);
	read_spec(&reading, resource, node);
	if (resource->spec)
		document_keep(spec, resource, options);
	if (resource->spec && faults_count(spec->faults, SEVERITY_ERROR) == errors && !node_is_broken(root))
		read_made(spec, resource, options);
}

static void read_made(struct spec *spec, const struct resource *resource, const struct spec_options *options)
{
	const struct node *documents[MADE_MOST];
	if (resource->kind->type != RESOURCE_DEPLOYMENT || !resource->name.text || !options || !options->kinds)
		return;
	size_t count = deployment_pipelines(resource, spec->arena, documents, MADE_MOST);
	for (size_t i = 0; i < count; i++)
		read_resource(spec, documents[i], kind_named(TEXT("Pipeline")), resource, options);
}

static void read_root(struct spec *spec, const struct node *root, const struct spec_options *options)
{
	struct text kind_name = {0}, version = {0};
	if (root->type != NODE_MAP) {
		fault_add(spec->faults, CODE_WRONG_TYPE, root->place, NULL,
			  "a document is a map with apiVersion, kind, metadata and spec, not %s",
			  root->type == NODE_LIST ? "a list" : "a text");
		return;
	}
	const struct node *items = node_get(root, "items");
	bool listed = text_under(root, "kind", &kind_name) && text_is(kind_name, "List") &&
		      text_under(root, "apiVersion", &version) && text_is(version, "v1") && items && items->type == NODE_LIST;
	for (size_t i = 0; listed && i < items->count; i++)
		read_root(spec, items->items[i], options);
	if (listed)
		return;
	const struct resource_kind *kind = kind_of(spec, root, options);
	if (kind)
		read_resource(spec, root, kind, NULL, options);
}

void documents_read_experiments(struct spec *spec, const struct spec_options *options)
{
	const size_t count = spec->count;
	for (size_t i = 0; i < count; i++) {
		const struct resource *experiment = spec->resources[i];
		if (experiment->kind->type != RESOURCE_EXPERIMENT || !experiment->name.text || !experiment->spec ||
		    spec_find(spec, RESOURCE_PIPELINE, experiment->name.text))
			continue;
		const struct node *document = experiment_pipeline(experiment, spec->arena);
		if (document)
			read_resource(spec, document, kind_named(TEXT("Pipeline")), experiment, options);
	}
}

static void read_model_pipeline(struct spec *spec, const struct resource *model, const char *name,
				const struct spec_options *options)
{
	const struct node *document = name ? model_pipeline(model, name, spec->arena) : NULL;
	if (document)
		read_resource(spec, document, kind_named(TEXT("Pipeline")), model, options);
}

const struct resource *pipeline_of_model(const struct spec *spec, const struct resource *model)
{
	for (size_t i = 0; i < spec->count; i++)
		if (spec->resources[i]->kind->type == RESOURCE_PIPELINE && spec->resources[i]->made_of == model)
			return spec->resources[i];
	return NULL;
}

/* The model's own name, unless a pipeline has it. */
static const char *pipeline_name_of(const struct spec *spec, const struct resource *model)
{
	const struct resource *other;
	if (!spec_find(spec, RESOURCE_PIPELINE, model->name.text))
		return model->name.text;
	for (size_t at = 0; (other = spec_next(spec, RESOURCE_PIPELINE, &at));)
		if (strings_equal(other->name.text, model->name.text) && strings_equal(other->namespace, model->namespace))
			return arena_print(spec->arena, "%s-model", model->name.text);
	return model->name.text;
}

void documents_read_models(struct spec *spec, const struct spec_options *options)
{
	size_t count;
	const struct resource **models = models_alone(spec, &count);
	for (size_t i = 0; models && i < count; i++)
		read_model_pipeline(spec, models[i], pipeline_name_of(spec, models[i]), options);
	for (size_t i = 0; i < options->models_asked.count; i++) {
		const char *name = options->models_asked.items[i].text;
		const struct resource *model = spec_find(spec, RESOURCE_MODEL, name);
		if (model && !pipeline_of_model(spec, model))
			read_model_pipeline(spec, model, pipeline_name_of(spec, model), options);
	}
}

void document_read(struct spec *spec, const struct document *document, const struct spec_options *options)
{
	read_root(spec, document->root, options);
}
