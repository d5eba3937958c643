/* policy_topics.c: see policy_topics.h. */
#include "client/policy_topics.h"

#include "bandits/policy.h"
#include "base/arena_list.h"
#include "log/reader.h"
#include "log/topic_list.h"
#include "message/policy_record.h"
#include "message/rows.h"
#include "plan/topic_roles.h"

#define POLICY_END TEXT(".policy") /* of a topic's name */

struct policies_reading {
	struct arena *arena;
	struct text pipeline;
	struct published_policies *policies;
};

/* The newest one so far takes the place of those before. NULL: the arena is full. */
static struct published_policy *policy_place(struct policies_reading *self, struct text experiment)
{
	struct published_policies *policies = self->policies;
	for (size_t i = 0; i < policies->count; i++)
		if (text_equal(policies->items[i].pipeline, self->pipeline) &&
		    text_equal(policies->items[i].experiment, experiment))
			return &policies->items[i];
	struct published_policy *items = arena_list_grow(self->arena, policies->items, policies->count, sizeof *items);
	if (!items)
		return NULL;
	items[policies->count] =
		(struct published_policy){.pipeline = self->pipeline, .experiment = text_copied(self->arena, experiment)};
	*policies = (struct published_policies){policies->count + 1, items};
	return &items[policies->count - 1];
}

static void policy_publish(struct policies_reading *self, const struct policy_record *record, const struct policy *policy)
{
	struct published_policy *made = policy_place(self, record->experiment);
	if (!made)
		return;
	made->version = record->version;
	made->time_ms = record->time_ms;
	made->rewards = record->rewards;
	made->contextual = policy->features > 0;
	for (size_t i = 0; i < record->arm_count; i++)
		if (i >= made->count || !text_equal(made->arms[i], record->arms[i]))
			made->arms[i] = text_copied(self->arena, record->arms[i]);
	made->count = record->arm_count;
	if (!made->contextual)
		policy_probabilities(policy, NULL, made->shares);
}

/* What is no policy of this version says nothing: engines do not choose by it either. */
static bool policy_take(void *context, const struct record *record, struct error *error)
{
	struct policies_reading *self = context;
	struct error wrong = {0};
	struct policy_record read;
	struct arena *work = arena_open(4 * POLICY_RECORD_BYTES_MAX);
	const struct policy *policy = NULL;
	if (work && policy_record_decode(record->value, work, &read, &wrong))
		policy = policy_read(work, read.policy, &wrong);
	if (policy && policy->arms == read.arm_count && policy->arms <= ASSIGNMENT_WAYS_MAX)
		policy_publish(self, &read, policy);
	arena_close(work);
	return (work && !arena_failed(self->arena)) || error_memory(error, ERROR_SYSTEM, "reading policies");
}

bool policy_topic_read(const struct pipeline_target *target, const char *pipeline, struct arena *arena,
		       struct published_policies *policies, struct error *error)
{
	struct policies_reading reading = {.arena = arena, .pipeline = text_of(pipeline), .policies = policies};
	const char *topic = topic_own_name(arena, target->prefix, target->namespace, pipeline, "policy");
	return topic ? pipeline_target_give(target, topic, true, policy_take, &reading, error)
		     : error_memory(error, ERROR_SYSTEM, "reading policies");
}

bool policy_topics_read(const struct kafka *kafka, const char *prefix, const char *namespace, struct arena *arena,
			struct published_policies *policies, struct error *error)
{
	const char *begin = topic_namespace_name(arena, prefix, namespace, "pipeline.");
	struct topic_names topics = {0};
	*policies = (struct published_policies){0};
	if (!begin)
		return error_memory(error, ERROR_SYSTEM, "reading policies");
	if (!topic_list_read(kafka->brokers, kafka->consumer, begin, arena, &topics, error))
		return false;
	for (size_t i = 0; i < topics.count; i++) {
		const struct text rest = text_from(text_of(topics.names[i]), strlen(begin));
		struct policies_reading reading = {.arena = arena, .policies = policies};
		const struct reader_config config = {
			.brokers = kafka->brokers, .topic = topics.names[i], .from_beginning = true, .properties = kafka->consumer};
		if (!text_ends_with(rest, POLICY_END))
			continue;
		reading.pipeline = (struct text){rest.bytes, rest.length - POLICY_END.length};
		if (!topic_give_all(&config, policy_take, &reading, error))
			return false;
	}
	return true;
}
