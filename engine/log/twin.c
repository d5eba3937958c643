/* twin.c: Clock, random faults and processes of the simulated Kafka; see twin.h. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"
#include "log/twin_world.h"

#define ARENA_BYTES ((size_t)256 << 20) /* of one simulated day */
#define TELL_BYTES 256

const char *const twin_mishap_names[] = {
	[TWIN_REQUEST_LOST] = "requests lost", [TWIN_REPLY_LOST] = "replies lost", [TWIN_REQUEST_LATE] = "requests late",
	[TWIN_SLOW] = "requests slow",	       [TWIN_REFUSED] = "requests refused", [TWIN_QUEUE_FULL] = "queues full",
	[TWIN_UNWANTED] = "records unwanted",
};
static_assert(sizeof twin_mishap_names / sizeof *twin_mishap_names == TWIN_MISHAPS, "each mishap has its name");

/* ---- memory ---- */

struct twin *twin_open(const struct twin_config *config)
{
	struct twin *twin = memory_take(1, sizeof *twin);
	if (!twin)
		return NULL;
	twin->config = *config;
	twin->random.state = config->seed;
	twin->arena = arena_open(ARENA_BYTES);
	if (twin->arena)
		return twin;
	twin_close(twin);
	return NULL;
}

void twin_close(struct twin *twin)
{
	if (!twin)
		return;
	arena_close(twin->arena);
	memory_give(twin->events);
	memory_give(twin);
}

bool twin_failed(const struct twin *twin)
{
	return twin->failed;
}

void *twin_take(struct twin *twin, size_t count, size_t size)
{
	void *piece = arena_take(twin->arena, count ? count : 1, size);
	twin->failed |= !piece;
	return piece;
}

/* ---- what happens next ---- */

