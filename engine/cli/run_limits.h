/* run_limits.h: limits of the process that are too low for an engine, found before it starts. For `sluice run` and
 * `sluice dev`.
 */
#ifndef SLUICE_CLI_RUN_LIMITS_H
#define SLUICE_CLI_RUN_LIMITS_H

#include <stddef.h>

#include "base/error.h"

/* Beside what an engine takes on from Kafka (--memory), for its code, its heap, and the stacks of librdkafka's threads, each
 * of 8 MiB: about fourteen for each worker. librdkafka aborts the process where it gets no thread. */
#define RUN_ADDRESS_BYTES ((size_t)384 << 20)
#define RUN_ADDRESS_BYTES_OF_WORKER ((size_t)128 << 20)

/* For files, bells and connections of one worker to one broker; with more of them more are needed. An engine that has too few
 * stays up without a connection. */
#define RUN_DESCRIPTORS 64
#define RUN_DESCRIPTORS_OF_WORKER 40

/* False: SYSTEM, with the limit, what it is, and what is needed. `chosen`: the memory is that of the option --memory. */
bool run_limits_check(size_t memory_bytes, bool chosen, size_t workers, struct error *error);

#endif
