/* record_delivery.c: see record_delivery.h. */
#include "kafka/produce/record_delivery.h"

#include <assert.h>

#include "base/clock.h"
#include "kafka/produce/sender.h"

#define DELIVERY_LOOK_MS 100

struct delivery_run {
	const struct record_delivery *delivery;
	struct error *error;
	uint64_t rejected;
	bool is_stopping;
	int64_t until_ms;
};

static void delivery_on_refusal(void *context, uint64_t number, const char *reason)
{
	const struct delivery_run *run = context;
	(void)number;
	error_set(run->error, ERROR_REMOTE, PLACE_NONE,
		  "Kafka refuses records for topic %s: %s; grant Write on it, and see whether its brokers are up",
		  run->delivery->topic, reason);
}

static void delivery_on_rejection(void *context, uint64_t number, const char *reason)
{
	struct delivery_run *run = context;
	run->rejected++;
	run->delivery->rejected(run->delivery->context, (size_t)number, reason);
}

/* The wait for what was sent last ends after its timeout, or earlier when the call is to stop. */
static bool delivery_is_over(struct delivery_run *run)
{
	const struct record_delivery *delivery = run->delivery;
	const int64_t now_ms = clock_ms();
	if (!run->is_stopping && delivery->stopping && atomic_load(delivery->stopping)) {
		run->is_stopping = true;
		const int64_t by_ms = delivery->stop_by_ms ? atomic_load(delivery->stop_by_ms) : now_ms;
		run->until_ms = by_ms < run->until_ms ? by_ms : run->until_ms;
	}
	return now_ms >= run->until_ms;
}

/* False: no further record can be sent, or the call is to stop. */
static bool delivery_send(struct delivery_run *run, struct sender *sender, const struct outgoing *records, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct error refusal = {0};
		if (!run->is_stopping)
			run->until_ms = clock_ms() + run->delivery->timeout_ms;
		if (delivery_is_over(run))
			return false;
		if (sender_send(sender, &records[i], i, &refusal))
			continue;
		if (refusal.kind != ERROR_LIMIT)
			return error_set(run->error, refusal.kind, PLACE_NONE, "%s", refusal.text);
		delivery_on_rejection(run, i, refusal.text);
	}
	return true;
}

bool records_deliver(const struct record_delivery *delivery, const struct outgoing *records, size_t count, struct error *error)
{
	assert(delivery->brokers && delivery->topic && delivery->rejected);
	struct delivery_run run = {.delivery = delivery, .error = error, .until_ms = clock_ms() + delivery->timeout_ms};
	const struct sender_config config = {.brokers = delivery->brokers,
					     .topic = delivery->topic,
					     .timeout_ms = delivery->timeout_ms,
					     .properties = delivery->properties,
					     .refused = delivery_on_refusal,
					     .rejected = delivery_on_rejection,
					     .context = &run};
	struct sender *sender = sender_open(&config, error);
	if (!sender)
		return false;
	bool settled = false;
	if (delivery_send(&run, sender, records, count))
		while (!(settled = sender_settled(sender, DELIVERY_LOOK_MS)) && !delivery_is_over(&run))
			;
	const bool delivered = settled && sender_acknowledged(sender) + run.rejected == count;
	sender_close(sender);
	return delivered ||
	       error_set(error, ERROR_REMOTE, PLACE_NONE,
			 "Kafka has not acknowledged records for topic %s; see whether its brokers are up", delivery->topic);
}