static bool is_before(const struct twin_event *a, const struct twin_event *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static bool events_fit(struct twin *twin)
{
	if (twin->event_count < twin->event_capacity)
		return true;
	size_t capacity = twin->event_capacity ? twin->event_capacity * 2 : 256;
	struct twin_event *events = memory_resize(twin->events, capacity, sizeof *events);
	if (!events)
		return false;
	twin->events = events;
	twin->event_capacity = capacity;
	return true;
}

void twin_note(struct twin *twin, int64_t due_us, void (*happen)(struct twin *twin, void *subject), void *subject)
{
	const struct twin_event event = {due_us, twin->noted++, happen, subject};
	if (due_us == INT64_MAX)
		return;
	if (!events_fit(twin)) {
		twin->failed = true;
		return;
	}
	size_t place = twin->event_count++;
	for (size_t above; place > 0 && is_before(&event, &twin->events[above = (place - 1) / 2]); place = above)
		twin->events[place] = twin->events[above];
	twin->events[place] = event;
}

static struct twin_event take_first(struct twin *twin)
{
	struct twin_event *events = twin->events, first = events[0], last = events[--twin->event_count];
	size_t place = 0;
	for (size_t child; (child = 2 * place + 1) < twin->event_count; place = child) {
		if (child + 1 < twin->event_count && is_before(&events[child + 1], &events[child]))
			child++;
		if (!is_before(&events[child], &last))
			break;
		events[place] = events[child];
	}
	events[place] = last;
	return first;
}

int64_t twin_due_us(const struct twin *twin)
{
	return twin->event_count > 0 ? twin->events[0].due_us : INT64_MAX;
}

void twin_advance(struct twin *twin, int64_t now_us)
{
	while (twin_due_us(twin) <= now_us) {
		struct twin_event event = take_first(twin);
		twin->now_us = event.due_us > twin->now_us ? event.due_us : twin->now_us;
		event.happen(twin, event.subject);
	}
	twin->now_us = now_us;
}

/* ---- chance ---- */

int64_t twin_delay_us(struct twin *twin)
{
	return random_between(&twin->random, 100, 900);
}

bool twin_mishap_strikes(struct twin *twin, enum twin_mishap mishap)
{
	bool strikes = !twin->calm && random_in_thousand(&twin->random, twin->config.mishaps[mishap]);
	twin->mishaps[mishap] += strikes;
	return strikes;
}

void twin_calm(struct twin *twin)
{
	twin->calm = true;
}

uint64_t twin_mishaps(const struct twin *twin, enum twin_mishap mishap)
{
	return twin->mishaps[mishap];
}

uint64_t twin_rebalances(const struct twin *twin)
{
	return twin->rebalances;
}

uint64_t twin_fences(const struct twin *twin)
{
	return twin->fences;
}

uint64_t twin_timeouts(const struct twin *twin)
{
	return twin->timeouts;
}

uint64_t twin_batches_refused(const struct twin *twin)
{
	return twin->batches_refused;
}

void twin_strike(struct twin *twin, enum twin_request_kind kind, enum twin_mishap mishap, int64_t late_us)
{
	twin->strikes[kind].set = true;
	twin->strikes[kind].mishap = mishap;
	twin->strikes[kind].late_us = late_us;
}

void twin_tell(struct twin *twin, const char *who, const char *format, ...)
{
	char what[TELL_BYTES];
	va_list arguments;
	if (!twin->config.tell)
		return;
	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	twin->config.tell(twin->config.context, twin->now_us, who, what);
}

/* ---- processes ---- */

struct twin_host *twin_host_open(struct twin *twin, const char *name)
{
	struct twin_host *host = twin_take(twin, 1, sizeof *host);
	if (!host)
		return NULL;
	*host = (struct twin_host){.twin = twin, .name = name};
	size_t bytes = twin_batch_bytes_max(twin);
	if (twin->config.batches.readable && bytes < BATCH_USUAL_BYTES)
		atomic_store(&host->batches.bytes, bytes);
	return host;
}

/* The group gets no heartbeats from members on this process. */
static void host_is_silent(struct twin_host *host)
{
	for (struct twin_consumer *consumer = host->twin->consumers; consumer; consumer = consumer->next)
		if (consumer->client.host == host && consumer->group)
			twin_group_silence(host->twin, consumer->group, consumer);
}

void twin_host_kill(struct twin_host *host)
{
	host->dead = true;
	host_is_silent(host);
}

void twin_host_freeze(struct twin_host *host, int64_t until_us)
{
	host->frozen_until_us = until_us;
	host_is_silent(host);
}

void twin_host_cut(struct twin_host *host, int64_t until_us)
{
	host->cut_until_us = until_us;
	host_is_silent(host);
}

int64_t twin_client_free_us(const struct twin_client *client, bool network)
{
	const struct twin_host *host = client->host;
	if (host->dead || client->closed)
		return INT64_MAX;
	int64_t free_us = host->twin->now_us;
	if (host->frozen_until_us > free_us)
		free_us = host->frozen_until_us;
	if (network && host->cut_until_us > free_us)
		free_us = host->cut_until_us;
	return free_us;
}

/* ---- topics ---- */

bool twin_topic(struct twin *twin, const char *name, int32_t partitions)
{
	if (twin_find(twin, name))
		return true;
	struct twin_topic *topic = twin_take(twin, 1, sizeof *topic);
	struct twin_partition *items = twin_take(twin, (size_t)partitions, sizeof *items);
	if (!topic || !items || twin->partition_count + (size_t)partitions > TWIN_PARTITIONS_MAX)
		return false;
	*topic = (struct twin_topic){twin->topics, text_of(name), partitions, items, 0};
	twin->topics = topic;
	for (int32_t i = 0; i < partitions; i++) {
		items[i] = (struct twin_partition){.number = twin->partition_count, .topic = topic, .partition = i};
		twin->partitions[twin->partition_count++] = &items[i];
	}
	return true;
}

struct twin_topic *twin_find(const struct twin *twin, const char *name)
{
	struct text wanted = text_of(name);
	struct twin_topic *topic = twin->topics;
	while (topic && !text_equal(topic->name, wanted))
		topic = topic->next;
	return topic;
}

struct output *twin_output_open(struct twin_host *host, struct loop *loop, const struct transaction_config *config,
				const struct consumer *consumer, struct error *error)
{
	return config->id ? twin_transaction_open(host, loop, config, consumer, error)
			  : twin_shipments_open(host, loop, config, consumer, error);
}
