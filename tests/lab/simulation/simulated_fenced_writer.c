/* simulated_fenced_writer.c: see simulated_fenced_writer.h. */
#include "simulation/simulated_fenced_writer.h"

#include <assert.h>

#include "kafka/produce/fenced_writer.h"
#include "tools/test/simulated/simulated_world.h"

#define QUEUE_FULL_TRIES 100 /* the queue of a writer that waits for each transaction is never full for long */

struct simulated_fenced_writer {
	struct simulated_kafka *kafka;
	struct transaction_config config;
	const char *topics[1];
	struct simulated_producer *producer;
	unsigned closed_sockets, closed_at_begin;
	enum simulated_writer_state state;
	bool flushing; /* the end waits for acknowledgements */
	uint64_t call; /* its number: what comes late is for an earlier one */
	uint64_t *wakes;
};

static void state_set(struct simulated_fenced_writer *writer, enum simulated_writer_state state)
{
	writer->state = state;
	writer->flushing = false;
	writer->call++;
	++*writer->wakes;
}

/* ---- calls ---- */

struct writer_alarm {
	struct simulated_fenced_writer *writer;
	uint64_t call;
};

static void call_too_long(struct simulated_kafka *kafka, void *subject)
{
	struct writer_alarm *alarm = subject;
	struct simulated_fenced_writer *writer = alarm->writer;
	if (writer->state != SIMULATED_WRITER_WAITS || writer->call != alarm->call)
		return;
	int64_t free_us = simulated_client_free_us(&writer->producer->client, false);
	if (free_us > kafka->now_us)
		simulated_note(kafka, free_us, call_too_long, alarm);
	else
		state_set(writer, SIMULATED_WRITER_FAILED);
}

static void call_begin(struct simulated_fenced_writer *writer)
{
	struct writer_alarm *alarm = simulated_take(writer->kafka, 1, sizeof *alarm);
	writer->state = SIMULATED_WRITER_WAITS;
	if (!alarm)
		return;
	*alarm = (struct writer_alarm){writer, writer->call};
	simulated_note(writer->kafka, writer->kafka->now_us + (int64_t)FENCED_WRITER_WAIT_MS * MS, call_too_long, alarm);
}

static void call_replied(struct simulated_request *request, enum simulated_answer answer)
{
	struct simulated_fenced_writer *writer = request->owner;
	bool good = answer == SIMULATED_GOOD;
	if (writer->state != SIMULATED_WRITER_WAITS || request->serial != writer->call)
		return;
	if (good && request->kind == SIMULATED_INIT_PRODUCER) {
		writer->producer->producer = request->producer;
		writer->producer->epoch = request->epoch;
	} else if (good) {
		good = writer->closed_sockets == writer->closed_at_begin;
	}
	writer->closed_at_begin = writer->closed_sockets;
	state_set(writer, good ? SIMULATED_WRITER_READY : SIMULATED_WRITER_FAILED);
}

static void request_send(struct simulated_fenced_writer *writer, enum simulated_request_kind kind)
{
	struct simulated_request *request = simulated_request_make(writer->kafka, kind, &writer->producer->client);
	if (!request)
		return;
	request->replied = call_replied;
	request->owner = writer;
	request->serial = writer->call;
	request->transaction = writer->producer->transaction;
	request->producer = writer->producer->producer;
	request->epoch = writer->producer->epoch;
	simulated_request_send(writer->kafka, request);
}

static void end_send(struct simulated_fenced_writer *writer)
{
	const struct simulated_producer *producer = writer->producer;
	bool lost = producer->fenced || producer->spoilt || producer->shrinks;
	writer->flushing = producer->waiting > 0 && !lost;
	if (lost)
		state_set(writer, SIMULATED_WRITER_FAILED);
	else if (!writer->flushing)
		request_send(writer, SIMULATED_END_TRANSACTION);
}

/* A record arrived, or the producer is fenced. */
static void producer_on_record(void *owner, const struct simulated_entry *entry)
{
	struct simulated_fenced_writer *writer = owner;
	(void)entry;
	if (writer->flushing)
		end_send(writer);
}

/* ---- the interface ---- */

struct simulated_fenced_writer *simulated_fenced_writer_open(struct simulated_host *host, const char *id, const char *topic,
							     uint64_t *wakes)
{
	struct simulated_fenced_writer *writer = simulated_take(host->kafka, 1, sizeof *writer);
	if (!writer)
		return NULL;
	writer->kafka = host->kafka;
	writer->wakes = wakes;
	writer->topics[0] = topic;
	writer->config = (struct transaction_config){.id = id, .topics = writer->topics, .topic_count = 1};
	writer->producer = simulated_producer_make(host, &writer->config, &writer->closed_sockets);
	if (!writer->producer)
		return NULL;
	writer->producer->on_record = producer_on_record;
	writer->producer->owner = writer;
	writer->producer->transaction = simulated_transaction_find(host->kafka, id, (int64_t)FENCED_WRITER_WAIT_MS * MS);
	if (!writer->producer->transaction)
		return NULL;
	call_begin(writer);
	request_send(writer, SIMULATED_INIT_PRODUCER);
	return writer;
}

void simulated_fenced_writer_close(struct simulated_fenced_writer *writer)
{
	if (!writer)
		return;
	writer->producer->client.closed = true;
	writer->state = SIMULATED_WRITER_FAILED;
	writer->flushing = false;
	writer->call++;
}

enum simulated_writer_state simulated_fenced_writer_state(const struct simulated_fenced_writer *writer)
{
	return writer->state;
}

void simulated_fenced_writer_add(struct simulated_fenced_writer *writer, struct text key, struct text value)
{
	const struct outgoing record = {.key = key, .value = value, .origin = {.offset = OFFSET_NONE}};
	struct error error = {0};
	enum produce_verdict verdict = PRODUCE_FULL;
	assert(writer->state == SIMULATED_WRITER_READY);
	for (int i = 0; i < QUEUE_FULL_TRIES && verdict == PRODUCE_FULL; i++)
		verdict = simulated_producer_put(writer->producer, &record, 0, &error);
	writer->producer->spoilt |= verdict != PRODUCED;
}

void simulated_fenced_writer_commit(struct simulated_fenced_writer *writer)
{
	assert(writer->state == SIMULATED_WRITER_READY);
	call_begin(writer);
	end_send(writer);
}
