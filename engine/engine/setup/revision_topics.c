/* revision_topics.c: see revision_topics.h. */
#include "engine/setup/revision_topics.h"

#define STATUS_RETENTION_MS 3600000 /* `sluice top` shows the last second only */

/* Of the topics of one leader. Kafka's default for a record is half of what a policy, or an outcome, may take. Of a compacted topic
 * a leader reads all, and Kafka compacts a segment only when it is closed: by default after a week. */
static const struct property ordered_settings[] = {{"max.message.bytes", "2097152"}, {"segment.ms", "3600000"}};

static struct properties topic_settings(enum topic_role role)
{
	return (struct properties){!topic_roles[role].ordered ? 0 : topic_roles[role].compacted ? 2 : 1, ordered_settings};
}

/* Adds the status topic of a namespace, once, if topics are created. It is not required otherwise: without it only
 * `sluice top` shows nothing. */
static void want_status(const struct revision *revision, const struct pipeline_plan *pipeline, struct wanted_topic *items,
			size_t *count)
{
	const char *name = topic_status_name(revision->arena, pipeline->prefix, pipeline->namespace);
	bool wanted = name != NULL;
	for (size_t i = 0; wanted && i < *count; i++)
		wanted = strcmp(items[i].name, name) != 0;
	if (wanted)
		items[(*count)++] = (struct wanted_topic){
			.name = name,
			.written = true,
			.partitions = 1,
			.replication = revision->runtime ? revision->runtime->replication_factor : 0,
			.retention_ms = STATUS_RETENTION_MS,
		};
}

/* Whether a topic of another pipeline is created by these files: it is if that pipeline is one of them. */
static bool is_made_here(const struct plan *plan, const struct topic *topic)
{
	for (size_t i = 0; i < plan->count && topic->role == TOPIC_EXTERNAL; i++)
		for (size_t j = 0; j < plan->pipelines[i].topic_count; j++)
			if (!plan->pipelines[i].topics[j].bound && strcmp(plan->pipelines[i].topics[j].name, topic->name) == 0)
				return true;
	return false;
}

static size_t room_for(const struct plan *plan)
{
	size_t room = 0;
	for (size_t i = 0; i < plan->count; i++)
		room += plan->pipelines[i].topic_count + 1;
	return room;
}

static bool want_changelog(const struct revision *revision, const struct pipeline_plan *plan, const struct topic *topic,
			   struct name_list new_state, bool versioned, struct wanted_topic *item)
{
	item->changelog_of = plan_changelog_input(plan, topic);
	if (!item->changelog_of)
		return true;
	item->pipeline = plan->graph->name;
	item->group = plan_topic_group(plan, topic);
	item->new_state = name_list_has(new_state, plan->graph->name);
	item->versioned = versioned;
	item->observes = plan_stage_observes(plan, topic->of);
	item->family = topic_own_name(revision->arena, plan->prefix, plan->namespace, plan->graph->name, "stage.");
	return item->family;
}

bool revision_topics(const struct revision *revision, struct properties settings, bool status, struct name_list new_state,
		     bool versioned, struct wanted_topics *wanted, struct error *error)
{
	const struct plan *plan = &revision->plan;
	struct wanted_topic *items = ARENA_ARRAY(revision->arena, struct wanted_topic, room_for(plan));
	*wanted = (struct wanted_topics){.items = items};
	for (size_t i = 0; items && i < plan->count; i++) {
		for (size_t j = 0; j < plan->pipelines[i].topic_count; j++) {
			const struct topic *topic = &plan->pipelines[i].topics[j];
			if (is_made_here(plan, topic))
				continue;
			struct wanted_topic *item = &items[wanted->count++];
			*item = (struct wanted_topic){
				.name = topic->name,
				.bound = topic->bound,
				.written = topic->role != TOPIC_INPUTS && topic->role != TOPIC_EXTERNAL &&
					   topic->role != TOPIC_FEEDBACK,
				.partitions = topic->partitions,
				.replication = revision->runtime ? revision->runtime->replication_factor : 0,
				.retention_ms = topic->retention_ms,
				.compacted = topic->role == TOPIC_POLICY,
				.ordered = topic_roles[topic->role].ordered,
				.settings = settings,
				.own = topic_settings(topic->role),
			};
			if (!want_changelog(revision, &plan->pipelines[i], topic, new_state, versioned, item))
				return error_memory(error, ERROR_SYSTEM, "listing topics");
		}
		if (status)
			want_status(revision, &plan->pipelines[i], items, &wanted->count);
	}
	return items || error_memory(error, ERROR_SYSTEM, "listing topics");
}
