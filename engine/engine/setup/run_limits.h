/* run_limits.h: Check of the process limits before an engine starts, or another command uses Kafka: it finds those that
 * are too low. */
#pragma once

#include <stddef.h>

#include "base/error.h"

/* Address space in addition to the engine's records from Kafka (--memory): for its code, its heap, and the stacks of
 * librdkafka's threads. Each stack is 8 MiB, and there are about fourteen for each worker. librdkafka aborts the
 * process when it gets no thread. */
#define RUN_ADDRESS_BYTES ((size_t)384 << 20)
#define RUN_ADDRESS_BYTES_OF_WORKER ((size_t)128 << 20)

/* For files, event descriptors and connections of one worker to one broker; more brokers need more. An engine with
 * too few stays up without a connection. */
#define RUN_DESCRIPTORS 64
#define RUN_DESCRIPTORS_OF_WORKER 40

/* False: SYSTEM, with the limit, its value, and the value needed. `chosen`: the memory was set by --memory. */
bool run_limits_check(size_t memory_bytes, bool chosen, size_t workers, struct error *error);

/* For a command that uses Kafka: its files, and the clients of one broker. With fewer some of what it asks is not answered,
 * and it takes that for the state of engines. */
#define CLIENT_DESCRIPTORS 32

/* False: SYSTEM, with the limit, its value, and the value needed. */
bool run_limits_check_client(struct error *error);
