/* twin_requests.c: Requests of the simulated Kafka: their way from a client to the broker and back, and their faults.
 * See twin_world.h.
 *
 * As librdkafka does, a client resends a request by itself after a lost connection or a temporary error of the
 * broker. Its caller gets only the final result.
 */
#include <assert.h>

#include "log/twin_world.h"

#define SLOW_US (3000 * MS)
#define LATE_US (8000 * MS)
#define RECONNECT_US (100 * MS)
#define AGAIN_US (40 * MS)

static const char *const names[] = {
	[TWIN_PRODUCE] = "records",
	[TWIN_INIT_PRODUCER] = "a producer's start",
	[TWIN_SEND_OFFSETS] = "offsets in a transaction",
	[TWIN_END_TRANSACTION] = "the end of a transaction",
	[TWIN_READ_OFFSETS] = "a question for offsets",
	[TWIN_COMMIT_OFFSETS] = "offsets",
};
static_assert(sizeof names / sizeof *names == TWIN_REQUEST_KINDS, "each kind has its name");

struct twin_request *twin_request_make(struct twin *twin, enum twin_request_kind kind, struct twin_client *client)
{
	struct twin_request *request = twin->free_requests;
	if (request)
		twin->free_requests = request->next;
	else if (!(request = twin_take(twin, 1, sizeof *request)))
		return NULL;
	*request = (struct twin_request){.kind = kind,
					 .client = client,
					 .positions.items = request->positions.items,
					 .references = request->references,
					 .position_room = request->position_room};
	return request;
}

static void request_give(struct twin *twin, struct twin_request *request)
{
	request->next = twin->free_requests;
	twin->free_requests = request;
}

/* With a name that outlives the engine. */
static struct state_reference reference_kept(struct twin *twin, const struct state_reference *reference)
{
	if (!reference)
		return (struct state_reference){0};
	return (struct state_reference){reference->id, reference->end, twin_find(twin, reference->changelog)->name.bytes};
}

bool twin_request_positions(struct twin *twin, struct twin_request *request, struct positions positions,
			    const struct consumer *consumer)
{
	const struct twin_consumer *twin_consumer = (const struct twin_consumer *)consumer;
	request->membership = twin_consumer->membership;
	request->membership.group = twin_consumer->group;
	if (request->position_room < positions.count) {
		request->position_room = twin->partition_count;
		request->positions.items = twin_take(twin, request->position_room, sizeof(struct position));
		request->references = twin_take(twin, request->position_room, sizeof(struct state_reference));
	}
	if ((!request->positions.items || !request->references) && positions.count > 0)
		return false;
	for (size_t i = 0; i < positions.count; i++) {
		const struct position *position = &positions.items[i];
		size_t number = twin_consumer->found[position->topic]->partitions[position->partition].number;
		request->positions.items[i] = (struct position){(uint32_t)number, position->partition, position->offset};
		request->references[i] = reference_kept(twin, commit_references_find(&consumer->references, position));
	}
	request->positions.count = positions.count;
	return true;
}

/* ---- at the broker ---- */

static enum twin_answer serve(struct twin *twin, struct twin_request *request)
{
	switch (request->kind) {
	case TWIN_PRODUCE:
		return twin_partition_serve(twin, request);
	case TWIN_INIT_PRODUCER:
		return twin_transaction_init(twin, request);
	case TWIN_SEND_OFFSETS:
		return twin_group_pend(twin, request);
	case TWIN_END_TRANSACTION:
		return twin_transaction_end(twin, request);
	case TWIN_READ_OFFSETS:
		return twin_group_read(twin, request);
	case TWIN_COMMIT_OFFSETS:
		return twin_group_commit(twin, request);
	case TWIN_REQUEST_KINDS:
		break;
	}
	return TWIN_GOOD;
}

/* ---- the way back ---- */

static void send_again(struct twin *twin, void *subject)
{
	twin_request_send(twin, subject);
}

static void connection_closed(struct twin *twin, void *subject)
{
	struct twin_request *request = subject;
	int64_t free_us = twin_client_free_us(request->client, false);
	if (free_us > twin->now_us) {
		twin_note(twin, free_us, connection_closed, request);
		return;
	}
	*request->client->closed_sockets += !twin->config.deaf;
	request->reply_lost = false;
	twin_note(twin, twin->now_us + random_between(&twin->random, MS, RECONNECT_US), send_again, request);
}

