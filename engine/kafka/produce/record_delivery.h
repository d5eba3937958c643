/* record_delivery.h: Delivery of an array of records to one topic: opens a producer, sends them in their order, waits until Kafka
 * has acknowledged or refused each, and closes it.
 *
 * For threads that may wait, and for records that are rare, because each call opens a client. Any thread may call. Each call ends:
 * a record that Kafka does not acknowledge within the configured time is refused.
 */
#pragma once

#include <stdatomic.h>

#include "kafka/record.h"

struct record_delivery { /* borrowed */
	const char *brokers, *topic;
	struct properties properties;
	int64_t timeout_ms;	     /* of each record */
	const atomic_bool *stopping; /* set by another thread, it ends the call at once, or by `stop_by_ms`; NULL: there is none */
	const _Atomic int64_t *stop_by_ms; /* monotonic, and set before `stopping`; NULL: at once */
	/* Called for a record that Kafka would refuse each time, because it is too large or invalid: the others are delivered.
	 * `reason` says what to do, and is valid for the time of the call. */
	void (*rejected)(void *context, size_t index, const char *reason);
	void *context;
};

/* True: Kafka has all of them but those that were rejected. False: some may be missing, for the reason in `error`; rejected ones
 * may be among the others. */
bool records_deliver(const struct record_delivery *delivery, const struct outgoing *records, size_t count, struct error *error);
