/* probe_state.c: see probe_state.h. */
#include "kafka/topics/probe_state.h"

#include <stdio.h>
#include <string.h>

#include "kafka/admin_client.h"
#include "kafka/consume/commit_mark.h"
#include "kafka/consume/group_client.h"

#define ANSWER_WAIT_MS 5000

/* The verdict on the reference of this commit; a commit without a reference has lost nothing. */
static enum state_verdict reference_look(rd_kafka_t *asker, const struct wanted_topic *changelog,
					 const rd_kafka_topic_partition_t *commit, bool absent, char words[ERROR_TEXT_MAX])
{
	struct state_reference reference;
	char name[CHANGELOG_NAME_BYTES_MAX], difference[CHANGELOG_DIFFERENCE_BYTES_MAX];
	int64_t end = OFFSET_NONE;
	state_reference_read(commit_mark_strip((struct text){commit->metadata, commit->metadata_size}), &reference, name);
	if (reference.id == 0)
		return STATE_THERE;
	if (strcmp(name, changelog->name) != 0 && changelog->versioned && changelog->family &&
	    strncmp(name, changelog->family, strlen(changelog->family)) == 0)
		return STATE_THERE; /* of another version of the pipeline */
	if (strcmp(name, changelog->name) != 0) {
		changelog_difference_write(name, changelog->name, difference);
		(void)snprintf(words, ERROR_TEXT_MAX,
			       "state of pipeline %s is lost: the last commit was made with the changelog %s; was the "
			       "pipeline or a step renamed, or `isolate` changed?%s%s",
			       changelog->pipeline, name, difference[0] ? " " : "", difference);
		return STATE_LOST;
	}
	if (absent) {
		(void)snprintf(words, ERROR_TEXT_MAX,
			       "state of pipeline %s is lost: the topic is gone, and the last commit refers to it",
			       changelog->pipeline);
		return STATE_LOST;
	}
	rd_kafka_resp_err_t code =
		client_find_offset(asker, changelog->name, commit->partition, RD_KAFKA_OFFSET_END, &end, ANSWER_WAIT_MS);
	(void)snprintf(words, ERROR_TEXT_MAX, "Kafka does not report the end of changelog %s-%d: %s", changelog->name,
		       (int)commit->partition, client_offset_words(code));
	if (code)
		return STATE_UNKNOWN;
	(void)snprintf(words, ERROR_TEXT_MAX,
		       "state of pipeline %s is lost: partition %d ends at offset %lld, and the last commit was made "
		       "when it reached %lld",
		       changelog->pipeline, (int)commit->partition, (long long)end, (long long)reference.end);
	return end < reference.end ? STATE_LOST : STATE_THERE;
}

static enum state_verdict commits_look(rd_kafka_t *asker, const struct wanted_topic *changelog,
				       rd_kafka_topic_partition_list_t *list, bool absent, char words[ERROR_TEXT_MAX])
{
	rd_kafka_resp_err_t code = rd_kafka_committed(asker, list, ANSWER_WAIT_MS);
	for (int i = 0; !code && i < list->cnt; i++)
		code = list->elems[i].err;
	(void)snprintf(words, ERROR_TEXT_MAX, "Kafka does not report the committed offsets of group %s in %s: %s", changelog->group,
		       changelog->changelog_of, rd_kafka_err2str(code));
	enum state_verdict verdict = code ? STATE_UNKNOWN : STATE_THERE;
	for (int i = 0; verdict == STATE_THERE && i < list->cnt; i++)
		verdict = reference_look(asker, changelog, &list->elems[i], absent, words);
	return verdict;
}

enum state_verdict probe_state(const char *brokers, struct properties properties, const struct wanted_topic *changelog,
			       int partitions, bool absent, char words[ERROR_TEXT_MAX])
{
	if (!changelog->group || partitions == 0 || changelog->observes)
		return STATE_THERE;
	struct error error = {0};
	/* Not the stable offsets: an engine that was killed may have left a transaction open, for whose end, many seconds later,
	 * Kafka would wait. What was committed before it refers to the same changelog. */
	rd_kafka_t *asker = group_client_open(brokers, properties, changelog->group, READS_ALL, true, &error);
	(void)snprintf(words, ERROR_TEXT_MAX, "group %s does not answer", changelog->group);
	if (!asker)
		return STATE_UNKNOWN;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
	rd_kafka_topic_partition_list_add_range(list, changelog->changelog_of, 0, partitions - 1);
	enum state_verdict verdict = commits_look(asker, changelog, list, absent, words);
	rd_kafka_topic_partition_list_destroy(list);
	client_destroy(asker, 0); /* librdkafka 2.0 cannot close a client whose coordinator was not found */
	return verdict;
}

bool probe_states(const char *brokers, struct properties properties, struct wanted_topics wanted, struct error *error)
{
	char words[ERROR_TEXT_MAX];
	struct admin_client *admin = admin_client_open(brokers, properties, ADMIN_LOGS, error);
	const struct rd_kafka_metadata *metadata = admin ? admin_client_look(admin, NULL, error) : NULL;
	admin_client_close(admin, ADMIN_CLOSE_WAIT_S);
	enum state_verdict verdict = STATE_THERE;
	for (size_t i = 0; metadata && verdict == STATE_THERE && i < wanted.count; i++) {
		const struct wanted_topic *topic = &wanted.items[i];
		if (!topic->changelog_of || topic->new_state)
			continue;
		verdict = probe_state(brokers, properties, topic, client_partition_count(metadata, topic->changelog_of),
				      client_partition_count(metadata, topic->name) == 0, words);
		if (verdict == STATE_LOST)
			error_set(error, ERROR_CONFIG, PLACE_NONE,
				  "%s (%s). Correct that, or start an engine with --new-state %s, which accepts the loss", words,
				  topic->name, topic->pipeline);
		else if (verdict == STATE_UNKNOWN)
			error_set(error, ERROR_SYSTEM, PLACE_NONE,
				  "%s; so the state of pipeline %s could not be checked: try again", words, topic->pipeline);
	}
	bool good = metadata && verdict == STATE_THERE;
	if (metadata)
		rd_kafka_metadata_destroy(metadata);
	return good;
}
