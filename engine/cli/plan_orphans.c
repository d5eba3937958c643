/* plan_orphans.c: see plan_orphans.h. */
#include "cli/plan_orphans.h"

#include "cli/command.h"
#include "cli/kafka.h"
#include "log/topic_list.h"
#include "message/json_write.h"

#define ORPHANS_ARENA_BYTES ((size_t)256 << 20) /* a million names */
#define ORPHANS_BYTES_MAX ((size_t)256 << 20)

static bool topic_is_planned(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < plan->pipelines[i].topic_count; j++)
			if (strcmp(plan->pipelines[i].topics[j].name, name) == 0)
				return true;
	return false;
}

static void orphan_print(struct buffer *out, const char *name, int form, size_t number)
{
	if (form != OUTPUT_JSON) {
		buffer_print(out, "%s\n", name);
		return;
	}
	buffer_string(out, number == 0 ? "" : ",");
	json_write_string(out, text_of(name));
}

/* The topics of a sort, `pipeline` or `model`, in the namespace of a pipeline. */
static bool scope_print(const struct plan *plan, const struct pipeline_plan *pipeline, const char *sort, const struct kafka *kafka,
			int form, struct arena *arena, struct buffer *out, size_t *count, struct error *error)
{
	const char *prefix = arena_print(arena, "%s.%s.%s.", pipeline->prefix, pipeline->namespace, sort);
	struct topic_names list;
	if (!prefix)
		return error_memory(error, ERROR_SYSTEM, "listing topics");
	if (!topic_list_read(kafka->brokers, kafka->producer, prefix, arena, &list, error))
		return false;
	for (size_t i = 0; i < list.count; i++)
		if (!topic_is_planned(plan, list.names[i]))
			orphan_print(out, list.names[i], form, (*count)++);
	return true;
}

static bool orphans_print(const struct plan *plan, const struct kafka *kafka, int form, struct arena *arena, struct buffer *out,
			  size_t *count, struct error *error)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan_is_first_of_namespace(plan, i) &&
		    (!scope_print(plan, &plan->pipelines[i], "pipeline", kafka, form, arena, out, count, error) ||
		     !scope_print(plan, &plan->pipelines[i], "model", kafka, form, arena, out, count, error)))
			return false;
	return true;
}

static bool plan_is_enough(const struct plan *plan, struct error *error)
{
	return plan->count > 0 ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "the files have no pipelines, so no namespace is known; give all files of the namespace");
}

int plan_orphans_show(struct session *session, const struct plan *plan, const struct kafka_asked *asked, int form)
{
	const struct resource *runtime = spec_first(plan->spec, RESOURCE_RUNTIME);
	struct arena *arena = arena_open(ORPHANS_ARENA_BYTES);
	struct kafka kafka;
	struct error error = {0};
	struct buffer out;
	size_t count = 0;
	buffer_open(&out, ORPHANS_BYTES_MAX);
	if (form == OUTPUT_JSON)
		buffer_string(&out, "{\"orphans\": [");
	bool good = (arena || error_memory(&error, ERROR_SYSTEM, "listing topics")) && plan_is_enough(plan, &error) &&
		    kafka_find(runtime ? runtime->spec : NULL, asked, arena, &kafka, &error) &&
		    orphans_print(plan, &kafka, form, arena, &out, &count, &error);
	if (form == OUTPUT_JSON)
		buffer_string(&out, "]}\n");
	else if (count == 0)
		buffer_string(&out, "no topic is without a pipeline\n");
	if (good && count > 0 && form != OUTPUT_JSON)
		command_note(session,
			     "%zu topics have no pipeline in these files. `kafka-topics.sh --delete --topic NAME` removes one, "
			     "with its records",
			     count);
	arena_close(arena);
	if (good)
		return command_write(session, &out);
	buffer_close(&out);
	return command_failed(session, &error);
}
