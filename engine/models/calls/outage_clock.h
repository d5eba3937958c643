/* outage_clock.h: Clock of a model's outages: when the last one was, and how long they have lasted in all, as far as they delayed
 * calls. So the time that a call stood in line is told from the time that its model kept it waiting.
 *
 * `stands`: an outage lasts, since the last note at the latest. It is noted before that changes.
 */
#ifndef SLUICE_MODELS_CALLS_OUTAGE_CLOCK_H
#define SLUICE_MODELS_CALLS_OUTAGE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct outage_clock {		     /* zeroed: there was none */
	int64_t latest_us;	     /* of an outage; 0: there was none */
	int64_t noted_us, lasted_us; /* all together, until the last note */
};

static inline int64_t outage_clock_us(const struct outage_clock *clock, bool stands, int64_t now_us)
{
	return clock->lasted_us + (stands ? now_us - clock->noted_us : 0);
}

static inline void outage_clock_note(struct outage_clock *clock, bool stands, int64_t now_us)
{
	clock->lasted_us = outage_clock_us(clock, stands, now_us);
	clock->noted_us = now_us;
	if (stands)
		clock->latest_us = now_us;
}

#endif
