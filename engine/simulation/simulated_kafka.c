/* simulated_kafka.c: Clock, random faults and processes of the simulated Kafka; see simulated_kafka.h. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"
#include "simulation/simulated_world.h"

#define ARENA_BYTES ((size_t)256 << 20) /* of one simulated run */
#define TELL_BYTES 256

const char *const simulated_mishap_names[] = {
	[SIMULATED_REQUEST_LOST] = "requests lost", [SIMULATED_REPLY_LOST] = "replies lost",
	[SIMULATED_REQUEST_LATE] = "requests late", [SIMULATED_SLOW] = "requests slow",
	[SIMULATED_REFUSED] = "requests refused",   [SIMULATED_QUEUE_FULL] = "queues full",
	[SIMULATED_UNWANTED] = "records unwanted",
};
static_assert(sizeof simulated_mishap_names / sizeof *simulated_mishap_names == SIMULATED_MISHAPS, "each mishap has its name");

/* ---- memory ---- */

struct simulated_kafka *simulated_open(const struct simulated_config *config)
{
	struct simulated_kafka *kafka = memory_take(1, sizeof *kafka);
	if (!kafka)
		return NULL;
	kafka->config = *config;
	kafka->random.state = config->seed;
	kafka->arena = arena_open(ARENA_BYTES);
	if (kafka->arena)
		return kafka;
	simulated_close(kafka);
	return NULL;
}

void simulated_close(struct simulated_kafka *kafka)
{
	if (!kafka)
		return;
	arena_close(kafka->arena);
	memory_give(kafka->events);
	memory_give(kafka);
}

bool simulated_failed(const struct simulated_kafka *kafka)
{
	return kafka->failed;
}

void *simulated_take(struct simulated_kafka *kafka, size_t count, size_t size)
{
	void *piece = arena_take(kafka->arena, count ? count : 1, size);
	kafka->failed |= !piece;
	return piece;
}

/* ---- what happens next ---- */

