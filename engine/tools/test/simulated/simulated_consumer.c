/* simulated_consumer.c: Consumer of the simulated Kafka: its assignment and its fetches. See consumer.h for its
 * contract, and simulated_world.h for the rest. */
#include "tools/test/simulated/simulated_world.h"

#define FETCH_MOST 50		 /* records at once */
#define LOOK_US (100 * MS)	 /* between two looks for topics that are missing */
#define MEMBER_OF_OLD UINT64_MAX /* not a number of any member */

static void simulated_consumer_ring(struct simulated_consumer *consumer)
{
	loop_ring(consumer->loop, consumer->bell);
}

/* ---- fetching ---- */

static void reading_fetch(struct simulated_kafka *kafka, struct simulated_reading *reading);

struct simulated_consumer_fetching {
	struct simulated_reading *reading;
	unsigned version;
};

/* Kafka does not have the next record any more, so the consumer goes on at the first that is there. */
static void gap_pass(struct simulated_consumer *consumer, struct simulated_reading *reading)
{
	if (reading->position >= reading->partition->begin)
		return;
	struct simulated_gap *gap = simulated_take(consumer->kafka, 1, sizeof *gap);
	if (gap) {
		gap->partition = reading->partition;
		gap->gap = (struct gap){.topic = reading->topic,
					.partition = gap->partition->partition,
					.from = reading->position,
					.to = gap->partition->begin};
		*consumer->gaps_end = gap;
		consumer->gaps_end = &gap->next;
	}
	reading->position = reading->partition->begin;
}

static bool simulated_gap(struct consumer *self, struct gap *gap)
{
	struct simulated_consumer *consumer = (struct simulated_consumer *)self;
	struct simulated_gap *first = consumer->gaps;
	if (!first)
		return false;
	*gap = first->gap;
	consumer->gaps = first->next;
	if (!consumer->gaps)
		consumer->gaps_end = &consumer->gaps;
	for (int64_t offset = gap->from; offset < gap->to; offset++)
		first->partition->entries[offset]->skipped = true;
	consumer->kafka->gaps++;
	consumer->kafka->skipped += (uint64_t)(gap->to - gap->from);
	simulated_tell(consumer->kafka, consumer->client.host->name, "skips offsets %lld to %lld of " TEXT_FORMAT "-%d",
		       (long long)gap->from, (long long)gap->to - 1, TEXT_ARGUMENTS(first->partition->topic->name),
		       (int)gap->partition);
	return true;
}

static void reading_fetched(struct simulated_kafka *kafka, void *subject)
{
	struct simulated_consumer_fetching *fetching = subject;
	struct simulated_reading *reading = fetching->reading;
	struct simulated_consumer *consumer = reading->consumer;
	if (fetching->version != reading->version)
		return;
	int64_t free_us = simulated_client_free_us(&consumer->client, true);
	if (free_us > kafka->now_us) {
		simulated_note(kafka, free_us, reading_fetched, fetching);
		return;
	}
	gap_pass(consumer, reading);
	int64_t most = kafka->config.even ? FETCH_MOST : random_between(&kafka->random, 1, FETCH_MOST);
	const struct simulated_entry *entry;
	while (most-- > 0 && consumer->queue_count < SIMULATED_QUEUE &&
	       (entry = simulated_partition_next(reading->partition, &reading->position))) {
		size_t place = (consumer->queue_first + consumer->queue_count++) % SIMULATED_QUEUE;
		consumer->queue[place] = (struct simulated_queued){entry, reading, reading->version, reading->position++};
	}
	reading->fetching = false;
	simulated_consumer_ring(consumer);
	reading_fetch(kafka, reading);
}

