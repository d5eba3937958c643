/* kafka.c: see kafka.h. */
#include "tools/client/kafka.h"

#include <unistd.h>

#include "base/suggest.h"
#include "tools/client/control/history_topic.h"
#include "kafka/broker_list.h"
#include "kafka/topics/topic_setup.h"
#include "compiler/plan/plan.h"
#include "engine/setup/run_limits.h"
#include "compiler/resources/kafka_setting.h"

#define HOST_NAME_BYTES 256

const char *engine_name(const char *asked, struct arena *arena, struct error *error)
{
	if (asked && asked[0] == '\0')
		return error_null(error_set(error, ERROR_CONFIG, PLACE_NONE,
					    "--instance is empty; give a name, or leave it out for the host's name"));
	if (asked)
		return asked;
	char *host = arena_take(arena, 1, HOST_NAME_BYTES);
	if (!host)
		return error_null(error_memory(error, ERROR_SYSTEM, "naming the engine"));
	if (gethostname(host, HOST_NAME_BYTES - 1) != 0 || host[0] == '\0')
		return error_null(error_set(error, ERROR_CONFIG, PLACE_NONE, "this host has no name; give --instance NAME"));
	host[HOST_NAME_BYTES - 1] = '\0';
	return host;
}

/* ---- where Kafka is ---- */

/* Properties of one kind of client, with room for all that may come. */
struct kafka_gathered {
	enum kafka_client client;
	const char *secrets; /* folder of the files that YAML names as secrets; NULL: none */
	struct property *items;
	size_t count;
};

/* Adds one whose secret can be fetched now: here its line is known. False: not; or NULL was bound, for a reason in `error`. */
static bool gathered_add(struct kafka_gathered *into, const char *name, const char *value, struct place place, struct arena *arena,
			 struct error *error)
{
	if (!value || !secret_fetch(value, name, place, arena, error))
		return false;
	into->items[into->count++] = (struct property){name, value};
	return true;
}

static bool take_runtime(struct kafka_gathered *into, const struct item_list *settings, struct arena *arena, struct error *error)
{
	const struct client_setting *items = settings->items;
	for (size_t i = 0; i < settings->count; i++) {
		const struct name *name = &items[i].name;
		if (!kafka_setting_passes(name->text, items[i].value, into->client))
			continue; /* lint has reported it */
		const char *value = secret_bind(into->secrets, items[i].value, name->text, name->place, arena, error);
		if (!gathered_add(into, name->text, value, name->place, arena, error))
			return false;
	}
	return true;
}

/* Those that the table does not know go to both. */
static bool take_asked(struct kafka_gathered *into, const struct name_list *settings, struct arena *arena, struct error *error)
{
	for (size_t i = 0; i < settings->count; i++) {
		const char *text = settings->items[i].text, *equals = strchr(text, '=');
		if (!equals || equals == text)
			return error_set(error, ERROR_CONFIG, settings->items[i].place,
					 "--kafka-setting takes NAME=VALUE, as in linger.ms=20, not `%s`", text);
		const char *name = arena_copy(arena, text, (size_t)(equals - text));
		if (!name)
			return error_memory(error, ERROR_SYSTEM, "reading --kafka-setting");
		const struct kafka_setting *known = kafka_setting_find(name);
		if (known && !(known->clients & into->client))
			continue;
		if (!gathered_add(into, name, equals + 1, settings->items[i].place, arena, error))
			return false;
	}
	return true;
}

/* A later one of the same name wins, so what the command line says comes last. */
static bool properties_of(const struct item_list *settings, const struct kafka_asked *asked, enum kafka_client client,
			  struct arena *arena, struct properties *properties, struct error *error)
{
	size_t count = settings->count + asked->settings.count + asked->ambient_settings.count;
	struct kafka_gathered gathered = {
		.client = client, .secrets = asked->secrets, .items = ARENA_ARRAY(arena, struct property, count + 1)};
	if (!gathered.items)
		return error_memory(error, ERROR_SYSTEM, "reading kafkaConfig");
	if (!take_asked(&gathered, &asked->ambient_settings, arena, error) || !take_runtime(&gathered, settings, arena, error) ||
	    !take_asked(&gathered, &asked->settings, arena, error))
		return false;
	*properties = (struct properties){gathered.count, gathered.items};
	return true;
}

/* Settings of Kafka, for topics that are made: they go to the brokers, which judge them. */
static bool topic_properties_of(const struct item_list *settings, struct arena *arena, struct properties *properties,
				struct error *error)
{
	const struct client_setting *items = settings->items;
	struct property *filled = ARENA_ARRAY(arena, struct property, settings->count + 1);
	if (!filled)
		return error_memory(error, ERROR_SYSTEM, "reading kafkaConfig");
	for (size_t i = 0; i < settings->count; i++)
		filled[i] = (struct property){items[i].name.text, items[i].value};
	*properties = (struct properties){settings->count, filled};
	return true;
}

