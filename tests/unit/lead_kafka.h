/* lead_kafka.h: Kafka in memory in place of the three clients of the outcome service: topics, committed positions, and a group that
 * assigns topics to its members. A transaction appears at its commit, whole, or not at all. The test says who is frozen, and what
 * fails. A test program includes it before the service (lead_stand.h): all is defined here. */
#pragma once

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/consume/stream_reader.h"
#include "kafka/produce/fenced_writer.h"
#include "message/rows.h"

#define LEAD_KAFKA_RECORDS_MAX 4096
#define TOPICS_MAX 32
#define PARTITIONS_MAX 2
#define MEMBERS_MAX 4
#define NAME_BYTES 128

struct lead_kafka_faults {
	bool commit_is_lost;	 /* the next commit fails, and nothing of it is there */
	bool commit_is_unknown;	 /* the next commit fails, and all of it is there */
	bool ends_are_late;	 /* records of transactions are not shown yet, though their positions are */
	bool group_is_refused;	 /* for want of a right */
	const char *unanswered;	 /* topic of which nothing is known for now */
};

struct kept_record {
	char *key, *value;
	size_t key_length, length;
	int64_t time_ms;
};

struct kept_partition {
	struct kept_record records[LEAD_KAFKA_RECORDS_MAX];
	size_t count;
	int64_t position; /* committed; -1: none */
	char metadata[NAME_BYTES];
};

struct kept_topic {
	char name[NAME_BYTES];
	int32_t count;
	struct kept_partition *partitions[PARTITIONS_MAX];
};

struct lead_group {
	const struct lead_group_config *config;
	const char *topics[TOPICS_MAX];
	size_t topic_count;
	uint64_t generation, assignments; /* as it knows them */
	bool leads[TOPICS_MAX];
	bool is_leaving, has_left; /* in a rebalance */
};

struct pending_record {
	size_t topic;
	struct kept_record record;
};

struct fenced_writer {
	const struct fenced_writer_config *config;
	struct pending_record *records;
	size_t count;
	bool is_open, is_fenced;
};

struct stream_reader {
	bool is_open;
};

struct stream {
	const struct reader_config *config;
	struct kept_topic *topic;
	int64_t next[PARTITIONS_MAX];
	int64_t passed_ms;
};

static struct lead_kafka_faults lead_kafka_faults;
static struct kept_topic all_topics[TOPICS_MAX];
static size_t topic_count;
static struct lead_group *members[MEMBERS_MAX];
static bool frozen[MEMBERS_MAX];
static struct fenced_writer *writers[MEMBERS_MAX];
static uint64_t generation;
static bool is_rebalanced; /* not all have left yet */

/* ---- topics ---- */

static void partition_clear(struct kept_partition *partition)
{
	for (size_t i = 0; i < partition->count; i++) {
		free(partition->records[i].key);
		free(partition->records[i].value);
	}
	partition->count = 0;
}

static struct kept_topic *topic_find(const char *name)
{
	for (size_t i = 0; i < topic_count; i++)
		if (strcmp(all_topics[i].name, name) == 0)
			return &all_topics[i];
	return NULL;
}

static void lead_kafka_open(void)
{
	lead_kafka_faults = (struct lead_kafka_faults){0};
	generation = 1;
	is_rebalanced = false;
}

static void lead_kafka_close(void)
{
	for (size_t i = 0; i < topic_count; i++)
		for (int32_t j = 0; j < all_topics[i].count; j++) {
			partition_clear(all_topics[i].partitions[j]);
			free(all_topics[i].partitions[j]);
		}
	topic_count = 0;
}

/* Makes a topic, or makes it anew, without records. */
static void lead_kafka_topic(const char *name, int32_t partitions)
{
	struct kept_topic *topic = topic_find(name);
	if (!topic) {
		topic = &all_topics[topic_count++];
		(void)snprintf(topic->name, sizeof topic->name, "%s", name);
		topic->count = partitions;
		for (int32_t i = 0; i < partitions; i++) {
			topic->partitions[i] = calloc(1, sizeof *topic->partitions[i]);
			topic->partitions[i]->position = OFFSET_NONE;
		}
	}
	for (int32_t i = 0; i < topic->count; i++)
		partition_clear(topic->partitions[i]);
}

