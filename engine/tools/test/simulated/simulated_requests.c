/* simulated_requests.c: Requests of the simulated Kafka: their way from a client to the broker and back, and their faults.
 * See simulated_world.h.
 *
 * As librdkafka does, a client resends a request by itself after a lost connection or a temporary error of the
 * broker. Its caller gets only the final result.
 */
#include <assert.h>

#include "tools/test/simulated/simulated_world.h"

#define SLOW_US (3000 * MS)
#define LATE_US (8000 * MS)
#define RECONNECT_US (100 * MS)
#define AGAIN_US (40 * MS)

static const char *const names[] = {
	[SIMULATED_PRODUCE] = "records",
	[SIMULATED_INIT_PRODUCER] = "a producer's start",
	[SIMULATED_SEND_OFFSETS] = "offsets in a transaction",
	[SIMULATED_END_TRANSACTION] = "the end of a transaction",
	[SIMULATED_READ_OFFSETS] = "a question for offsets",
	[SIMULATED_COMMIT_OFFSETS] = "offsets",
};
static_assert(sizeof names / sizeof *names == SIMULATED_REQUEST_KINDS, "each kind has its name");

struct simulated_request *simulated_request_make(struct simulated_kafka *kafka, enum simulated_request_kind kind,
						 struct simulated_client *client)
{
	struct simulated_request *request = kafka->free_requests;
	if (request)
		kafka->free_requests = request->next;
	else if (!(request = simulated_take(kafka, 1, sizeof *request)))
		return NULL;
	*request = (struct simulated_request){.kind = kind,
					      .client = client,
					      .positions.items = request->positions.items,
					      .references = request->references,
					      .position_room = request->position_room};
	return request;
}

static void request_give(struct simulated_kafka *kafka, struct simulated_request *request)
{
	request->next = kafka->free_requests;
	kafka->free_requests = request;
}

/* With a name that outlives the engine. */
static struct state_reference reference_kept(struct simulated_kafka *kafka, const struct state_reference *reference)
{
	if (!reference)
		return (struct state_reference){0};
	return (struct state_reference){reference->id, reference->end, simulated_find(kafka, reference->changelog)->name.bytes};
}

bool simulated_request_positions(struct simulated_kafka *kafka, struct simulated_request *request, struct positions positions,
				 const struct consumer *consumer)
{
	const struct simulated_consumer *simulated_consumer = (const struct simulated_consumer *)consumer;
	request->membership = simulated_consumer->membership;
	request->membership.group = simulated_consumer->group;
	if (request->position_room < positions.count) {
		request->position_room = kafka->partition_count;
		request->positions.items = simulated_take(kafka, request->position_room, sizeof(struct position));
		request->references = simulated_take(kafka, request->position_room, sizeof(struct state_reference));
	}
	if ((!request->positions.items || !request->references) && positions.count > 0)
		return false;
	for (size_t i = 0; i < positions.count; i++) {
		const struct position *position = &positions.items[i];
		size_t number = simulated_consumer->found[position->topic]->partitions[position->partition].number;
		request->positions.items[i] = (struct position){(uint32_t)number, position->partition, position->offset};
		request->references[i] = reference_kept(kafka, commit_references_find(&consumer->references, position));
	}
	request->positions.count = positions.count;
	return true;
}

/* ---- the way back ---- */

static void send_again(struct simulated_kafka *kafka, void *subject)
{
	simulated_request_send(kafka, subject);
}

static void connection_closed(struct simulated_kafka *kafka, void *subject)
{
	struct simulated_request *request = subject;
	int64_t free_us = simulated_client_free_us(request->client, false);
	if (free_us > kafka->now_us) {
		simulated_note(kafka, free_us, connection_closed, request);
		return;
	}
	*request->client->closed_sockets += !kafka->config.misses_closes;
	request->reply_lost = false;
	simulated_note(kafka, kafka->now_us + random_between(&kafka->random, MS, RECONNECT_US), send_again, request);
}

static void reply(struct simulated_kafka *kafka, void *subject)
{
	struct simulated_request *request = subject;
	int64_t free_us = simulated_client_free_us(request->client, true);
	if (free_us > kafka->now_us) {
		simulated_note(kafka, free_us, reply, request);
		return;
	}
	if (request->answer == SIMULATED_AGAIN) {
		simulated_note(kafka, kafka->now_us + random_between(&kafka->random, 5 * MS, AGAIN_US), send_again, request);
		return;
	}
	request->replied(request, request->answer);
	request_give(kafka, request);
}

