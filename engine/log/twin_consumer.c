/* twin_consumer.c: Consumer of the simulated Kafka: its assignment and its fetches. See consumer.h for its
 * contract, and twin_world.h for the rest. */
#include "log/twin_world.h"

#define FETCH_MOST 50		 /* records at once */
#define MEMBER_OF_OLD UINT64_MAX /* not a number of any member */

static void ring(struct twin_consumer *consumer)
{
	loop_ring(consumer->loop, consumer->bell);
}

/* ---- fetching ---- */

static void fetch(struct twin *twin, struct twin_reading *reading);

struct twin_consumer_fetching {
	struct twin_reading *reading;
	unsigned version;
};

static void fetched(struct twin *twin, void *subject)
{
	struct twin_consumer_fetching *fetching = subject;
	struct twin_reading *reading = fetching->reading;
	struct twin_consumer *consumer = reading->consumer;
	if (fetching->version != reading->version)
		return;
	int64_t free_us = twin_client_free_us(&consumer->client, true);
	if (free_us > twin->now_us) {
		twin_note(twin, free_us, fetched, fetching);
		return;
	}
	int64_t most = random_between(&twin->random, 1, FETCH_MOST);
	const struct twin_entry *entry;
	while (most-- > 0 && consumer->queue_count < TWIN_QUEUE &&
	       (entry = twin_partition_next(reading->partition, &reading->position))) {
		size_t place = (consumer->queue_first + consumer->queue_count++) % TWIN_QUEUE;
		consumer->queue[place] = (struct twin_queued){entry, reading, reading->version, reading->position++};
	}
	reading->fetching = false;
	ring(consumer);
	fetch(twin, reading);
}

static void fetch(struct twin *twin, struct twin_reading *reading)
{
	struct twin_consumer *consumer = reading->consumer;
	bool ready = reading->known && !reading->paused && !reading->fetching && !consumer->client.closed;
	if (!ready || consumer->queue_count >= TWIN_QUEUE / 2 || !twin_partition_next(reading->partition, &reading->position))
		return;
	struct twin_consumer_fetching *fetching = twin_take(twin, 1, sizeof *fetching);
	if (!fetching)
		return;
	*fetching = (struct twin_consumer_fetching){reading, reading->version};
	reading->fetching = true;
	twin_note(twin, twin->now_us + twin_delay_us(twin), fetched, fetching);
}

void twin_consumer_wake(struct twin *twin, const struct twin_partition *partition)
{
	size_t left = partition->readers;
	for (struct twin_consumer *consumer = twin->consumers; left > 0 && consumer; consumer = consumer->next)
		for (size_t i = 0; left > 0 && i < consumer->reading_count; i++)
			if (consumer->readings[i].partition == partition) {
				fetch(twin, &consumer->readings[i]);
				left--;
			}
}

/* ---- what the group says ---- */

static void joins(struct twin *twin, void *subject)
{
	struct twin_consumer *consumer = subject;
	int64_t free_us = twin_client_free_us(&consumer->client, true);
	if (free_us > twin->now_us)
		twin_note(twin, free_us, joins, consumer);
	else if (consumer->failure.kind == ERROR_NONE)
		twin_group_rejoin(twin, consumer->group, consumer);
}

static void join_soon(struct twin_consumer *consumer)
{
	twin_note(consumer->twin, consumer->twin->now_us + twin_delay_us(consumer->twin), joins, consumer);
}

static bool holds_something(const struct twin_consumer *consumer)
{
	return consumer->readings || consumer->give || consumer->change != ASSIGNMENT_SAME;
}

/* Who has joined twice, when it was dropped and had just joined, is given its share twice: it takes one. */
void twin_consumer_give(struct twin_consumer *consumer, int generation, struct positions positions)
{
	if (generation == consumer->given_generation && holds_something(consumer))
		return;
	consumer->give = true;
	consumer->given_generation = generation;
	consumer->given = positions;
	ring(consumer);
}

void twin_consumer_told(struct twin_consumer *consumer)
{
	if (!holds_something(consumer)) {
		join_soon(consumer);
		return;
	}
	consumer->revoke = true;
	ring(consumer);
}