static void reading_fetch(struct simulated_kafka *kafka, struct simulated_reading *reading)
{
	struct simulated_consumer *consumer = reading->consumer;
	bool ready = reading->known && !reading->paused && !reading->fetching && !consumer->client.closed;
	if (!ready || consumer->queue_count >= SIMULATED_QUEUE / 2 ||
	    !simulated_partition_next(reading->partition, &reading->position))
		return;
	struct simulated_consumer_fetching *fetching = simulated_take(kafka, 1, sizeof *fetching);
	if (!fetching)
		return;
	*fetching = (struct simulated_consumer_fetching){reading, reading->version};
	reading->fetching = true;
	simulated_note(kafka, kafka->now_us + simulated_delay_us(kafka), reading_fetched, fetching);
}

void simulated_consumer_wake(struct simulated_kafka *kafka, const struct simulated_partition *partition)
{
	size_t left = partition->readers;
	for (struct simulated_consumer *consumer = kafka->consumers; left > 0 && consumer; consumer = consumer->next)
		for (size_t i = 0; left > 0 && i < consumer->reading_count; i++)
			if (consumer->readings[i].partition == partition) {
				reading_fetch(kafka, &consumer->readings[i]);
				left--;
			}
}

/* ---- requests of the group ---- */

static void consumer_join(struct simulated_kafka *kafka, void *subject)
{
	struct simulated_consumer *consumer = subject;
	int64_t free_us = simulated_client_free_us(&consumer->client, true);
	if (!consumer->joining)
		return;
	if (free_us > kafka->now_us) {
		simulated_note(kafka, free_us, consumer_join, consumer);
		return;
	}
	consumer->joining = false;
	if (consumer->failure.kind == ERROR_NONE)
		simulated_group_rejoin(kafka, consumer->group, consumer);
}

/* Of several requests that are due, the earliest one is sent. */
static void consumer_join_soon(struct simulated_consumer *consumer)
{
	consumer->joining = true;
	simulated_note(consumer->kafka, consumer->kafka->now_us + simulated_delay_us(consumer->kafka), consumer_join, consumer);
}

static bool consumer_has_share(const struct simulated_consumer *consumer)
{
	return consumer->readings || consumer->give || consumer->change != ASSIGNMENT_SAME;
}

/* A consumer that was dropped when it had just joined joins twice, and gets its share twice: it takes one. */
void simulated_consumer_give(struct simulated_consumer *consumer, int generation, struct positions positions)
{
	if (generation == consumer->given_generation && consumer_has_share(consumer))
		return;
	consumer->give = true;
	consumer->given_generation = generation;
	consumer->given = positions;
	simulated_consumer_ring(consumer);
}

void simulated_consumer_rebalance(struct simulated_consumer *consumer)
{
	if (!consumer_has_share(consumer)) {
		consumer_join_soon(consumer);
		return;
	}
	consumer->revoke = true;
	simulated_consumer_ring(consumer);
}

static void drop_notice(struct simulated_kafka *kafka, void *subject)
{
	struct simulated_consumer *consumer = subject;
	int64_t free_us = simulated_client_free_us(&consumer->client, true);
	if (free_us > kafka->now_us) {
		simulated_note(kafka, free_us, drop_notice, consumer);
		return;
	}
	consumer->give = consumer->revoke = false;
	if (consumer_has_share(consumer)) {
		consumer->lost = true;
		simulated_consumer_ring(consumer);
	} else {
		consumer_join_soon(consumer);
	}
}

void simulated_consumer_drop(struct simulated_consumer *consumer)
{
	consumer->member = 0;
	simulated_note(consumer->kafka, consumer->kafka->now_us + simulated_delay_us(consumer->kafka), drop_notice, consumer);
}

static void fence_notice(struct simulated_kafka *kafka, void *subject)
{
	struct simulated_consumer *consumer = subject;
	int64_t free_us = simulated_client_free_us(&consumer->client, true);
	if (free_us > kafka->now_us) {
		simulated_note(kafka, free_us, fence_notice, consumer);
		return;
	}
	error_set(&consumer->failure, ERROR_SYSTEM, PLACE_NONE,
		  "Kafka's consumer stopped: fenced by a newer instance of the name %s", consumer->config.instance);
	simulated_consumer_ring(consumer);
}

