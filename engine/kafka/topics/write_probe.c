/* write_probe.c: see write_probe.h. */
#include "kafka/topics/write_probe.h"

#include <assert.h>

#include "base/memory.h"

#define QUESTIONS_AT_FIRST 4
#define TOPIC_LOOK_MS 1000
#define ANSWER_MS "5000" /* then the question is over, and may be asked again */

static bool client_set_up(struct write_probe *probe, const struct transaction_config *config, struct error *error)
{
	const struct property own[] = {
		{"bootstrap.servers", config->brokers},
		{"allow.auto.create.topics", "false"},
		/* A topic that Kafka does not show is looked for again. */
		{"topic.metadata.refresh.interval.ms", "1000"},
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof *own, own}, config->properties, error);
	if (!configuration)
		return false;
	char words[LIBRARY_TEXT_MAX];
	(void)rd_kafka_conf_set(configuration, "enable.idempotence", "false", words, sizeof words); /* it would set acks */
	rd_kafka_conf_set_events(configuration, RD_KAFKA_EVENT_DR);
	probe->client = client_open(RD_KAFKA_PRODUCER, configuration, error);
	if (!probe->client)
		return false;
	probe->reports = rd_kafka_queue_get_main(probe->client);
	return true;
}

static struct write_question *question_find(const struct write_probe *probe, uint32_t topic)
{
	for (size_t i = 0; i < probe->count; i++)
		if (probe->questions[i].topic == topic)
			return &probe->questions[i];
	return NULL;
}

static rd_kafka_topic_t *handle_open(const struct write_probe *probe, const char *name)
{
	char words[LIBRARY_TEXT_MAX];
	rd_kafka_topic_conf_t *configuration = rd_kafka_topic_conf_new();
	(void)rd_kafka_topic_conf_set(configuration, "acks", "2", words, sizeof words);
	(void)rd_kafka_topic_conf_set(configuration, "message.timeout.ms", ANSWER_MS, words, sizeof words);
	return rd_kafka_topic_new(probe->client, name, configuration);
}

/* NULL: SYSTEM. */
static struct write_question *question_add(struct write_probe *probe, uint32_t topic, const char *name, struct error *error)
{
	struct write_question *questions =
		memory_grow(probe->questions, probe->count, &probe->capacity, QUESTIONS_AT_FIRST, sizeof *questions);
	if (!questions) {
		error_memory(error, ERROR_SYSTEM, "asking for a right");
		return NULL;
	}
	probe->questions = questions;
	rd_kafka_topic_t *handle = handle_open(probe, name);
	if (!handle) {
		error_set(error, ERROR_SYSTEM, PLACE_NONE, "topic %s cannot be used: %s", name,
			  rd_kafka_err2str(rd_kafka_last_error()));
		return NULL;
	}
	questions[probe->count] = (struct write_question){.topic = topic, .handle = handle};
	return &questions[probe->count++];
}

static enum write_right right_of(rd_kafka_resp_err_t code)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		return WRITE_RIGHT_MISSING;
	case RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS:
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		return WRITE_RIGHT_GIVEN;
	default:
		return WRITE_RIGHT_UNKNOWN;
	}
}

bool write_probe_ask(struct write_probe *probe, const struct transaction_config *config, uint32_t topic, const char *name,
		     struct error *error)
{
	if (!probe->client && !client_set_up(probe, config, error))
		return false;
	struct write_question *question = question_find(probe, topic);
	if (!question && !(question = question_add(probe, topic, name, error)))
		return false;
	if (question->is_open)
		return true;
	question->right = WRITE_RIGHT_UNKNOWN;
	question->is_open =
		rd_kafka_produce(question->handle, 0, RD_KAFKA_MSG_F_COPY, NULL, 0, NULL, 0, (void *)(uintptr_t)topic) == 0;
	if (!question->is_open) /* librdkafka knows the answer, by the topic's metadata */
		question->right = right_of(rd_kafka_last_error());
	return true;
}

void write_probe_look(struct write_probe *probe, int wait_ms)
{
	const struct rd_kafka_metadata *metadata;
	if (probe->client &&
	    rd_kafka_metadata(probe->client, 0, NULL, &metadata, wait_ms) == RD_KAFKA_RESP_ERR_NO_ERROR)
		rd_kafka_metadata_destroy(metadata);
}

void write_probe_read(struct write_probe *probe, int wait_ms)
{
	rd_kafka_event_t *event;
	for (; probe->reports && (event = rd_kafka_queue_poll(probe->reports, wait_ms)); wait_ms = 0) {
		const rd_kafka_message_t *report;
		while ((report = rd_kafka_event_message_next(event))) {
			struct write_question *question = question_find(probe, (uint32_t)(uintptr_t)report->_private);
			assert(question); /* one with an open answer is not forgotten */
			question->is_open = false;
			question->right = right_of(report->err);
		}
		rd_kafka_event_destroy(event);
	}
}

enum write_right write_probe_answer(const struct write_probe *probe, uint32_t topic)
{
	const struct write_question *question = question_find(probe, topic);
	return question ? question->right : WRITE_RIGHT_UNKNOWN;
}

bool write_probe_waits(const struct write_probe *probe)
{
	for (size_t i = 0; i < probe->count; i++)
		if (probe->questions[i].is_open)
			return true;
	return false;
}

static void question_forget(struct write_probe *probe, struct write_question *question)
{
	rd_kafka_topic_destroy(question->handle);
	*question = probe->questions[--probe->count];
	if (probe->count == 0)
		write_probe_close(probe);
}

bool write_probe_allows(struct write_probe *probe, const struct transaction_config *config, rd_kafka_t *producer,
			rd_kafka_topic_t *handle, uint32_t topic)
{
	struct error error = {0};
	const struct rd_kafka_metadata *metadata;
	write_probe_read(probe, 0);
	struct write_question *question = question_find(probe, topic);
	if (!question || question->right != WRITE_RIGHT_GIVEN) {
		(void)write_probe_ask(probe, config, topic, rd_kafka_topic_name(handle), &error); /* else the next time */
		return false;
	}
	question_forget(probe, question);
	/* librdkafka fails all records of a topic that Kafka did not show, until it has looked again. */
	if (rd_kafka_metadata(producer, 0, handle, &metadata, TOPIC_LOOK_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
		rd_kafka_metadata_destroy(metadata);
	return true;
}

void write_probe_close(struct write_probe *probe)
{
	for (size_t i = 0; i < probe->count; i++)
		rd_kafka_topic_destroy(probe->questions[i].handle);
	memory_give(probe->questions);
	client_queue_forget(probe->reports);
	if (probe->client) {
		(void)rd_kafka_purge(probe->client,
				     RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
		client_destroy(probe->client, 0);
	}
	*probe = (struct write_probe){0};
}
