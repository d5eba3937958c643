/* control_topics.c: see control_topics.h. */
#include "control/records/control_topics.h"

#include "control/records/records.h"
#include "compiler/plan/plan.h"

#define STATUS_RETENTION_MS ((int64_t)3600 * 1000) /* the last seconds are read */
#define PROPOSALS_RETENTION_MS ((int64_t)7 * 24 * 3600 * 1000)
/* Kafka's own default, 1 MiB and 12 bytes, has no room for the key and the framing of the largest record. */
#define RECORD_BYTES_SETTING "2097152"
/* Kafka compacts only segments that are full, and its own default is 1 GiB: what `sluice gc` drops would stay for long. */
#define ARTIFACT_SEGMENT_SETTING "67108864"

static bool is_small(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* As spec/ checks the names of resources: so it can neither contain a dot nor leave the scope of its topics. */
static bool namespace_is_valid(const char *namespace)
{
	size_t length = strlen(namespace);
	if (length == 0 || length > CONTROL_NAME_BYTES_MAX || !is_small(namespace[0]) || !is_small(namespace[length - 1]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_small(namespace[i]) && namespace[i] != '-' && namespace[i] != '_')
			return false;
	return true;
}

bool namespace_check(const char *namespace, struct error *error)
{
	return namespace_is_valid(namespace) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "`%s` is not the name of a namespace; a name is at most %d lower-case letters, digits and inner dashes",
			 namespace, CONTROL_NAME_BYTES_MAX);
}

bool control_topics_name(struct control_topics *topics, const char *prefix, const char *namespace, struct arena *arena,
			 struct error *error)
{
	if (!namespace_check(namespace, error))
		return false;
	*topics = (struct control_topics){
		.prefix = prefix,
		.control = topic_namespace_name(arena, prefix, namespace, "control"),
		.proposals = topic_namespace_name(arena, prefix, namespace, "proposals"),
		.status = topic_status_name(arena, prefix, namespace),
		.feed = topic_namespace_name(arena, prefix, namespace, "feed"),
		.artifacts = topic_namespace_name(arena, prefix, namespace, "artifacts"),
		.keeper = topic_namespace_name(arena, prefix, namespace, "keeper"),
	};
	return !arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "naming topics");
}

#define CONTROL_TOPICS 4 /* without `artifacts` */

static void control_topics_want(const struct control_topics *topics, int64_t replication,
				struct wanted_topic wanted[CONTROL_TOPICS])
{
	static const struct property large[] = {{"max.message.bytes", RECORD_BYTES_SETTING}};
	const struct properties settings = {sizeof large / sizeof large[0], large};
	const struct wanted_topic all[CONTROL_TOPICS] = {
		{.name = topics->control,
		 .written = true,
		 .partitions = 1,
		 .replication = replication,
		 .compacted = true,
		 .ordered = true,
		 .created_with = topics->proposals,
		 .settings = settings},
		{.name = topics->proposals,
		 .written = true,
		 .partitions = 1,
		 .replication = replication,
		 .retention_ms = PROPOSALS_RETENTION_MS,
		 .ordered = true,
		 .settings = settings},
		{.name = topics->status,
		 .written = true,
		 .partitions = 1,
		 .replication = replication,
		 .retention_ms = STATUS_RETENTION_MS},
		{.name = topics->feed,
		 .written = true,
		 .partitions = 1,
		 .replication = replication,
		 .compacted = true,
		 .ordered = true},
	};
	memcpy(wanted, all, sizeof all);
}

bool control_topics_ensure(const struct control_topics *topics, const char *brokers, struct properties properties,
			   int64_t replication, bool create, struct error *error)
{
	struct wanted_topic wanted[CONTROL_TOPICS];
	control_topics_want(topics, replication, wanted);
	return topics_ensure(brokers, properties, (struct wanted_topics){CONTROL_TOPICS, wanted}, create, NULL, error);
}

bool control_topics_check(const struct control_topics *topics, const char *brokers, struct properties properties,
			  const atomic_bool *stopping, struct error *error)
{
	struct wanted_topic wanted[CONTROL_TOPICS];
	control_topics_want(topics, 0, wanted);
	return topics_check(brokers, properties, (struct wanted_topics){CONTROL_TOPICS, wanted}, stopping, error);
}

bool control_topics_ensure_artifacts(const struct control_topics *topics, const char *brokers, struct properties properties,
				     int64_t replication, bool create, struct error *error)
{
	static const struct property own[] = {{"max.message.bytes", RECORD_BYTES_SETTING},
					      {"segment.bytes", ARTIFACT_SEGMENT_SETTING}};
	const struct wanted_topic wanted = {.name = topics->artifacts,
					    .written = true,
					    .partitions = 1,
					    .replication = replication,
					    .compacted = true,
					    .ordered = true,
					    .settings = {sizeof own / sizeof own[0], own}};
	return topics_ensure(brokers, properties, (struct wanted_topics){1, &wanted}, create, NULL, error);
}