void simulated_consumer_fence(struct simulated_consumer *consumer)
{
	consumer->member = 0;
	int64_t soon_us = random_between(&consumer->kafka->random, MS, SIMULATED_HEARTBEAT_US);
	simulated_note(consumer->kafka, consumer->kafka->now_us + soon_us, fence_notice, consumer);
}

/* ---- the assignment ---- */

static struct positions positions_held(struct simulated_consumer *consumer)
{
	struct position *items = simulated_take(consumer->kafka, consumer->reading_count, sizeof *items);
	if (!items)
		return (struct positions){0};
	for (size_t i = 0; i < consumer->reading_count; i++)
		items[i] = (struct position){consumer->readings[i].topic, consumer->readings[i].partition->partition, OFFSET_NONE};
	return (struct positions){consumer->reading_count, items};
}

/* Partitions that are given before it gave others up come after that; those that do not come back are lost. */
static void change_note(struct simulated_consumer *consumer)
{
	if (consumer->change == ASSIGNMENT_TAKEN && consumer->give && !positions_include(consumer->given, consumer->changed))
		consumer->change = ASSIGNMENT_LOST;
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

static void readings_drop(struct simulated_consumer *consumer)
{
	for (size_t i = 0; i < consumer->reading_count; i++) {
		consumer->readings[i].version++;
		consumer->readings[i].partition->readers--;
	}
	consumer->readings = NULL;
	consumer->reading_count = 0;
	consumer->queue_count = 0;
}

static void offsets_read(struct simulated_request *request, enum simulated_answer answer)
{
	(void)answer;
	struct simulated_reading *readings = request->owner;
	struct simulated_consumer *consumer = readings->consumer;
	if (consumer->readings != readings)
		return;
	for (size_t i = 0; i < consumer->reading_count; i++) {
		if (readings[i].known)
			continue;
		readings[i].known = true;
		readings[i].position = request->positions.items[i].offset == OFFSET_NONE ? readings[i].partition->begin
											 : request->positions.items[i].offset;
		reading_fetch(consumer->kafka, &readings[i]);
	}
}

static bool readings_add(struct simulated_consumer *consumer, struct positions positions)
{
	struct simulated_kafka *kafka = consumer->kafka;
	consumer->readings = simulated_take(kafka, positions.count, sizeof *consumer->readings);
	if (positions.count == 0)
		return consumer->readings;
	struct simulated_request *request = simulated_request_make(kafka, SIMULATED_READ_OFFSETS, &consumer->client);
	if (!request || !consumer->readings || !simulated_request_positions(kafka, request, positions, &consumer->consumer))
		return false;
	consumer->reading_count = positions.count;
	for (size_t i = 0; i < positions.count; i++) {
		const struct position *position = &positions.items[i];
		struct simulated_topic *topic = consumer->found[position->topic];
		consumer->readings[i] = (struct simulated_reading){.consumer = consumer,
								   .partition = &topic->partitions[position->partition],
								   .topic = position->topic,
								   .position = position->offset,
								   .known = position->offset != OFFSET_NONE};
		consumer->readings[i].partition->readers++;
		reading_fetch(kafka, &consumer->readings[i]);
	}
	request->replied = offsets_read;
	request->owner = consumer->readings;
	simulated_request_send(kafka, request);
	return true;
}

static enum assignment_change simulated_change(const struct consumer *self, struct positions *positions)
{
	const struct simulated_consumer *consumer = (const struct simulated_consumer *)self;
	*positions = consumer->changed;
	return consumer->change;
}

static bool simulated_accept(struct consumer *self, struct error *error)
{
	struct simulated_consumer *consumer = (struct simulated_consumer *)self;
	enum assignment_change change = consumer->change;
	consumer->change = ASSIGNMENT_SAME;
	readings_drop(consumer);
	if (change == ASSIGNMENT_GIVEN) {
		bool dropped = consumer->member == 0 && consumer->config.assigned.count == 0;
		consumer->membership = (struct simulated_membership){consumer->group, dropped ? MEMBER_OF_OLD : consumer->member,
								     consumer->given_generation};
		if (!readings_add(consumer, consumer->changed))
			return error_memory(error, ERROR_SYSTEM, "taking over partitions");
		if (!consumer->joined && consumer->config.assigned.count == 0)
			simulated_group_ask(consumer->kafka, consumer->group, consumer);
		consumer->joined = true;
	} else if (consumer->group) {
		/* Nothing is held any more that could be lost or asked back. */
		consumer->lost = consumer->revoke = false;
		if (!consumer->give)
			consumer_join_soon(consumer);
	}
	simulated_consumer_ring(consumer);
	return true;
}

static bool simulated_seek(struct consumer *self, struct positions positions, struct error *error)
{
	(void)error;
	struct simulated_consumer *consumer = (struct simulated_consumer *)self;
	for (size_t i = 0; i < positions.count; i++)
		for (size_t j = 0; j < consumer->reading_count; j++) {
			struct simulated_reading *reading = &consumer->readings[j];
			const struct position *position = &positions.items[i];
			if (reading->topic != position->topic || reading->partition->partition != position->partition ||
			    position->offset == OFFSET_NONE)
				continue;
			reading->version++;
			reading->fetching = false;
			reading->known = true;
			reading->position = position->offset;
			reading_fetch(consumer->kafka, reading);
		}
	return true;
}

/* What was fetched and not taken is fetched again. */
static void reading_pause(struct simulated_reading *reading)
{
	const struct simulated_consumer *consumer = reading->consumer;
	for (size_t i = consumer->queue_count; i-- > 0;) {
		const struct simulated_queued *queued = &consumer->queue[(consumer->queue_first + i) % SIMULATED_QUEUE];
		if (queued->reading == reading && queued->version == reading->version)
			reading->position = queued->offset;
	}
	reading->version++;
	reading->fetching = false;
	reading->paused = true;
}

static bool simulated_pause(struct consumer *self, struct positions positions, bool paused, struct error *error)
{
	(void)error;
	struct simulated_consumer *consumer = (struct simulated_consumer *)self;
	for (size_t i = 0; i < positions.count; i++)
		for (size_t j = 0; j < consumer->reading_count; j++) {
			struct simulated_reading *reading = &consumer->readings[j];
			if (reading->topic != positions.items[i].topic ||
			    reading->partition->partition != positions.items[i].partition || reading->paused == paused)
				continue;
			if (paused)
				reading_pause(reading);
			reading->paused = paused;
			reading_fetch(consumer->kafka, reading);
		}
	return true;
}

static bool topics_are_found(const struct simulated_consumer *consumer)
{
	for (size_t i = 0; i < consumer->topics.count; i++)
		if (!consumer->found[i])
			return false;
	return true;
}

/* As librdkafka, it looks for topics that are missing, and joins its group again for one that is there: even while it is to give
 * partitions up. */
static void topics_look(struct simulated_kafka *kafka, void *subject)
{
	struct simulated_consumer *consumer = subject;
	bool is_new = false;
	if (consumer->client.closed)
		return;
	for (size_t i = 0; i < consumer->topics.count; i++) {
		const bool is_missing = !consumer->found[i];
		consumer->found[i] = simulated_find(kafka, consumer->topics.names[i]);
		is_new |= is_missing && consumer->found[i];
	}
	if (is_new && consumer->change == ASSIGNMENT_TAKEN)
		consumer_join_soon(consumer);
	else if (is_new)
		simulated_group_follow(kafka, consumer->group, consumer);
	if (!topics_are_found(consumer))
		simulated_note(kafka, kafka->now_us + LOOK_US, topics_look, consumer);
}

static bool topics_find(struct simulated_consumer *consumer)
{
	const struct consumer_topics *topics = &consumer->topics;
	consumer->found = simulated_take(consumer->kafka, topics->count, sizeof(struct simulated_topic *));
	for (size_t i = 0; consumer->found && i < topics->count; i++)
		consumer->found[i] = simulated_find(consumer->kafka, topics->names[i]);
	return consumer->found;
}

static bool simulated_follow(struct consumer *self, const struct consumer_topics *topics, struct error *error)
{
	struct simulated_consumer *consumer = (struct simulated_consumer *)self;
	bool *read = simulated_take(consumer->kafka, topics->count, sizeof *read);
	if (!read)
		return error_memory(error, ERROR_SYSTEM, "reading other topics");
	for (size_t i = 0; i < topics->count; i++)
		read[i] = !topics->read || topics->read[i];
	consumer->topics = (struct consumer_topics){topics->names, topics->count, read};
	if (!topics_find(consumer))
		return error_memory(error, ERROR_SYSTEM, "reading other topics");
	simulated_group_follow(consumer->kafka, consumer->group, consumer);
	return true;
}

/* ---- taking ---- */

static bool simulated_consumer_take(struct consumer *self, struct record *records, size_t room, size_t *count, struct error *error)
{
	struct simulated_consumer *consumer = (struct simulated_consumer *)self;
	*count = 0;
	if (consumer->failure.kind != ERROR_NONE) {
		*error = consumer->failure;
		return false;
	}
	size_t held = consumer->queue_count;
	for (; consumer->queue_count > 0 && *count < room; consumer->queue_count--) {
		const struct simulated_queued *queued = &consumer->queue[consumer->queue_first];
		consumer->queue_first = (consumer->queue_first + 1) % SIMULATED_QUEUE;
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
		reading_fetch(consumer->kafka, &consumer->readings[i]);
	change_note(consumer);
	return true;
}

static void simulated_stay(struct consumer *self)
{
	(void)self; /* no member is dropped here for not polling */
}

static int simulated_bell(const struct consumer *self)
{
	return ((const struct simulated_consumer *)self)->bell;
}

/* ---- opening and closing ---- */

static void simulated_consumer_close(struct consumer *self)
{
	struct simulated_consumer *consumer = (struct simulated_consumer *)self;
	struct simulated_kafka *kafka = consumer->kafka;
	struct simulated_consumer **link = &kafka->consumers;
	while (*link != consumer)
		link = &(*link)->next;
	*link = consumer->next;
	readings_drop(consumer);
	commit_references_close(&consumer->consumer.references);
	consumer->client.closed = true;
	if (!consumer->group || consumer->client.host->dead)
		return;
	if (consumer->config.instance)
		simulated_group_silence(kafka, consumer->group, consumer);
	else
		simulated_group_leave(kafka, consumer->group, consumer);
}

static const struct consumer_operations operations = {
	.close = simulated_consumer_close,
	.bell = simulated_bell,
	.take = simulated_consumer_take,
	.stay = simulated_stay,
	.change = simulated_change,
	.accept = simulated_accept,
	.seek = simulated_seek,
	.pause = simulated_pause,
	.follow = simulated_follow,
	.gap = simulated_gap,
};

struct consumer *simulated_consumer_open(struct simulated_host *host, struct loop *loop, const struct consumer_config *config,
					 struct error *error)
{
	struct simulated_kafka *kafka = host->kafka;
	struct simulated_consumer *consumer = simulated_take(kafka, 1, sizeof *consumer);
	struct simulated_group *group = simulated_group_find(kafka, config->group);
	if (!consumer || !group)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a consumer"));
	consumer->consumer.operations = &operations;
	consumer->next = kafka->consumers;
	consumer->kafka = kafka;
	consumer->config = *config;
	consumer->topics = (struct consumer_topics){config->topics, config->topic_count, NULL};
	consumer->gaps_end = &consumer->gaps;
	consumer->loop = loop;
	consumer->bell = loop_bell(loop);
	consumer->group = group;
	consumer->client = (struct simulated_client){host, false, &consumer->closed_sockets};
	if (!topics_find(consumer))
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a consumer"));
	kafka->consumers = consumer;
	if (!topics_are_found(consumer))
		simulated_note(kafka, kafka->now_us + LOOK_US, topics_look, consumer);
	if (config->assigned.count > 0)
		simulated_consumer_give(consumer, 0, config->assigned);
	else
		consumer_join_soon(consumer);
	return &consumer->consumer;
}