static const char *brokers_of(const struct runtime_spec *runtime, struct arena *arena)
{
	if (runtime->bootstrap_servers.text)
		return runtime->bootstrap_servers.text;
	const char *joined = NULL;
	for (size_t i = 0; i < runtime->brokers.count; i++)
		joined = joined ? arena_print(arena, "%s,%s", joined, runtime->brokers.items[i].text)
				: runtime->brokers.items[i].text;
	return joined;
}

static bool registry_of(const struct registry_spec *registry, const char *secrets, struct arena *arena,
			struct registry_access *access, struct error *error)
{
	*access = (struct registry_access){.url = registry->url.text,
					   .files = {.authorities = registry->authorities,
						     .certificate = registry->certificate,
						     .key = registry->key}};
	if (access->url && strncmp(access->url, "http://", 7) != 0 && strncmp(access->url, "https://", 8) != 0)
		return error_set(error, ERROR_CONFIG, registry->url.place,
				 "the schema registry's url is `%s`; it begins with http:// or https://", access->url);
	if (registry->login.text)
		access->login = secret_fetch_bound(secrets, registry->login.text, "login", registry->login.place, arena, error);
	return !registry->login.text || access->login;
}

bool kafka_find(const struct runtime_spec *runtime, const struct kafka_asked *asked, struct arena *arena, struct kafka *kafka,
		struct error *error)
{
	static const struct runtime_spec nothing;
	const struct runtime_spec *chosen = runtime ? runtime : &nothing;
	*kafka = (struct kafka){.brokers = asked->brokers};
	if (runtime && !runtime->kafka_enabled && !asked->brokers && !asked->ambient_brokers)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "kafkaConfig.enabled is false: `sluice dev` runs these files in one process, without Kafka; "
				 "to use Kafka, remove the field or give --brokers");
	if (!asked->brokers)
		kafka->brokers = brokers_of(chosen, arena);
	if (!kafka->brokers)
		kafka->brokers = asked->ambient_brokers;
	if (!kafka->brokers)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the address of Kafka is missing: give --brokers HOST:PORT, set SLUICE_BROKERS (`sluice help "
				 "settings`), or write kafkaConfig.bootstrap.servers in a SeldonRuntime");
	if (!broker_list_check(kafka->brokers, error) || !run_limits_check_client(error))
		return false;
	return properties_of(&chosen->consumer_settings, asked, KAFKA_CONSUMER, arena, &kafka->consumer, error) &&
	       properties_of(&chosen->producer_settings, asked, KAFKA_PRODUCER, arena, &kafka->producer, error) &&
	       topic_properties_of(&chosen->topic_settings, arena, &kafka->topics, error) &&
	       registry_of(&chosen->registry, asked->secrets, arena, &kafka->registry, error) &&
	       (!arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "reading kafkaConfig"));
}

/* ---- the topics of a pipeline ---- */

/* PIPELINE.STEP in its parts. */
struct named {
	const char *pipeline;
	const char *step; /* NULL: none */
};

static struct named kafka_split(const char *name, struct arena *arena)
{
	const char *dot = strchr(name, '.');
	if (!dot)
		return (struct named){name, NULL};
	return (struct named){arena_copy(arena, name, (size_t)(dot - name)), dot + 1};
}

#define PREFIX_BYTES_MAX 100 /* a topic's name has 249: namespace, pipeline and step follow */

/* As Kafka allows in a topic's name. */
static bool prefix_is_valid(const char *prefix)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t length = strlen(prefix);
	return length > 0 && length <= PREFIX_BYTES_MAX && strspn(prefix, allowed) == length && prefix[0] != '.';
}

const char *prefix_choose(const struct prefix_asked *asked, const char *of_files, struct error *error)
{
	const char *prefix = asked->prefix ? asked->prefix : of_files ? of_files : asked->ambient;
	if (asked->prefix && of_files && strcmp(asked->prefix, of_files) != 0)
		error_set(error, ERROR_CONFIG, PLACE_NONE,
			  "--topic-prefix is `%s`, and the SeldonRuntime of the files has `topicPrefix: %s`; give the same one",
			  asked->prefix, of_files);
	else if (prefix && !prefix_is_valid(prefix))
		error_set(error, ERROR_CONFIG, PLACE_NONE,
			  "`%s` is no prefix of topics: it has letters, digits, `.`, `_` and `-`, does not begin with a dot, and "
			  "has at most %d characters",
			  prefix, PREFIX_BYTES_MAX);
	else
		return prefix ? prefix : PREFIX_DEFAULT;
	return NULL;
}