static void simulated_requests_arrive(struct simulated_kafka *kafka, void *subject)
{
	struct simulated_request *request = subject;
	request->answer = kafka->serve(kafka, request);
	if (!request->replied) {
		simulated_tell(kafka, request->client->host->name, "late: %s, %s", names[request->kind],
			       request->answer == SIMULATED_GOOD ? "and it is taken" : "which is refused");
		request_give(kafka, request);
		return;
	}
	if (request->answer == SIMULATED_FENCED)
		kafka->fences++;
	int64_t there_us = kafka->now_us + simulated_delay_us(kafka);
	simulated_note(kafka, there_us, request->reply_lost ? connection_closed : reply, request);
}

/* ---- the way there ---- */

static void copy_late(struct simulated_kafka *kafka, const struct simulated_request *request, int64_t late_us)
{
	struct simulated_request *copy = simulated_request_make(kafka, request->kind, request->client);
	if (!copy)
		return;
	struct position *room = copy->positions.items;
	struct state_reference *references = copy->references;
	*copy = *request;
	copy->replied = NULL;
	copy->positions.items = room ? room : simulated_take(kafka, SIMULATED_PARTITIONS_MAX, sizeof(struct position));
	copy->references =
		references ? references : simulated_take(kafka, SIMULATED_PARTITIONS_MAX, sizeof(struct state_reference));
	if (!copy->positions.items || !copy->references)
		return;
	if (request->positions.count > 0) {
		memcpy(copy->positions.items, request->positions.items, request->positions.count * sizeof(struct position));
		memcpy(copy->references, request->references, request->positions.count * sizeof(struct state_reference));
	}
	simulated_note(kafka, kafka->now_us + late_us, simulated_requests_arrive, copy);
}

/* What befalls this request; MISHAPS: nothing. */
static enum simulated_mishap simulated_requests_draw(struct simulated_kafka *kafka, enum simulated_request_kind kind,
						     int64_t *late_us)
{
	*late_us = random_between(&kafka->random, MS, random_between(&kafka->random, MS, LATE_US));
	if (kafka->injected[kind].set) {
		kafka->injected[kind].set = false;
		*late_us = kafka->injected[kind].late_us;
		kafka->mishaps[kafka->injected[kind].mishap]++;
		return kafka->injected[kind].mishap;
	}
	for (enum simulated_mishap mishap = 0; mishap <= SIMULATED_REFUSED; mishap++)
		if (simulated_mishap_injected(kafka, mishap))
			return mishap;
	return SIMULATED_MISHAPS;
}

void simulated_request_send(struct simulated_kafka *kafka, struct simulated_request *request)
{
	const struct simulated_host *host = request->client->host;
	int64_t free_us = simulated_client_free_us(request->client, false);
	if (free_us > kafka->now_us) {
		simulated_note(kafka, free_us, send_again, request);
		return;
	}
	int64_t late_us, there_us = kafka->now_us + simulated_delay_us(kafka);
	if (host->cut_until_us > kafka->now_us) {
		simulated_note(kafka, host->cut_until_us, connection_closed, request);
		return;
	}
	bool forced = kafka->injected[request->kind].set;
	enum simulated_mishap mishap = simulated_requests_draw(kafka, request->kind, &late_us);
	if (mishap < SIMULATED_MISHAPS)
		simulated_tell(kafka, host->name, "%s: %s", simulated_mishap_names[mishap], names[request->kind]);
	switch (mishap) {
	case SIMULATED_REQUEST_LOST:
		simulated_note(kafka, there_us, connection_closed, request);
		return;
	case SIMULATED_REQUEST_LATE:
		copy_late(kafka, request, late_us);
		simulated_note(kafka, there_us, connection_closed, request);
		return;
	case SIMULATED_REFUSED:
		request->answer = SIMULATED_AGAIN;
		simulated_note(kafka, there_us, reply, request);
		return;
	case SIMULATED_REPLY_LOST:
		request->reply_lost = true;
		break;
	case SIMULATED_SLOW:
		there_us += forced ? late_us : random_between(&kafka->random, 0, SLOW_US);
		break;
	default:
		break;
	}
	simulated_note(kafka, there_us, simulated_requests_arrive, request);
}