static char *bytes_copied(struct text bytes)
{
	char *copy = malloc(bytes.length + 1);
	if (bytes.length > 0)
		memcpy(copy, bytes.bytes, bytes.length);
	copy[bytes.length] = 0;
	return copy;
}

static struct kept_record record_made(struct text key, struct text value, int64_t time_ms)
{
	return (struct kept_record){bytes_copied(key), bytes_copied(value), key.length, value.length, time_ms};
}

static void record_put(struct kept_partition *partition, struct kept_record record)
{
	assert(partition->count < LEAD_KAFKA_RECORDS_MAX);
	partition->records[partition->count++] = record;
}

static void lead_kafka_append(const char *topic, int32_t partition, int64_t time_ms, const char *value)
{
	record_put(topic_find(topic)->partitions[partition], record_made((struct text){0}, text_of(value), time_ms));
}

/* The committed records of a topic of one partition. */
static size_t lead_kafka_count(const char *topic)
{
	return topic_find(topic)->partitions[0]->count;
}

static struct text lead_kafka_value(const char *topic, size_t offset)
{
	const struct kept_record *record = &topic_find(topic)->partitions[0]->records[offset];
	return (struct text){record->value, record->length};
}

/* The committed position of a partition; -1: none. */
static int64_t lead_kafka_position(const char *topic, int32_t partition)
{
	return topic_find(topic)->partitions[partition]->position;
}

/* ---- the group ---- */

/* All topics are assigned anew, among the members that are open and not frozen, when each has left them. */
static void group_rebalance(void)
{
	is_rebalanced = true;
	for (size_t i = 0; i < MEMBERS_MAX; i++)
		if (members[i])
			members[i]->has_left = members[i]->generation == 0;
}

/* Whether the member is to look again: it is leaving. */
static bool group_leaves(struct lead_group *group)
{
	bool all_have_left = true;
	if (!is_rebalanced || group->has_left) {
		group->is_leaving = false;
	} else if (!group->is_leaving) {
		group->is_leaving = true;
		return true;
	} else {
		group->is_leaving = false;
		group->has_left = true;
		memset(group->leads, 0, sizeof group->leads);
	}
	for (size_t i = 0; i < MEMBERS_MAX; i++)
		all_have_left = all_have_left && (!members[i] || frozen[i] || members[i]->has_left);
	if (is_rebalanced && all_have_left) {
		is_rebalanced = false;
		generation++;
	}
	return false;
}

/* A frozen member takes itself for what it was, and its commits are refused. */
static inline void lead_kafka_freeze(const char *instance, bool is_frozen)
{
	for (size_t i = 0; i < MEMBERS_MAX; i++)
		if (members[i] && strcmp(members[i]->config->instance, instance) == 0)
			frozen[i] = is_frozen;
	group_rebalance();
}

struct lead_group *lead_group_open(const struct lead_group_config *config, struct error *error)
{
	struct lead_group *group = calloc(1, sizeof *group);
	size_t at = 0;
	while (members[at])
		at++;
	group->config = config;
	members[at] = group;
	frozen[at] = false;
	(void)lead_group_follow(group, config->topics, config->topic_count, error);
	return group;
}

void lead_group_close(struct lead_group *group)
{
	for (size_t i = 0; group && i < MEMBERS_MAX; i++)
		if (members[i] == group)
			members[i] = NULL;
	free(group);
	group_rebalance();
}

bool lead_group_follow(struct lead_group *group, const char *const *names, size_t count, struct error *error)
{
	(void)error;
	memcpy(group->topics, names, count * sizeof *names);
	group->topic_count = count;
	group_rebalance();
	return true;
}

/* Topics go round among the members that are there. */
bool lead_group_look(struct lead_group *group, struct error *error)
{
	size_t own = 0, count = 0;
	if (lead_kafka_faults.group_is_refused)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "group %s cannot be joined: refused; `sluice plan --acls` lists "
								 "the rights that it needs", group->config->group);
	if (group_leaves(group) || is_rebalanced || group->generation == generation)
		return true;
	for (size_t i = 0; i < MEMBERS_MAX; i++) {
		if (!members[i] || frozen[i])
			continue;
		own = members[i] == group ? count : own;
		count++;
	}
	for (size_t i = 0; i < group->topic_count; i++)
		group->leads[i] = i % count == own;
	group->generation = generation;
	group->assignments++;
	return true;
}