static void learns(struct twin *twin, void *subject)
{
	struct twin_consumer *consumer = subject;
	int64_t free_us = twin_client_free_us(&consumer->client, true);
	if (free_us > twin->now_us) {
		twin_note(twin, free_us, learns, consumer);
		return;
	}
	consumer->give = consumer->revoke = false;
	if (holds_something(consumer)) {
		consumer->lost = true;
		ring(consumer);
	} else {
		join_soon(consumer);
	}
}

void twin_consumer_drop(struct twin_consumer *consumer)
{
	consumer->member = 0;
	twin_note(consumer->twin, consumer->twin->now_us + twin_delay_us(consumer->twin), learns, consumer);
}

static void hears_of_its_successor(struct twin *twin, void *subject)
{
	struct twin_consumer *consumer = subject;
	int64_t free_us = twin_client_free_us(&consumer->client, true);
	if (free_us > twin->now_us) {
		twin_note(twin, free_us, hears_of_its_successor, consumer);
		return;
	}
	error_set(&consumer->failure, ERROR_SYSTEM, PLACE_NONE,
		  "Kafka's consumer stopped: fenced by a newer instance of the name %s", consumer->config.instance);
	ring(consumer);
}

void twin_consumer_fence(struct twin_consumer *consumer)
{
	consumer->member = 0;
	int64_t soon_us = random_between(&consumer->twin->random, MS, TWIN_HEARTBEAT_US);
	twin_note(consumer->twin, consumer->twin->now_us + soon_us, hears_of_its_successor, consumer);
}

/* ---- the assignment ---- */

static struct positions positions_held(struct twin_consumer *consumer)
{
	struct position *items = twin_take(consumer->twin, consumer->reading_count, sizeof *items);
	if (!items)
		return (struct positions){0};
	for (size_t i = 0; i < consumer->reading_count; i++)
		items[i] = (struct position){consumer->readings[i].topic, consumer->readings[i].partition->partition, OFFSET_NONE};
	return (struct positions){consumer->reading_count, items};
}

static void note_change(struct twin_consumer *consumer)
{
	if (consumer->change != ASSIGNMENT_SAME)
		return;
	if (consumer->lost || (consumer->revoke && !consumer->give)) {
		consumer->change = consumer->lost ? ASSIGNMENT_LOST : ASSIGNMENT_TAKEN;
		consumer->changed = positions_held(consumer);
		consumer->lost = consumer->revoke = false;
	} else if (consumer->give) {
		consumer->change = ASSIGNMENT_GIVEN;
		consumer->changed = consumer->given;
		consumer->give = false;
	}
}

static void readings_drop(struct twin_consumer *consumer)
{
	for (size_t i = 0; i < consumer->reading_count; i++) {
		consumer->readings[i].version++;
		consumer->readings[i].partition->readers--;
	}
	consumer->readings = NULL;
	consumer->reading_count = 0;
	consumer->queue_count = 0;
}

static void offsets_read(struct twin_request *request, enum twin_answer answer)
{
	(void)answer;
	struct twin_reading *readings = request->owner;
	struct twin_consumer *consumer = readings->consumer;
	if (consumer->readings != readings)
		return;
	for (size_t i = 0; i < consumer->reading_count; i++) {
		if (readings[i].known)
			continue;
		readings[i].known = true;
		readings[i].position = request->positions.items[i].offset == OFFSET_NONE ? 0 : request->positions.items[i].offset;
		fetch(consumer->twin, &readings[i]);
	}
}

static bool readings_add(struct twin_consumer *consumer, struct positions positions)
{
	struct twin *twin = consumer->twin;
	consumer->readings = twin_take(twin, positions.count, sizeof *consumer->readings);
	if (positions.count == 0)
		return consumer->readings;
	struct twin_request *request = twin_request_make(twin, TWIN_READ_OFFSETS, &consumer->client);
	if (!request || !consumer->readings || !twin_request_positions(twin, request, positions, &consumer->consumer))
		return false;
	consumer->reading_count = positions.count;
	for (size_t i = 0; i < positions.count; i++) {
		const struct position *position = &positions.items[i];
		struct twin_topic *topic = consumer->found[position->topic];
		consumer->readings[i] = (struct twin_reading){.consumer = consumer,
							      .partition = &topic->partitions[position->partition],
							      .topic = position->topic,
							      .position = position->offset,
							      .known = position->offset != OFFSET_NONE};
		consumer->readings[i].partition->readers++;
		fetch(twin, &consumer->readings[i]);
	}
	request->replied = offsets_read;
	request->owner = consumer->readings;
	twin_request_send(twin, request);
	return true;
}

