/* process_memory.h: Memory of a process: the limit of its container, what --memory is where it is not given, and the share of its
 * gateway. The rest is that of its workers (engine/setup/memory_shares.h). */
#pragma once

#include <stddef.h>

#include "kafka/record.h"
#include "observe/log_sink.h"

#define MEMORY_USUAL_BYTES ((size_t)256 << 20)
#define MEMORY_BESIDE_BYTES ((size_t)50 << 20) /* of the program and its libraries, beside --memory and state */

/* The least memory limit of the cgroup of the process and of those above it, of version 1 or 2; SIZE_MAX: there is none. `root`
 * is the folder that has `proc` and `sys`: "" but in tests. */
size_t memory_cgroup_limit(const char *root);

/* --memory of a process: `asked_bytes`, or, if that is 0, MEMORY_USUAL_BYTES, or half of the part that each of the processes has of
 * the cgroup's limit, if that is less. */
size_t memory_choose(size_t asked_bytes, size_t limit_bytes, size_t processes);

/* Logs that the memory is chosen by the limit of the cgroup, or warns that it does not fit in it. */
void memory_log(const struct log_sink *log, size_t asked_bytes, size_t memory_bytes, size_t limit_bytes);

/* The share of a gateway beside workers. */
static inline size_t memory_of_gateway(size_t memory_bytes)
{
	return memory_bytes / 2;
}

/* The row of --memory; `field` of `owner` is a double. */
#define MEMORY_ROW(owner, field, text)                                                                                             \
	ROW("memory", QUANTITY, owner, field, .word = "SIZE",                                                                      \
	    .help = text " Default: 256Mi, or half of the memory limit of the container (cgroup) if that is less.")

/* Settings of the consumers of a gateway with that share, in the arena: of each of `at_once` that run at the same time. The user's
 * own come after them. items NULL: memory ran out. */
struct properties memory_gateway_consumer(size_t gateway_bytes, size_t at_once, struct properties users, struct arena *arena);