bool lead_group_leads(const struct lead_group *group, const char *topic)
{
	for (size_t i = 0; i < group->topic_count; i++)
		if (strcmp(group->topics[i], topic) == 0)
			return group->leads[i];
	return false;
}

bool lead_group_is_leaving(const struct lead_group *group)
{
	return group->is_leaving;
}

uint64_t lead_group_assignments(const struct lead_group *group)
{
	return group->assignments;
}

static void question_answer(struct group_question *question, const struct kept_topic *topic, struct arena *arena)
{
	question->place_count = question->partition < 0 ? (size_t)topic->count : 0;
	question->places = ARENA_ARRAY(arena, struct group_place, question->place_count + 1);
	for (size_t i = 0; i < question->place_count; i++)
		question->places[i] = (struct group_place){topic->partitions[i]->position,
							   text_copied(arena, text_of(topic->partitions[i]->metadata)),
							   (int64_t)topic->partitions[i]->count};
	question->offset = 0;
	while (question->partition >= 0 && (size_t)question->offset < topic->partitions[question->partition]->count &&
	       topic->partitions[question->partition]->records[question->offset].time_ms < question->time_ms)
		question->offset++;
	question->is_asked = question->is_answered = true;
}

void lead_group_ask(struct lead_group *group, struct group_question *const *questions, size_t count, struct arena *arena)
{
	(void)group;
	for (size_t i = 0; i < count; i++)
		if (lead_kafka_faults.unanswered && strcmp(questions[i]->topic, lead_kafka_faults.unanswered) == 0)
			error_set(&questions[i]->error, ERROR_REMOTE, PLACE_NONE, "nothing is known");
		else
			question_answer(questions[i], topic_find(questions[i]->topic), arena);
}

static void positions_set(const struct fenced_position *positions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct kept_partition *partition = topic_find(positions[i].topic)->partitions[positions[i].partition];
		partition->position = positions[i].offset;
		(void)snprintf(partition->metadata, sizeof partition->metadata, TEXT_FORMAT, TEXT_ARGUMENTS(positions[i].metadata));
	}
}

bool lead_group_commit(struct lead_group *group, const struct fenced_position *positions, size_t count, struct error *error)
{
	(void)group, (void)error;
	positions_set(positions, count);
	return true;
}

/* ---- writers ---- */

struct fenced_writer *fenced_writer_open(const struct fenced_writer_config *config, struct error *error)
{
	struct fenced_writer *writer = calloc(1, sizeof *writer);
	size_t at = 0;
	(void)error;
	for (size_t i = 0; i < MEMBERS_MAX; i++)
		if (writers[i] && strcmp(writers[i]->config->id, config->id) == 0)
			writers[i]->is_fenced = true;
	while (writers[at])
		at++;
	writer->config = config;
	writer->records = calloc(LEAD_KAFKA_RECORDS_MAX, sizeof *writer->records);
	writers[at] = writer;
	return writer;
}

/* What is not committed is aborted. */
void fenced_writer_close(struct fenced_writer *writer)
{
	if (!writer)
		return;
	for (size_t i = 0; i < writer->count; i++) {
		free(writer->records[i].record.key);
		free(writer->records[i].record.value);
	}
	for (size_t i = 0; i < MEMBERS_MAX; i++)
		if (writers[i] == writer)
			writers[i] = NULL;
	free(writer->records);
	free(writer);
}

bool fenced_writer_add_at(struct fenced_writer *writer, size_t topic, int64_t time_ms, struct text key, struct text value,
			  struct error *error)
{
	(void)error;
	writer->is_open = true;
	writer->records[writer->count++] = (struct pending_record){topic, record_made(key, value, time_ms)};
	return true;
}

bool fenced_writer_add(struct fenced_writer *writer, size_t topic, struct text key, struct text value, struct error *error)
{
	return fenced_writer_add_at(writer, topic, 0, key, value, error);
}

bool fenced_writer_is_open(const struct fenced_writer *writer)
{
	return writer->is_open;
}

