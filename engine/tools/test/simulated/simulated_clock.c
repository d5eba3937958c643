/* simulated_clock.c: Clock and random faults of the simulated Kafka; see simulated_world.h. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"
#include "tools/test/simulated/simulated_world.h"

#define TELL_BYTES 256

const char *const simulated_mishap_names[] = {
	[SIMULATED_REQUEST_LOST] = "requests lost", [SIMULATED_REPLY_LOST] = "replies lost",
	[SIMULATED_REQUEST_LATE] = "requests late", [SIMULATED_SLOW] = "requests slow",
	[SIMULATED_REFUSED] = "requests refused",   [SIMULATED_QUEUE_FULL] = "queues full",
	[SIMULATED_UNWANTED] = "records unwanted",
};
static_assert(sizeof simulated_mishap_names / sizeof *simulated_mishap_names == SIMULATED_MISHAPS, "each mishap has its name");

void *simulated_take(struct simulated_kafka *kafka, size_t count, size_t size)
{
	void *piece = arena_take(kafka->arena, count ? count : 1, size);
	kafka->failed |= !piece;
	return piece;
}

/* ---- events ---- */

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

/* ---- when a process can act ---- */

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
