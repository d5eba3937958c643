/* run_limits.c: see run_limits.h. */
#include "engine/setup/run_limits.h"

#include <assert.h>
#include <sys/resource.h>

#define MIB ((size_t)1 << 20)

static bool is_below(const struct rlimit *limit, size_t needed)
{
	return limit->rlim_cur != RLIM_INFINITY && limit->rlim_cur < needed;
}

bool run_limits_check(size_t memory_bytes, bool chosen, size_t workers, struct error *error)
{
	assert(workers > 0);
	struct rlimit limit;
	size_t address = memory_bytes + RUN_ADDRESS_BYTES + workers * RUN_ADDRESS_BYTES_OF_WORKER;
	size_t descriptors = RUN_DESCRIPTORS + workers * RUN_DESCRIPTORS_OF_WORKER;
	if (getrlimit(RLIMIT_AS, &limit) == 0 && is_below(&limit, address))
		return error_set(error, ERROR_SYSTEM, PLACE_NONE,
				 "the limit on address space (ulimit -v) is %zu MiB, and with %s and %zu worker%s an engine needs "
				 "%zu MiB; raise it, or remove it%s",
				 (size_t)limit.rlim_cur / MIB, chosen ? "this --memory" : "its own broker", workers,
				 workers == 1 ? "" : "s", address / MIB, chosen ? ": --memory bounds what the engine uses" : "");
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && is_below(&limit, descriptors))
		return error_set(error, ERROR_SYSTEM, PLACE_NONE,
				 "the limit on open files (ulimit -n) is %zu, and with %zu worker%s an engine needs %zu, and more "
				 "with many brokers or models; raise it",
				 (size_t)limit.rlim_cur, workers, workers == 1 ? "" : "s", descriptors);
	return true;
}

bool run_limits_check_client(struct error *error)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && is_below(&limit, CLIENT_DESCRIPTORS))
		return error_set(error, ERROR_SYSTEM, PLACE_NONE,
				 "the limit on open files (ulimit -n) is %zu, and a command that uses Kafka needs %d, and more "
				 "with many brokers; raise it",
				 (size_t)limit.rlim_cur, CLIENT_DESCRIPTORS);
	return true;
}