static enum assignment_change twin_change(const struct consumer *self, struct positions *positions)
{
	const struct twin_consumer *consumer = (const struct twin_consumer *)self;
	*positions = consumer->changed;
	return consumer->change;
}

static bool twin_accept(struct consumer *self, struct error *error)
{
	struct twin_consumer *consumer = (struct twin_consumer *)self;
	enum assignment_change change = consumer->change;
	consumer->change = ASSIGNMENT_SAME;
	readings_drop(consumer);
	if (change == ASSIGNMENT_GIVEN) {
		bool dropped = consumer->member == 0 && consumer->config.assigned.count == 0;
		consumer->membership = (struct twin_membership){consumer->group, dropped ? MEMBER_OF_OLD : consumer->member,
								consumer->given_generation};
		if (!readings_add(consumer, consumer->changed))
			return error_memory(error, ERROR_SYSTEM, "taking over partitions");
		if (!consumer->joined && consumer->config.assigned.count == 0)
			twin_group_ask(consumer->twin, consumer->group, consumer);
		consumer->joined = true;
	} else if (consumer->group) {
		/* Nothing is held any more that could be lost or asked back. */
		consumer->lost = consumer->revoke = consumer->give = false;
		join_soon(consumer);
	}
	ring(consumer);
	return true;
}

static bool twin_seek(struct consumer *self, struct positions positions, struct error *error)
{
	(void)error;
	struct twin_consumer *consumer = (struct twin_consumer *)self;
	for (size_t i = 0; i < positions.count; i++)
		for (size_t j = 0; j < consumer->reading_count; j++) {
			struct twin_reading *reading = &consumer->readings[j];
			const struct position *position = &positions.items[i];
			if (reading->topic != position->topic || reading->partition->partition != position->partition ||
			    position->offset == OFFSET_NONE)
				continue;
			reading->version++;
			reading->fetching = false;
			reading->known = true;
			reading->position = position->offset;
			fetch(consumer->twin, reading);
		}
	return true;
}

/* What was fetched and not taken is fetched again. */
static void reading_pause(struct twin_reading *reading)
{
	const struct twin_consumer *consumer = reading->consumer;
	for (size_t i = consumer->queue_count; i-- > 0;) {
		const struct twin_queued *queued = &consumer->queue[(consumer->queue_first + i) % TWIN_QUEUE];
		if (queued->reading == reading && queued->version == reading->version)
			reading->position = queued->offset;
	}
	reading->version++;
	reading->fetching = false;
	reading->paused = true;
}

static bool twin_pause(struct consumer *self, struct positions positions, bool paused, struct error *error)
{
	(void)error;
	struct twin_consumer *consumer = (struct twin_consumer *)self;
	for (size_t i = 0; i < positions.count; i++)
		for (size_t j = 0; j < consumer->reading_count; j++) {
			struct twin_reading *reading = &consumer->readings[j];
			if (reading->topic != positions.items[i].topic ||
			    reading->partition->partition != positions.items[i].partition || reading->paused == paused)
				continue;
			if (paused)
				reading_pause(reading);
			reading->paused = paused;
			fetch(consumer->twin, reading);
		}
	return true;
}

static bool topics_find(struct twin_consumer *consumer)
{
	const struct consumer_topics *topics = &consumer->topics;
	consumer->found = twin_take(consumer->twin, topics->count, sizeof(struct twin_topic *));
	for (size_t i = 0; consumer->found && i < topics->count; i++)
		consumer->found[i] = twin_find(consumer->twin, topics->names[i]);
	return consumer->found;
}