static bool by_rule(const struct workspace *workspace, const struct pipeline_target_asked *asked, struct named named,
		    struct pipeline_target *target, struct error *error)
{
	const char *namespace = namespace_or_default(asked->namespace ? asked->namespace : asked->ambient_namespace);
	struct arena *arena = workspace->arena;
	const char *prefix = prefix_choose(&asked->prefix, NULL, error);
	if (!prefix)
		return false;
	target->status = topic_status_name(arena, prefix, namespace);
	target->prefix = prefix;
	target->namespace = namespace;
	if (named.pipeline) {
		const char *rest = named.step ? arena_print(arena, "step.%s.outputs", named.step) : "outputs";
		target->inputs = topic_own_name(arena, prefix, namespace, named.pipeline, "inputs");
		target->outputs = topic_own_name(arena, prefix, namespace, named.pipeline, rest ? rest : "");
		target->errors = topic_own_name(arena, prefix, namespace, named.pipeline, "errors");
		target->feedback = topic_own_name(arena, prefix, namespace, named.pipeline, "feedback");
		target->outcomes = topic_own_name(arena, prefix, namespace, named.pipeline, "outcomes");
	}
	return !arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "naming topics");
}

static struct pipeline_plan *find_pipeline(const struct plan *plan, const struct pipeline_target_asked *asked, const char *name,
					   struct error *error)
{
	struct suggestion suggestion = suggest_begin(text_of(name));
	for (size_t i = 0; i < plan->count; i++) {
		struct pipeline_plan *pipeline = &plan->pipelines[i];
		if (strcmp(pipeline->graph->name, name) == 0 &&
		    (!asked->namespace || strcmp(pipeline->namespace, asked->namespace) == 0))
			return pipeline;
		suggest_offer(&suggestion, text_of(pipeline->graph->name));
	}
	if (suggestion.nearest.bytes && !text_is(suggestion.nearest, name))
		error_set(error, ERROR_CONFIG, PLACE_NONE, "the files have no pipeline `%s`; did you mean `" TEXT_FORMAT "`?", name,
			  TEXT_ARGUMENTS(suggestion.nearest));
	else
		error_set(error, ERROR_CONFIG, PLACE_NONE,
			  "the files have no pipeline `%s`%s%s; `sluice plan` lists those that they have", name,
			  asked->namespace ? " of namespace " : "", asked->namespace ? asked->namespace : "");
	return NULL;
}

static bool is_output(const struct pipeline_plan *pipeline, const struct topic *topic, const char *step)
{
	if (!step)
		return topic->role == TOPIC_OUTPUTS;
	return topic->role == TOPIC_STEP_OUTPUTS && strcmp(pipeline->graph->steps[topic->of].name, step) == 0;
}

static bool by_plan(struct pipeline_plan *pipeline, struct named named, struct pipeline_target *target, struct error *error)
{
	target->plan = pipeline;
	if (pipeline->graph->spec->input.key)
		target->mapping = pipeline->graph->mapping;
	for (size_t i = 0; i < pipeline->topic_count; i++) {
		const struct topic *topic = &pipeline->topics[i];
		if (topic->role == TOPIC_INPUTS) {
			target->inputs = topic->name;
			target->bound = topic->bound;
		} else if (topic->role == TOPIC_ERRORS)
			target->errors = topic->name;
		else if (topic->role == TOPIC_FEEDBACK)
			target->feedback = topic->name;
		else if (topic->role == TOPIC_OUTCOMES)
			target->outcomes = topic->name;
		else if (is_output(pipeline, topic, named.step))
			target->outputs = topic->name;
	}
	if (named.step && !target->outputs)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "pipeline `%s` writes no topic of a step `%s`; `sluice plan` lists its topics", named.pipeline,
				 named.step);
	return true;
}

static bool read_files(const struct workspace *workspace, const struct pipeline_target_asked *asked, struct pipeline_target *target,
		       struct plan *plan, struct error *error)
{
	const char *namespace = asked->namespace ? asked->namespace : asked->ambient_namespace;
	const struct spec_options spec_options = {.kinds = workspace->kinds, .namespace = namespace, .model_pipelines = true};
	const struct models_metadata none = {0};
	const char *prefix = prefix_choose(&asked->prefix, NULL, error);
	const struct plan_options plan_options = {
		.kinds = workspace->kinds, .metadata = &none, .models_served = true, .prefix = prefix};
	if (!prefix)
		return false;
	target->spec_is_open = true;
	if (!spec_read_listed(&target->spec, asked->files, &spec_options, error) ||
	    !plan_make(&target->spec, &plan_options, workspace->arena, plan, error))
		return false;
	if (plan_errors(plan) == 0)
		return true;
	workspace_faults(workspace, target->spec.faults);
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the pipeline's files have errors; correct them first");
}

