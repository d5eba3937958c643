/* group_migration.c: see group_migration.h. */
#include "runtime/group_migration.h"

#include "log/offset_migration.h"

#define TOPICS_BYTES ((size_t)64 << 20) /* topics of one group */
#define SAY_EVERY_MS 5000
#define GROUPS_BYTES ((size_t)16 << 20) /* at most one name for each pipeline */

static_assert(OFFSET_MIGRATION_FORMERS_MAX >= FORMER_GROUPS_MAX, "a topic has room for all former groups of its pipeline");

static bool is_read(const struct topic *topic)
{
	return topic->role == TOPIC_INPUTS || topic->role == TOPIC_STAGE || topic->role == TOPIC_EXTERNAL;
}

/* Whether a pipeline of the plan reads the topic by that group. */
static bool group_reads(const struct plan *plan, const char *group, const char *name)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		for (size_t j = 0; strcmp(pipeline->group, group) == 0 && j < pipeline->topic_count; j++)
			if (is_read(&pipeline->topics[j]) && strcmp(pipeline->topics[j].name, name) == 0)
				return true;
	}
	return false;
}

static struct offset_migration_topic topic_of(const struct plan *plan, const struct pipeline_plan *pipeline,
					      const struct topic *topic)
{
	struct offset_migration_topic read = {.name = topic->name};
	size_t formers = topic->role == TOPIC_EXTERNAL ? 1 : FORMER_GROUPS_MAX;
	for (size_t i = 0; i < formers; i++) {
		read.formers[i] = pipeline->former_groups[i];
		read.shared = read.shared || (read.formers[i] && group_reads(plan, read.formers[i], topic->name));
	}
	return read;
}

static bool has_topic(const struct offset_migration_topic *topics, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(topics[i].name, name) == 0)
			return true;
	return false;
}

/* The topics that the group reads, each once: an input may also be a trigger. */
static struct offset_migration_topic *topics_of(const struct plan *plan, const char *group, size_t *count, struct arena *arena)
{
	size_t room = 0;
	for (size_t i = 0; i < plan->count; i++)
		room += plan->pipelines[i].topic_count;
	struct offset_migration_topic *topics = ARENA_ARRAY(arena, struct offset_migration_topic, room + 1);
	*count = 0;
	for (size_t i = 0; topics && i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		for (size_t j = 0; strcmp(pipeline->group, group) == 0 && j < pipeline->topic_count; j++)
			if (is_read(&pipeline->topics[j]) && !has_topic(topics, *count, pipeline->topics[j].name))
				topics[(*count)++] = topic_of(plan, pipeline, &pipeline->topics[j]);
	}
	return topics;
}

struct offset_migration_waiting {
	const struct log_sink *log;
	int64_t said_ms; /* time of the last log line about the wait; 0: none yet */
};

/* Logs a wait at once, and then every few seconds. */
static bool say_waiting(void *context, const char *who, int64_t waited_ms)
{
	struct offset_migration_waiting *waiting = context;
	if (waiting->said_ms > 0 && waited_ms - waiting->said_ms < SAY_EVERY_MS)
		return true;
	waiting->said_ms = waited_ms > 0 ? waited_ms : 1;
	log_say(waiting->log, LOG_LEVEL_WARN, NULL,
		"%s; both would answer the same requests, so stop the engines that run the former files", who);
	return true;
}

static bool take_over(const struct engine_config *config, const struct plan *plan, const char *group, bool waits,
		      struct arena *arena, struct error *error)
{
	size_t count, moved;
	struct offset_migration_waiting waiting = {.log = config->log};
	const struct offset_migration_config migration = {.brokers = config->brokers,
							  .consumer = config->consumer,
							  .producer = config->producer,
							  .group = group,
							  .waits = waits ? say_waiting : NULL,
							  .context = &waiting};
	const struct offset_migration_topic *topics = topics_of(plan, group, &count, arena);
	if (!topics)
		return error_memory(error, ERROR_SYSTEM, "looking for former groups");
	if (!offset_migration_carry_out(&migration, topics, count, &moved, error))
		return false;
	if (moved > 0)
		log_say(config->log, LOG_LEVEL_INFO, NULL,
			"group %s continues where its pipelines were read with another delivery, in %zu partitions", group, moved);
	return true;
}

bool group_migration_carry_out(const struct engine_config *config, const struct plan *plan, bool waits, struct error *error)
{
	struct arena *of_all = arena_open(GROUPS_BYTES), *of_one = arena_open(TOPICS_BYTES);
	size_t count = 0;
	const char **groups = of_all && of_one ? plan_groups(plan, of_all, &count) : NULL;
	bool good = groups || error_memory(error, ERROR_SYSTEM, "looking for former groups");
	for (size_t i = 0; groups && good && i < count; i++, arena_reset(of_one))
		good = take_over(config, plan, groups[i], waits, of_one, error);
	arena_close(of_one);
	arena_close(of_all);
	return good;
}

static const struct pipeline_plan *namesake(const struct plan *plan, const struct pipeline_plan *pipeline)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *other = &plan->pipelines[i];
		if (strcmp(other->graph->name, pipeline->graph->name) == 0 && strcmp(other->namespace, pipeline->namespace) == 0)
			return other;
	}
	return NULL;
}

bool group_migration_refuse(const struct plan *before, const struct plan *now, struct error *error)
{
	for (size_t i = 0; i < now->count; i++) {
		const struct pipeline_plan *pipeline = &now->pipelines[i], *old = namesake(before, pipeline);
		if (old && strcmp(old->group, pipeline->group) != 0)
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "pipeline %s is read by group %s, and these files would change that to %s: offsets "
					 "are moved only when an engine starts; stop this one, and start it with these files",
					 pipeline->graph->name, old->group, pipeline->group);
	}
	return true;
}