static bool twin_follow(struct consumer *self, const struct consumer_topics *topics, struct error *error)
{
	struct twin_consumer *consumer = (struct twin_consumer *)self;
	bool *read = twin_take(consumer->twin, topics->count, sizeof *read);
	if (!read)
		return error_memory(error, ERROR_SYSTEM, "reading other topics");
	for (size_t i = 0; i < topics->count; i++)
		read[i] = !topics->read || topics->read[i];
	consumer->topics = (struct consumer_topics){topics->names, topics->count, read};
	if (!topics_find(consumer))
		return error_memory(error, ERROR_SYSTEM, "reading other topics");
	twin_group_follow(consumer->twin, consumer->group, consumer);
	return true;
}

/* ---- taking ---- */

static bool twin_consumer_take(struct consumer *self, struct record *records, size_t room, size_t *count, struct error *error)
{
	struct twin_consumer *consumer = (struct twin_consumer *)self;
	*count = 0;
	if (consumer->failure.kind != ERROR_NONE) {
		*error = consumer->failure;
		return false;
	}
	size_t held = consumer->queue_count;
	for (; consumer->queue_count > 0 && *count < room; consumer->queue_count--) {
		const struct twin_queued *queued = &consumer->queue[consumer->queue_first];
		consumer->queue_first = (consumer->queue_first + 1) % TWIN_QUEUE;
		if (queued->version != queued->reading->version)
			continue;
		records[(*count)++] = (struct record){.topic = queued->reading->topic,
						      .partition = queued->reading->partition->partition,
						      .offset = queued->offset,
						      .time_ms = queued->entry->time_ms,
						      .key = queued->entry->key,
						      .value = queued->entry->value,
						      .headers = queued->entry->headers};
	}
	/* What found no room before finds it now. */
	for (size_t i = 0; held > 0 && consumer->queue_count == 0 && i < consumer->reading_count; i++)
		fetch(consumer->twin, &consumer->readings[i]);
	note_change(consumer);
	return true;
}

static void twin_stay(struct consumer *self)
{
	(void)self; /* no member is dropped here for not polling */
}

static int twin_bell(const struct consumer *self)
{
	return ((const struct twin_consumer *)self)->bell;
}

/* ---- opening and closing ---- */

static void twin_consumer_close(struct consumer *self)
{
	struct twin_consumer *consumer = (struct twin_consumer *)self;
	struct twin *twin = consumer->twin;
	struct twin_consumer **link = &twin->consumers;
	while (*link != consumer)
		link = &(*link)->next;
	*link = consumer->next;
	readings_drop(consumer);
	commit_references_close(&consumer->consumer.references);
	consumer->client.closed = true;
	if (!consumer->group || consumer->client.host->dead)
		return;
	if (consumer->config.instance)
		twin_group_silence(twin, consumer->group, consumer);
	else
		twin_group_leave(twin, consumer->group, consumer);
}

static const struct consumer_operations operations = {
	.close = twin_consumer_close,
	.bell = twin_bell,
	.take = twin_consumer_take,
	.stay = twin_stay,
	.change = twin_change,
	.accept = twin_accept,
	.seek = twin_seek,
	.pause = twin_pause,
	.follow = twin_follow,
};

struct consumer *twin_consumer_open(struct twin_host *host, struct loop *loop, const struct consumer_config *config,
				    struct error *error)
{
	struct twin *twin = host->twin;
	struct twin_consumer *consumer = twin_take(twin, 1, sizeof *consumer);
	struct twin_group *group = twin_group_find(twin, config->group);
	if (!consumer || !group) {
		error_memory(error, ERROR_SYSTEM, "opening a consumer");
		return NULL;
	}
	consumer->consumer.operations = &operations;
	consumer->next = twin->consumers;
	consumer->twin = twin;
	consumer->config = *config;
	consumer->topics = (struct consumer_topics){config->topics, config->topic_count, NULL};
	consumer->loop = loop;
	consumer->bell = loop_bell(loop);
	consumer->group = group;
	consumer->client = (struct twin_client){host, false, &consumer->closed_sockets};
	if (!topics_find(consumer)) {
		error_memory(error, ERROR_SYSTEM, "opening a consumer");
		return NULL;
	}
	twin->consumers = consumer;
	if (config->assigned.count > 0)
		twin_consumer_give(consumer, 0, config->assigned);
	else
		join_soon(consumer);
	return &consumer->consumer;
}
