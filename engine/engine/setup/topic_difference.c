/* topic_difference.c: see topic_difference.h. */
#include "engine/setup/topic_difference.h"

#include <inttypes.h>
#include <string.h>

#include "base/number/number.h"

#define SETTING_COMMAND "kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config "
#define PARTITIONS_COMMAND "kafka-topics.sh --alter --topic %s --partitions %" PRId64

static const char *setting_of(struct properties settings, const char *name)
{
	for (size_t i = 0; i < settings.count; i++)
		if (strcmp(settings.items[i].name, name) == 0)
			return settings.items[i].value;
	return NULL;
}

struct planned_topic planned_topic_of(const struct topic *topic, struct properties settings)
{
	const char *retention = setting_of(settings, "retention.ms");
	struct planned_topic planned = {.partitions = topic->partitions,
					.is_ordered = topic_roles[topic->role].ordered,
					.retention_ms = topic->retention_ms,
					.policy = setting_of(settings, "cleanup.policy")};
	if (topic_roles[topic->role].compacted)
		planned.policy = "compact";
	else if (retention && !number_read_int64(text_of(retention), &planned.retention_ms))
		planned.retention_ms = 0;
	return planned;
}

/* Kafka may show the two policies in either order. */
static bool policies_are_same(const char *one, const char *other)
{
	return !strstr(one, "compact") == !strstr(other, "compact") && !strstr(one, "delete") == !strstr(other, "delete");
}

static const char *policy_words(const struct planned_topic *planned, const struct topic_facts *facts, struct arena *arena)
{
	const bool is_compacted = strcmp(planned->policy, "compact") == 0;
	return arena_print(arena,
			   "topic %s has cleanup.policy=%s, and the plan says %s%s; set it: " SETTING_COMMAND
			   "cleanup.policy=%s%s%s",
			   facts->name, facts->policy, planned->policy,
			   is_compacted ? ": Kafka deletes records that sluice must keep" : "", facts->name,
			   strchr(planned->policy, ',') ? "[" : "", planned->policy, strchr(planned->policy, ',') ? "]" : "");
}

static const char *changelog_words(const struct topic_facts *facts, const struct topic_facts *input, struct arena *arena)
{
	return arena_print(arena,
			   "topic %s has %d partitions, and %s, whose changelog it is, has %d; the state of a key does not move "
			   "with it to an added partition. Give it as many: " PARTITIONS_COMMAND,
			   facts->name, facts->partitions, input->name, input->partitions, facts->name, (int64_t)input->partitions);
}

static const char *partitions_words(const struct planned_topic *planned, const struct topic_facts *facts, struct arena *arena)
{
	if (planned->is_ordered)
		return arena_print(arena,
				   "topic %s has %d partitions, and must have %" PRId64
				   ", because its records have one order; delete it, and an engine that starts creates it again: "
				   "kafka-topics.sh --delete --topic %s",
				   facts->name, facts->partitions, planned->partitions, facts->name);
	if (facts->partitions < planned->partitions)
		return arena_print(arena,
				   "topic %s has %d partitions, and the plan says %" PRId64 "; add them: " PARTITIONS_COMMAND,
				   facts->name, facts->partitions, planned->partitions, facts->name, planned->partitions);
	return arena_print(arena,
			   "topic %s has %d partitions, and the plan says %" PRId64
			   "; Kafka removes none: set kafkaConfig.topics.numPartitions to %d in the SeldonRuntime, and apply it "
			   "(sluice apply -f FILE)",
			   facts->name, facts->partitions, planned->partitions, facts->partitions);
}

static const char *retention_words(const struct planned_topic *planned, const struct topic_facts *facts, struct arena *arena)
{
	return arena_print(arena,
			   "topic %s has retention.ms=%" PRId64 ", and the plan says %" PRId64 "; set it: " SETTING_COMMAND
			   "retention.ms=%" PRId64,
			   facts->name, facts->retention_ms, planned->retention_ms, facts->name, planned->retention_ms);
}

enum topic_difference topic_difference_find(const struct planned_topic *planned, const struct topic_facts *facts,
					    const struct topic_facts *input, struct arena *arena, const char **words)
{
	if (facts->policy[0] && planned->policy && !policies_are_same(facts->policy, planned->policy)) {
		*words = policy_words(planned, facts, arena);
		return TOPIC_POLICY_DIFFERS;
	}
	if (input && facts->partitions > 0 && facts->partitions < input->partitions) {
		*words = changelog_words(facts, input, arena);
		return TOPIC_PARTITIONS_DIFFER;
	}
	if (!input && planned->partitions > 0 && facts->partitions > 0 && facts->partitions != planned->partitions) {
		*words = partitions_words(planned, facts, arena);
		return TOPIC_PARTITIONS_DIFFER;
	}
	if (facts->has_retention && planned->retention_ms != 0 && facts->retention_ms != planned->retention_ms) {
		*words = retention_words(planned, facts, arena);
		return TOPIC_KEEPS_OTHERWISE;
	}
	return TOPIC_AS_PLANNED;
}

const char *topic_gone_words(const struct topic_facts *facts, struct arena *arena)
{
	return arena_print(arena, TOPIC_GONE_WORDS, facts->name);
}
