/* changelog_settings.c: see changelog_settings.h. */
#include "kafka/state/changelog_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kafka/topics/topic_settings.h"

#define FAULT_WORDS_MAX 400
#define VALUE_BYTES_MAX 64 /* of a setting; longer ones are cut off */

/* The warning about one changelog; "": none. */
struct changelog_facts {
	char policy[VALUE_BYTES_MAX];
	char removals_ms[VALUE_BYTES_MAX];
	char retention_ms[VALUE_BYTES_MAX];
};

static void setting_keep(void *context, size_t topic, const char *name, const char *value)
{
	struct changelog_facts *facts = (struct changelog_facts *)context + topic;
	char *kept = strcmp(name, "cleanup.policy") == 0	? facts->policy
		     : strcmp(name, "delete.retention.ms") == 0 ? facts->removals_ms
		     : strcmp(name, "retention.ms") == 0	? facts->retention_ms
								: NULL;
	if (kept && value)
		(void)snprintf(kept, VALUE_BYTES_MAX, "%s", value);
}

static void changelog_judge(const char *topic, const struct changelog_facts *facts, changelog_found *found, void *context)
{
	char words[FAULT_WORDS_MAX];
	if (facts->policy[0] && (strstr(facts->policy, "delete") || !strstr(facts->policy, "compact"))) {
		(void)snprintf(words, sizeof words,
			       "its cleanup.policy is %s, by which Kafka deletes state after retention.ms=%s; set it to compact "
			       "(kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config "
			       "cleanup.policy=compact)",
			       facts->policy, facts->retention_ms, topic);
		found(context, topic, CHANGELOG_DELETES, words);
	}
	if (facts->removals_ms[0] && strtoll(facts->removals_ms, NULL, 10) < REMOVALS_KEPT_LEAST_MS) {
		(void)snprintf(words, sizeof words,
			       "its delete.retention.ms is %s, and a snapshot (--state) is used for %lld; set it to that at least",
			       facts->removals_ms, (long long)REMOVALS_KEPT_LEAST_MS);
		found(context, topic, CHANGELOG_FORGETS, words);
	}
}

bool changelog_settings_look(rd_kafka_t *client, const char *const *topics, size_t count, changelog_found *found, void *context,
			     struct error *error)
{
	struct changelog_facts *facts = memory_take(count + 1, sizeof *facts);
	if (!facts)
		return error_memory(error, ERROR_SYSTEM, "looking at changelogs");
	bool good = topic_settings_await(client, topics, count, setting_keep, facts, NULL, error);
	for (size_t i = 0; good && i < count; i++)
		changelog_judge(topics[i], &facts[i], found, context);
	memory_give(facts);
	return good;
}
