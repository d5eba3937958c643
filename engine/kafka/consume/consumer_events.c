/* consumer_events.c: Events that librdkafka reports of a consumer: rebalances, another engine with its instance id, and
 * errors from which it cannot recover; see consumer_parts.h.
 */
#include "kafka/consume/consumer_parts.h"

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/consume/group_members.h"

#define FENCED_TIMES_MAX 3
#define FENCED_WHILE_MS 60000

/* The partitions of topics that it reads. items NULL: memory ran out, and `failure` is set. */
static struct positions known_positions(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *list)
{
	struct positions known = {.items = memory_take((size_t)list->cnt + 1, sizeof(struct position))};
	uint32_t topic;
	if (!known.items)
		(void)error_memory(&consumer->failure, ERROR_SYSTEM, "changing the assignment of partitions");
	for (int i = 0; known.items && i < list->cnt; i++) {
		if (consumer_find_topic(consumer, list->elems[i].topic, &topic))
			known.items[known.count++] = (struct position){topic, list->elems[i].partition, OFFSET_NONE};
		else
			consumer->must_rejoin = true;
	}
	return known;
}

/* librdkafka joins the group again while a revocation is not accepted yet, when it learns of topics meanwhile: what the group
 * assigns then comes after that. Partitions that do not come back are another member's, and librdkafka would commit them as of the
 * new generation: so all are lost. If it joined again while an assignment was not accepted, it revokes nothing: partitions that
 * were accepted then are lost too. */
static void on_given(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *list)
{
	const struct positions given = known_positions(consumer, list);
	if (!given.items)
		return;
	if (!consumer_gives_up(consumer) && consumer->given.count > 0)
		(void)consumer_note_end(consumer, ASSIGNMENT_LOST);
	else if (consumer->change == ASSIGNMENT_TAKEN && !positions_include(given, consumer->given))
		consumer->change = ASSIGNMENT_LOST;
	if (consumer_gives_up(consumer))
		consumer->coming = given;
	else
		consumer_give(consumer, given);
}

void consumer_on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *context)
{
	struct kafka_consumer *consumer = context;
	const bool given = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
	if (consumer->closing || (!given && code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)) {
		rd_kafka_assign(client, NULL);
		return;
	}
	consumer_forget_coming(consumer);
	consumer->must_rejoin = false;
	if (given)
		on_given(consumer, list);
	else if (!consumer_gives_up(consumer))
		(void)consumer_note_end(consumer, rd_kafka_assignment_lost(client) ? ASSIGNMENT_LOST : ASSIGNMENT_TAKEN);
}

/* Whether the consumer was probably fenced by itself. Kafka accepts one member of an instance name at a time, and
 * fences the other. After an outage this can be the same engine: an earlier request of it arrives after its member
 * has joined again. So another client replaces this one, as if its partitions were lost. Only if it is fenced again
 * and again is there another engine of that name, and the consumer ends. */
static bool fenced_by_itself(struct kafka_consumer *consumer)
{
	if (consumer->fenced)
		return true;
	int64_t now_ms = clock_ms();
	if (now_ms - consumer->fenced_ms > FENCED_WHILE_MS)
		consumer->fenced_times = 0;
	consumer->fenced_ms = now_ms;
	consumer->fenced = ++consumer->fenced_times <= FENCED_TIMES_MAX;
	consumer_forget_coming(consumer);
	if (consumer->fenced && !consumer_gives_up(consumer))
		(void)consumer_note_end(consumer, ASSIGNMENT_LOST);
	return consumer->fenced;
}

/* Says where the other engine runs, if the group's coordinator does: the worker ends, so it may wait for that. */
static void fence_report(struct kafka_consumer *consumer, rd_kafka_t *client)
{
	const char *instance = consumer->config->instance;
	char host[GROUP_MEMBER_TEXT_MAX];
	const bool found = instance && group_members_host(client, consumer->config->group, instance, host);
	error_set(&consumer->failure, ERROR_SYSTEM, PLACE_NONE,
		  "Kafka's consumer stopped: fenced by another engine with the same name%s%s; give each an --instance of its own",
		  found ? ", which runs at " : "", found ? host : "");
}

/* Handles an error. The client recovers from most errors by itself. */
void consumer_on_error(rd_kafka_t *client, int code, const char *words, void *context)
{
	struct kafka_consumer *consumer = context;
	if (consumer->closing)
		return;
	const bool is_unbegun = consumer_note_unbegun(consumer, words);
	switch (code) {
	case RD_KAFKA_RESP_ERR__AUTHENTICATION:
		(void)client_is_let_in(code, words, &consumer->failure);
		break;
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED: /* of partitions of a topic that has been denied */
		consumer_note_missed(consumer);
		break;
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		if (consumer->had_group) /* librdkafka joins again when it may */
			consumer_note_group(&consumer->consumer, true);
		else
			error_set(&consumer->failure, ERROR_SYSTEM, PLACE_NONE,
				  "Kafka's consumer stopped: %s; give its login the right that `sluice plan --acls` lists, and "
				  "start it again",
				  words);
		break;
	case RD_KAFKA_RESP_ERR__FATAL: {
		char fatal[LIBRARY_TEXT_MAX] = "";
		bool fenced = rd_kafka_fatal_error(client, fatal, sizeof fatal) == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
		if (fenced && fenced_by_itself(consumer))
			break;
		if (fenced) {
			if (consumer->failure.kind == ERROR_NONE)
				fence_report(consumer, client);
			break;
		}
		error_set(&consumer->failure, ERROR_SYSTEM, PLACE_NONE, "Kafka's consumer stopped: %s; start it again",
			  fatal[0] ? fatal : words);
		break;
	}
	default:
		consumer_note_failure(consumer, code, words, is_unbegun);
		break;
	}
}

void consumer_on_refusal(struct kafka_consumer *consumer, const rd_kafka_message_t *message)
{
	if (message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED && message->rkt)
		consumer_note_denial(consumer, rd_kafka_topic_name(message->rkt), message->offset);
	else
		consumer_on_error(consumer->client, message->err, rd_kafka_message_errstr(message), consumer);
}