bool fenced_writer_commit(struct fenced_writer *writer, const struct fenced_position *positions, size_t count,
			  const struct lead_group *group, struct error *error)
{
	const bool is_lost = lead_kafka_faults.commit_is_lost, is_unknown = lead_kafka_faults.commit_is_unknown;
	assert(count > 0 || !group);
	if (writer->is_fenced || (group && group->generation != generation))
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "sending the positions for %s failed: former generation",
				 writer->config->id);
	lead_kafka_faults.commit_is_lost = lead_kafka_faults.commit_is_unknown = false;
	if (is_lost)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "committing for %s failed", writer->config->id);
	for (size_t i = 0; i < writer->count; i++)
		record_put(topic_find(writer->config->topics[writer->records[i].topic])->partitions[0], writer->records[i].record);
	positions_set(positions, count);
	writer->count = 0;
	writer->is_open = false;
	return !is_unknown || error_set(error, ERROR_SYSTEM, PLACE_NONE, "committing for %s failed", writer->config->id);
}

/* ---- readers ---- */

struct stream_reader *stream_reader_open(const struct reader_config *config, struct error *error)
{
	(void)config, (void)error;
	return calloc(1, sizeof(struct stream_reader));
}

void stream_reader_close(struct stream_reader *reader)
{
	free(reader);
}

int64_t stream_reader_silent_ms(const struct stream_reader *reader)
{
	(void)reader;
	return 0;
}

bool stream_reader_wait(struct stream_reader *reader, int wait_ms)
{
	(void)reader, (void)wait_ms;
	return false;
}

bool stream_reader_know(struct stream_reader *reader, const char *const *topics, size_t count, struct error *error)
{
	(void)reader, (void)topics, (void)count, (void)error;
	return true;
}

/* What is shown of a topic that a transaction may write. */
static size_t records_shown(const struct kept_topic *topic, int32_t partition)
{
	const size_t count = topic->partitions[partition]->count;
	return lead_kafka_faults.ends_are_late && strstr(topic->name, "outcomes") ? 0 : count;
}

struct stream *stream_open(struct stream_reader *reader, const struct reader_config *config, struct error *error)
{
	struct stream *stream = calloc(1, sizeof *stream);
	(void)reader, (void)error;
	assert(config->by_time);
	stream->config = config;
	stream->topic = topic_find(config->topic);
	for (int32_t i = 0; i < stream->topic->count; i++)
		stream->next[i] = (size_t)i < config->offset_count ? config->offsets[i] : config->offset;
	return stream;
}

void stream_close(struct stream *stream)
{
	free(stream);
}

bool stream_next(struct stream *stream, struct record *record, struct error *error)
{
	int32_t first = -1;
	(void)error;
	*record = (struct record){0};
	for (int32_t i = 0; i < stream->topic->count; i++) {
		const struct kept_partition *kept = stream->topic->partitions[i];
		if ((size_t)stream->next[i] < records_shown(stream->topic, i) &&
		    (first < 0 || kept->records[stream->next[i]].time_ms <
					  stream->topic->partitions[first]->records[stream->next[first]].time_ms))
			first = i;
	}
	if (first < 0)
		return true;
	struct kept_record *kept = &stream->topic->partitions[first]->records[stream->next[first]];
	*record = (struct record){.partition = first,
				  .offset = stream->next[first]++,
				  .time_ms = kept->time_ms,
				  .key = {kept->key, kept->key_length},
				  .value = {kept->value, kept->length},
				  .held = kept};
	stream->passed_ms = kept->time_ms;
	return true;
}

bool stream_is_at_end(const struct stream *stream)
{
	for (int32_t i = 0; i < stream->topic->count; i++)
		if ((size_t)stream->next[i] < records_shown(stream->topic, i))
			return false;
	return true;
}

int64_t stream_passed_ms(const struct stream *stream)
{
	return stream->passed_ms;
}

bool stream_has_leaders(const struct stream *stream)
{
	(void)stream;
	return true;
}

void record_release(struct record *record)
{
	record->held = NULL;
}

bool record_header_value(struct record *record, struct text name, struct arena *arena, struct text *value,
			 struct error *error)
{
	(void)record, (void)name, (void)arena, (void)error;
	*value = (struct text){0};
	return true;
}