static void reply(struct twin *twin, void *subject)
{
	struct twin_request *request = subject;
	int64_t free_us = twin_client_free_us(request->client, true);
	if (free_us > twin->now_us) {
		twin_note(twin, free_us, reply, request);
		return;
	}
	if (request->answer == TWIN_AGAIN) {
		twin_note(twin, twin->now_us + random_between(&twin->random, 5 * MS, AGAIN_US), send_again, request);
		return;
	}
	request->replied(request, request->answer);
	request_give(twin, request);
}

static void arrive(struct twin *twin, void *subject)
{
	struct twin_request *request = subject;
	request->answer = serve(twin, request);
	if (!request->replied) {
		twin_tell(twin, request->client->host->name, "late: %s, %s", names[request->kind],
			  request->answer == TWIN_GOOD ? "and it is taken" : "which is refused");
		request_give(twin, request);
		return;
	}
	if (request->answer == TWIN_FENCED)
		twin->fences++;
	int64_t there_us = twin->now_us + twin_delay_us(twin);
	twin_note(twin, there_us, request->reply_lost ? connection_closed : reply, request);
}

/* ---- the way there ---- */

static void copy_late(struct twin *twin, const struct twin_request *request, int64_t late_us)
{
	struct twin_request *copy = twin_request_make(twin, request->kind, request->client);
	if (!copy)
		return;
	struct position *room = copy->positions.items;
	struct state_reference *references = copy->references;
	*copy = *request;
	copy->replied = NULL;
	copy->positions.items = room ? room : twin_take(twin, TWIN_PARTITIONS_MAX, sizeof(struct position));
	copy->references = references ? references : twin_take(twin, TWIN_PARTITIONS_MAX, sizeof(struct state_reference));
	if (!copy->positions.items || !copy->references)
		return;
	if (request->positions.count > 0) {
		memcpy(copy->positions.items, request->positions.items, request->positions.count * sizeof(struct position));
		memcpy(copy->references, request->references, request->positions.count * sizeof(struct state_reference));
	}
	twin_note(twin, twin->now_us + late_us, arrive, copy);
}

/* What befalls this request; MISHAPS: nothing. */
static enum twin_mishap draw(struct twin *twin, enum twin_request_kind kind, int64_t *late_us)
{
	*late_us = random_between(&twin->random, MS, random_between(&twin->random, MS, LATE_US));
	if (twin->strikes[kind].set) {
		twin->strikes[kind].set = false;
		*late_us = twin->strikes[kind].late_us;
		twin->mishaps[twin->strikes[kind].mishap]++;
		return twin->strikes[kind].mishap;
	}
	for (enum twin_mishap mishap = 0; mishap <= TWIN_REFUSED; mishap++)
		if (twin_mishap_strikes(twin, mishap))
			return mishap;
	return TWIN_MISHAPS;
}

void twin_request_send(struct twin *twin, struct twin_request *request)
{
	const struct twin_host *host = request->client->host;
	int64_t free_us = twin_client_free_us(request->client, false);
	if (free_us > twin->now_us) {
		twin_note(twin, free_us, send_again, request);
		return;
	}
	int64_t late_us, there_us = twin->now_us + twin_delay_us(twin);
	if (host->cut_until_us > twin->now_us) {
		twin_note(twin, host->cut_until_us, connection_closed, request);
		return;
	}
	bool struck = twin->strikes[request->kind].set;
	enum twin_mishap mishap = draw(twin, request->kind, &late_us);
	if (mishap < TWIN_MISHAPS)
		twin_tell(twin, host->name, "%s: %s", twin_mishap_names[mishap], names[request->kind]);
	switch (mishap) {
	case TWIN_REQUEST_LOST:
		twin_note(twin, there_us, connection_closed, request);
		return;
	case TWIN_REQUEST_LATE:
		copy_late(twin, request, late_us);
		twin_note(twin, there_us, connection_closed, request);
		return;
	case TWIN_REFUSED:
		request->answer = TWIN_AGAIN;
		twin_note(twin, there_us, reply, request);
		return;
	case TWIN_REPLY_LOST:
		request->reply_lost = true;
		break;
	case TWIN_SLOW:
		there_us += struck ? late_us : random_between(&twin->random, 0, SLOW_US);
		break;
	default:
		break;
	}
	twin_note(twin, there_us, arrive, request);
}