static bool is_before(const struct simulated_event *a, const struct simulated_event *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static bool events_fit(struct simulated_kafka *kafka)
{
	if (kafka->event_count < kafka->event_capacity)
		return true;
	size_t capacity = kafka->event_capacity ? kafka->event_capacity * 2 : 256;
	struct simulated_event *events = memory_resize(kafka->events, capacity, sizeof *events);
	if (!events)
		return false;
	kafka->events = events;
	kafka->event_capacity = capacity;
	return true;
}

void simulated_note(struct simulated_kafka *kafka, int64_t due_us, void (*happen)(struct simulated_kafka *kafka, void *subject),
		    void *subject)
{
	const struct simulated_event event = {due_us, kafka->noted++, happen, subject};
	if (due_us == INT64_MAX)
		return;
	if (!events_fit(kafka)) {
		kafka->failed = true;
		return;
	}
	size_t place = kafka->event_count++;
	for (size_t above; place > 0 && is_before(&event, &kafka->events[above = (place - 1) / 2]); place = above)
		kafka->events[place] = kafka->events[above];
	kafka->events[place] = event;
}

static struct simulated_event take_first(struct simulated_kafka *kafka)
{
	struct simulated_event *events = kafka->events, first = events[0], last = events[--kafka->event_count];
	size_t place = 0;
	for (size_t child; (child = 2 * place + 1) < kafka->event_count; place = child) {
		if (child + 1 < kafka->event_count && is_before(&events[child + 1], &events[child]))
			child++;
		if (!is_before(&events[child], &last))
			break;
		events[place] = events[child];
	}
	events[place] = last;
	return first;
}

int64_t simulated_due_us(const struct simulated_kafka *kafka)
{
	return kafka->event_count > 0 ? kafka->events[0].due_us : INT64_MAX;
}

void simulated_advance(struct simulated_kafka *kafka, int64_t now_us)
{
	while (simulated_due_us(kafka) <= now_us) {
		struct simulated_event event = take_first(kafka);
		kafka->now_us = event.due_us > kafka->now_us ? event.due_us : kafka->now_us;
		event.happen(kafka, event.subject);
	}
	kafka->now_us = now_us;
}

/* ---- chance ---- */

#define EVEN_DELAY_US 500

int64_t simulated_delay_us(struct simulated_kafka *kafka)
{
	return kafka->config.even ? EVEN_DELAY_US : random_between(&kafka->random, 100, 900);
}

bool simulated_mishap_injected(struct simulated_kafka *kafka, enum simulated_mishap mishap)
{
	bool injected = !kafka->calm && random_in_thousand(&kafka->random, kafka->config.mishaps[mishap]);
	kafka->mishaps[mishap] += injected;
	return injected;
}

void simulated_calm(struct simulated_kafka *kafka)
{
	kafka->calm = true;
}

uint64_t simulated_mishaps(const struct simulated_kafka *kafka, enum simulated_mishap mishap)
{
	return kafka->mishaps[mishap];
}

uint64_t simulated_rebalances(const struct simulated_kafka *kafka)
{
	return kafka->rebalances;
}

uint64_t simulated_fences(const struct simulated_kafka *kafka)
{
	return kafka->fences;
}

uint64_t simulated_timeouts(const struct simulated_kafka *kafka)
{
	return kafka->timeouts;
}

uint64_t simulated_batches_refused(const struct simulated_kafka *kafka)
{
	return kafka->batches_refused;
}

void simulated_inject(struct simulated_kafka *kafka, enum simulated_request_kind kind, enum simulated_mishap mishap,
		      int64_t late_us)
{
	kafka->injected[kind].set = true;
	kafka->injected[kind].mishap = mishap;
	kafka->injected[kind].late_us = late_us;
}

void simulated_tell(struct simulated_kafka *kafka, const char *who, const char *format, ...)
{
	char what[TELL_BYTES];
	va_list arguments;
	if (!kafka->config.tell)
		return;
	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	kafka->config.tell(kafka->config.context, kafka->now_us, who, what);
}

/* ---- processes ---- */

struct simulated_host *simulated_host_open(struct simulated_kafka *kafka, const char *name)
{
	struct simulated_host *host = simulated_take(kafka, 1, sizeof *host);
	if (!host)
		return NULL;
	*host = (struct simulated_host){.kafka = kafka, .name = name};
	size_t bytes = simulated_batch_bytes_max(kafka);
	if (kafka->config.batches.readable && bytes < BATCH_USUAL_BYTES)
		atomic_store(&host->batches.bytes, bytes);
	return host;
}

/* The group gets no heartbeats from members on this process. */
static void host_is_silent(struct simulated_host *host)
{
	for (struct simulated_consumer *consumer = host->kafka->consumers; consumer; consumer = consumer->next)
		if (consumer->client.host == host && consumer->group)
			simulated_group_silence(host->kafka, consumer->group, consumer);
}

void simulated_host_kill(struct simulated_host *host)
{
	host->dead = true;
	host_is_silent(host);
}

void simulated_host_freeze(struct simulated_host *host, int64_t until_us)
{
	host->frozen_until_us = until_us;
	host_is_silent(host);
}

void simulated_host_cut(struct simulated_host *host, int64_t until_us)
{
	host->cut_until_us = until_us;
	host_is_silent(host);
}

int64_t simulated_client_free_us(const struct simulated_client *client, bool network)
{
	return client->closed ? INT64_MAX : simulated_host_free_us(client->host, network);
}

int64_t simulated_host_free_us(const struct simulated_host *host, bool network)
{
	if (host->dead)
		return INT64_MAX;
	int64_t free_us = host->kafka->now_us;
	if (host->frozen_until_us > free_us)
		free_us = host->frozen_until_us;
	if (network && host->cut_until_us > free_us)
		free_us = host->cut_until_us;
	return free_us;
}

/* ---- topics ---- */

bool simulated_topic(struct simulated_kafka *kafka, const char *name, int32_t partitions)
{
	if (simulated_find(kafka, name))
		return true;
	struct simulated_topic *topic = simulated_take(kafka, 1, sizeof *topic);
	struct simulated_partition *items = simulated_take(kafka, (size_t)partitions, sizeof *items);
	if (!topic || !items || kafka->partition_count + (size_t)partitions > SIMULATED_PARTITIONS_MAX)
		return false;
	*topic = (struct simulated_topic){
		.next = kafka->topics, .name = text_of(name), .count = partitions, .partitions = items};
	kafka->topics = topic;
	for (int32_t i = 0; i < partitions; i++) {
		items[i] = (struct simulated_partition){.number = kafka->partition_count, .topic = topic, .partition = i};
		kafka->partitions[kafka->partition_count++] = &items[i];
	}
	return true;
}

struct simulated_topic *simulated_find(const struct simulated_kafka *kafka, const char *name)
{
	struct text wanted = text_of(name);
	struct simulated_topic *topic = kafka->topics;
	while (topic && !text_equal(topic->name, wanted))
		topic = topic->next;
	return topic;
}

struct output *simulated_output_open(struct simulated_host *host, struct loop *loop, const struct transaction_config *config,
				     const struct consumer *consumer, struct error *error)
{
	return config->id ? simulated_transaction_open(host, loop, config, consumer, error)
			  : simulated_at_least_once_open(host, loop, config, consumer, error);
}
