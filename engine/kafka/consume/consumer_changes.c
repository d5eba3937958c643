/* consumer_changes.c: Changes of a consumer's assignment, from the group's word until the worker accepts them; see
 * consumer_parts.h. */
#include "kafka/consume/consumer_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/consume/assignment_check.h"

#define BEGIN_PAUSE_MS 200    /* before the group is asked again where partitions begin */
#define READ_TIMEOUT_MS 10000 /* failures for three times as long, without a record, are logged */

rd_kafka_topic_partition_list_t *consumer_list(const struct consumer *self, struct positions positions)
{
	const struct kafka_consumer *consumer = (const struct kafka_consumer *)self;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)positions.count);
	for (size_t i = 0; list && i < positions.count; i++) {
		const struct position *position = &positions.items[i];
		rd_kafka_topic_partition_t *entry =
			rd_kafka_topic_partition_list_add(list, consumer->topics[position->topic], position->partition);
		entry->offset = position->offset == OFFSET_NONE ? RD_KAFKA_OFFSET_INVALID : position->offset;
	}
	return list;
}

void consumer_end_check(struct kafka_consumer *consumer)
{
	consumer->is_covered =
		consumer->is_covered || (consumer->check && assignment_check_knows_topics(consumer->check));
	assignment_check_end(consumer->check);
	consumer->check = NULL;
	consumer->checking = false;
}

bool consumer_note_change(struct kafka_consumer *consumer, enum assignment_change change, size_t count)
{
	consumer_end_check(consumer);
	memory_give(consumer->changed.items);
	consumer->changed = (struct positions){.items = memory_take(count ? count : 1, sizeof(struct position))};
	if (!consumer->changed.items)
		return error_memory(&consumer->failure, ERROR_SYSTEM, "changing the assignment of partitions");
	consumer->change = change;
	consumer->changed.count = count;
	return true;
}

bool consumer_note_end(struct kafka_consumer *consumer, enum assignment_change change)
{
	if (!consumer_note_change(consumer, change, consumer->given.count))
		return false;
	if (consumer->given.count > 0)
		memcpy(consumer->changed.items, consumer->given.items, consumer->given.count * sizeof(struct position));
	return true;
}

void consumer_note_group(const struct consumer *self, bool is_denied)
{
	static const char *const words[] = {
		"may be used again: its pipelines continue",
		"may not be used by this login any more: nothing of its pipelines is committed. Give the login the right that "
		"`sluice plan --acls` lists",
	};
	const char *group = ((const struct kafka_consumer *)self)->config->group;
	atomic_bool *known = &((struct kafka_consumer *)(uintptr_t)self)->group_denied; /* no part of its constant state */
	char line[LIBRARY_TEXT_MAX];
	if (atomic_load(known) == is_denied || atomic_exchange(known, is_denied) == is_denied)
		return;
	(void)snprintf(line, sizeof line, "Kafka: group %s %s", group, words[is_denied]);
	kafka_log_say(is_denied ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, line);
}

void consumer_give(struct kafka_consumer *consumer, struct positions positions)
{
	consumer_end_check(consumer);
	consumer->had_group = true;
	consumer_note_group(&consumer->consumer, false);
	memory_give(consumer->changed.items);
	consumer->changed = positions;
	consumer->change = ASSIGNMENT_GIVEN;
	if (consumer->assigned == 0 && (positions.count > 0 || !consumer->is_covered))
		consumer->check = assignment_check_begin(consumer->client, consumer->config->group,
							 consumer_list(&consumer->consumer, positions),
							 !consumer->is_covered, consumer->bell);
	consumer->checking = consumer->check;
}

void consumer_forget_coming(struct kafka_consumer *consumer)
{
	memory_give(consumer->coming.items);
	consumer->coming = (struct positions){0};
}

bool consumer_gives_up(const struct kafka_consumer *consumer)
{
	return consumer->change == ASSIGNMENT_TAKEN || consumer->change == ASSIGNMENT_LOST;
}

/* How librdkafka begins to tell that the group did not answer where partitions begin, for all of them or for one. */
#define UNBEGUN_WORDS "Failed to fetch committed offset"

bool consumer_note_unbegun(struct kafka_consumer *consumer, const char *words)
{
	const bool is_unbegun = words && strncmp(words, UNBEGUN_WORDS, sizeof UNBEGUN_WORDS - 1) == 0;
	if (is_unbegun)
		consumer->unbegun_ms = clock_ms();
	return is_unbegun;
}

void consumer_note_failure(struct kafka_consumer *consumer, rd_kafka_resp_err_t code, const char *words, bool is_unbegun)
{
	char doing[LIBRARY_TEXT_MAX];
	if (!is_unbegun && failure_is_passing(code))
		return;
	(void)snprintf(doing, sizeof doing, "reading as a member of group %s", consumer->config->group);
	hindrance_meet(&consumer->hindrance, READ_TIMEOUT_MS, "Kafka", doing, words ? words : rd_kafka_err2str(code));
}

bool consumer_has_lost(const struct consumer *self)
{
	return ((const struct kafka_consumer *)self)->change == ASSIGNMENT_LOST ||
	       rd_kafka_assignment_lost(((const struct kafka_consumer *)self)->client) || consumer_has_failed(self);
}

bool consumer_has_failed(const struct consumer *self)
{
	return rd_kafka_fatal_error(((const struct kafka_consumer *)self)->client, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* The partitions that are given, each with the place to which it was read already, if it was. NULL: memory ran out. */
static rd_kafka_topic_partition_list_t *given_list(const struct kafka_consumer *consumer)
{
	rd_kafka_topic_partition_list_t *list = consumer_list(&consumer->consumer, consumer->given);
	rd_kafka_topic_partition_list_t *read = list ? rd_kafka_topic_partition_list_copy(list) : NULL;
	if (read && rd_kafka_position(consumer->client, read) == RD_KAFKA_RESP_ERR_NO_ERROR)
		for (int i = 0; i < read->cnt; i++)
			if (read->elems[i].offset >= 0)
				list->elems[i].offset = read->elems[i].offset;
	if (read)
		rd_kafka_topic_partition_list_destroy(read);
	return list;
}

/* Nothing of at least one of them was read, so a revocation that is not known here yet may come after that. */
void consumer_begin_again(struct kafka_consumer *consumer)
{
	const int64_t now_ms = clock_ms();
	if (consumer->change != ASSIGNMENT_SAME || now_ms - consumer->unbegun_ms < BEGIN_PAUSE_MS)
		return;
	consumer->unbegun_ms = 0;
	if (consumer->given.count == 0 || consumer_has_lost(&consumer->consumer))
		return;
	rd_kafka_topic_partition_list_t *list = given_list(consumer);
	const rd_kafka_resp_err_t code = list ? rd_kafka_assign(consumer->client, list) : RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE;
	if (list)
		rd_kafka_topic_partition_list_destroy(list);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		consumer->unbegun_ms = now_ms;
}