/* What the files say of the pipeline; of any of them for the status alone. */
static bool by_files(const struct workspace *workspace, const struct pipeline_target_asked *asked, struct named named,
		     struct pipeline_target *target, const struct runtime_spec **runtime, struct error *error)
{
	struct plan plan;
	const char *namespace = NAMESPACE_DEFAULT;
	if (!read_files(workspace, asked, target, &plan, error))
		return false;
	const struct resource *found = spec_first(&target->spec, RESOURCE_RUNTIME);
	*runtime = found ? found->spec : NULL;
	const char *prefix = prefix_choose(&asked->prefix, *runtime ? (*runtime)->topic_prefix : NULL, error);
	if (!prefix)
		return false;
	if (named.pipeline) {
		struct pipeline_plan *pipeline = find_pipeline(&plan, asked, named.pipeline, error);
		if (!pipeline || !by_plan(pipeline, named, target, error))
			return false;
		namespace = pipeline->namespace;
	} else if (asked->namespace) {
		namespace = asked->namespace;
	} else if (plan.count > 0) {
		namespace = plan.pipelines[0].namespace;
	} else if (asked->ambient_namespace) {
		namespace = asked->ambient_namespace;
	}
	target->status = topic_status_name(workspace->arena, prefix, namespace);
	target->prefix = prefix;
	target->namespace = namespace;
	return target->status || error_memory(error, ERROR_SYSTEM, "naming topics");
}

bool pipeline_target_open(const struct workspace *workspace, const struct pipeline_target_asked *asked, const char *name,
			  struct pipeline_target *target, struct error *error)
{
	const struct runtime_spec *runtime = NULL;
	struct named named = {0};
	*target = (struct pipeline_target){0};
	if (name && !(named = kafka_split(name, workspace->arena)).pipeline)
		return error_memory(error, ERROR_SYSTEM, "naming topics");
	if (asked->files.count == 0 ? !by_rule(workspace, asked, named, target, error)
				    : !by_files(workspace, asked, named, target, &runtime, error))
		return false;
	return kafka_find(runtime, &asked->kafka, workspace->arena, &target->kafka, error);
}

/* A request that cannot be read is refused by the pipeline, which says why. */
bool pipeline_target_see_inputs(const struct pipeline_target *target, struct error *error)
{
	const struct wanted_topic inputs = {.name = target->inputs, .bound = target->bound};
	return topics_ensure(target->kafka.brokers, target->kafka.producer, (struct wanted_topics){1, &inputs}, false, NULL, error);
}

bool pipeline_target_see_feedback(const struct pipeline_target *target, const char *pipeline, struct error *error)
{
	const struct wanted_topic feedback = {.name = target->feedback};
	struct error missing = {0};
	if (!target->feedback)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "pipeline `%s` of the files has no experiment, so it takes no feedback", pipeline);
	if (topics_ensure(target->kafka.brokers, target->kafka.producer, (struct wanted_topics){1, &feedback}, false, NULL,
			  &missing))
		return true;
	if (missing.kind != ERROR_CONFIG)
		*error = missing;
	return error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "topic %s does not exist: no engine has run a pipeline `%s` with an experiment; check its name and "
			 "--namespace, and give its files by --pipelines if they set a prefix of topics",
			 target->feedback, pipeline);
}

const char *pipeline_target_importance(const struct pipeline_target *target, const char *pipeline, struct arena *arena)
{
	return topic_own_name(arena, target->prefix, target->namespace, pipeline, "importance");
}

bool pipeline_target_give(const struct pipeline_target *target, const char *topic, bool may_be_absent,
			  bool (*take)(void *context, const struct record *record, struct error *error), void *context,
			  struct error *error)
{
	struct history_topic history = {NULL, &target->kafka, topic, may_be_absent, false};
	assert(target->kafka.brokers && take);
	if (!topic)
		return true;
	const bool good = history_topic_give(&history, take, context, error);
	if (history.absent)
		*error = (struct error){0};
	return good || history.absent;
}

struct text pipeline_target_key(const struct pipeline_target *target, struct text request, struct arena *arena)
{
	struct message message = {.arena = arena};
	struct error unread = {0};
	if (target->mapping)
		(void)mapped_decode(&message, target->mapping, request, NULL, &unread);
	return message.key;
}

void pipeline_target_close(struct pipeline_target *target)
{
	if (target->spec_is_open)
		spec_close(&target->spec);
	target->spec_is_open = false;
}
