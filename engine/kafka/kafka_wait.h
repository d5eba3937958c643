/* kafka_wait.h: Bounds of a thread's waits for Kafka, and what it waits for now. For a start, whose functions wait one after the
 * other: another thread may end all of these waits, or a time that they share.
 *
 * The functions of this module that wait return within some seconds then, as if the time of their own was over.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct kafka_wait { /* starts as {0} */
	atomic_bool stopping; /* ends the waits; any thread may set it */
	int64_t until_ms;     /* ends them at that time of clock_ms(); 0: there is none */
	/* Constant words, as in "the list of its topics"; NULL: nothing yet. Any thread may read it. */
	_Atomic(const char *) awaited;
};

/* Bounds the waits of the calling thread from now on; NULL: they have the limits of each function alone. Borrowed until then. */
void kafka_wait_bound(struct kafka_wait *wait);

/* Notes what the calling thread waits for. */
void kafka_wait_note(const char *awaited);

/* Whether its waits are bounded, and whether they are over. */
bool kafka_wait_is_bounded(void);
bool kafka_wait_is_over(void);

/* The time that is left of so many milliseconds; at least 1. */
int kafka_wait_left_ms(int64_t most_ms);
