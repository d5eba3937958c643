/* kafka_wait.c: see kafka_wait.h. */
#include "kafka/kafka_wait.h"

#include <limits.h>
#include <stddef.h>

#include "base/clock.h"

static _Thread_local struct kafka_wait *bound;

void kafka_wait_bound(struct kafka_wait *wait)
{
	bound = wait;
}

void kafka_wait_note(const char *awaited)
{
	if (bound)
		atomic_store(&bound->awaited, awaited);
}

bool kafka_wait_is_bounded(void)
{
	return bound != NULL;
}

bool kafka_wait_is_over(void)
{
	return bound && (atomic_load(&bound->stopping) || (bound->until_ms > 0 && clock_ms() >= bound->until_ms));
}

int kafka_wait_left_ms(int64_t most_ms)
{
	int64_t left_ms = bound && bound->until_ms > 0 ? bound->until_ms - clock_ms() : most_ms;
	if (left_ms > most_ms)
		left_ms = most_ms;
	return left_ms < 1 ? 1 : left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}
