/* pause.h: Pauses between attempts, each twice as long as the one before, up to a bound. Pure. */
#pragma once

#include <stdint.h>

/* The pause after one of `pause_ms`; 0: the first one. */
static inline int64_t pause_next(int64_t pause_ms, int64_t first_ms, int64_t most_ms)
{
	const int64_t next_ms = pause_ms > 0 ? 2 * pause_ms : first_ms;
	return next_ms < most_ms ? next_ms : most_ms;
}
