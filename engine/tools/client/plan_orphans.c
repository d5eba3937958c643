/* plan_orphans.c: see plan_orphans.h. */
#include "tools/client/plan_orphans.h"

#include "tools/client/kafka.h"
#include "kafka/topics/topic_list.h"
#include "message/json/json_write.h"
#include "compiler/plan/state_forms.h"
#include "compiler/yaml/workspace.h"

#define ORPHANS_ARENA_BYTES ((size_t)256 << 20) /* a million names */

static bool topic_is_planned(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < plan->pipelines[i].topic_count; j++)
			if (strcmp(plan->pipelines[i].topics[j].name, name) == 0)
				return true;
	return false;
}

/* Whether it is a changelog of a stage of the plan, of whatever form. `sluice gc` removes those that no version names. */
static bool topic_is_of_stage(const struct plan *plan, const char *name, struct arena *arena)
{
	for (size_t i = 0; i < plan->count && strstr(name, STATE_FORM_BEGIN); i++)
		for (size_t j = 0; j < plan->pipelines[i].stage_count; j++)
			if (plan->pipelines[i].stages[j].state &&
			    changelog_is_of_stage(name, &plan->pipelines[i], &plan->pipelines[i].stages[j], arena))
				return true;
	return false;
}

static void orphan_print(struct buffer *out, const char *name, bool json, size_t number)
{
	if (!json) {
		buffer_print(out, "%s\n", name);
		return;
	}
	buffer_string(out, number == 0 ? "" : ",");
	json_write_string(out, text_of(name));
}

/* The topics of a sort, `pipeline` or `model`, in the namespace of a pipeline. */
static bool scope_print(const struct plan *plan, const struct pipeline_plan *pipeline, const char *sort, const struct kafka *kafka,
			bool json, struct arena *arena, struct buffer *out, size_t *count, struct error *error)
{
	const char *prefix = arena_print(arena, "%s.%s.%s.", pipeline->prefix, pipeline->namespace, sort);
	struct topic_names list;
	if (!prefix)
		return error_memory(error, ERROR_SYSTEM, "listing topics");
	if (!topic_list_read(kafka->brokers, kafka->producer, prefix, arena, &list, error))
		return false;
	for (size_t i = 0; i < list.count; i++)
		if (!topic_is_planned(plan, list.names[i]) && !topic_is_of_stage(plan, list.names[i], arena))
			orphan_print(out, list.names[i], json, (*count)++);
	return true;
}

static bool orphans_print(const struct plan *plan, const struct kafka *kafka, bool json, struct arena *arena, struct buffer *out,
			  size_t *count, struct error *error)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan_is_first_of_namespace(plan, i) &&
		    (!scope_print(plan, &plan->pipelines[i], "pipeline", kafka, json, arena, out, count, error) ||
		     !scope_print(plan, &plan->pipelines[i], "model", kafka, json, arena, out, count, error)))
			return false;
	return true;
}

static bool plan_is_enough(const struct plan *plan, struct error *error)
{
	return plan->count > 0 ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "the files have no pipelines, so no namespace is known; give all files of the namespace");
}

bool plan_orphans_print(const struct plan *plan, const struct kafka_asked *asked, bool json, struct buffer *out, size_t *count,
			struct error *error)
{
	const struct resource *runtime = spec_first(plan->spec, RESOURCE_RUNTIME);
	struct arena *arena = arena_open(ORPHANS_ARENA_BYTES);
	struct kafka kafka;
	*count = 0;
	if (json)
		buffer_string(out, "{\"orphans\": [");
	bool good = (arena || error_memory(error, ERROR_SYSTEM, "listing topics")) && plan_is_enough(plan, error) &&
		    kafka_find(runtime ? runtime->spec : NULL, asked, arena, &kafka, error) &&
		    orphans_print(plan, &kafka, json, arena, out, count, error);
	if (json)
		buffer_string(out, "]}\n");
	else if (*count == 0)
		buffer_string(out, "no topic is without a pipeline\n");
	arena_close(arena);
	return good;
}
