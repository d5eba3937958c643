/* slow_model.h: Detector of a slow model: one that answers, but whose calls wait long for their turn, or take many times as
 * long as before. Pure: counts and the time are arguments.
 *
 * Every SLOW_WINDOW_MS the wait of a call is estimated: calls that waited during the whole window, divided by the calls
 * that left it. The model is slow from SLOW_WAIT_MS on. It is also slow if a call takes SLOW_TOOK_US and more, and
 * SLOW_TIMES as long as the mean before. It is slow until both are below the half. In a window in which no call ended, its
 * silence counts as the time that one takes: for how long calls are open and none of them ends. A look that comes late begins
 * it anew, since the engine itself stood still. It is slow, too, while calls are answered but one has been open for
 * SLOW_WINDOW_MS, and for SLOW_TIMES as long as the mean: a part of it hangs.
 *
 * After an outage of the model, calls wait because of what has gathered meanwhile, however quick it is. So waits do not count
 * while it is unreachable, and afterwards until calls do not wait any more, or for as long as the outage lasted:
 * SLOW_DRAIN_MS_MIN at least. A model that then takes a second and more for a call, and twice as long as before, is not quick:
 * its waits count. Nor do attempts of an outage belong to the mean before. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOW_WINDOW_MS 3000
#define SLOW_WAIT_MS 1000
#define SLOW_TOOK_US 100000
#define SLOW_TIMES 10
#define SLOW_DRAIN_MS_MIN 10000
#define SLOW_USUAL_ATTEMPTS 100 /* before that many, the mean is not known */

/* Counts of one model over all workers: since the start, and at present. */
struct model_load {
	uint64_t calls;			/* that were made; those that ended neither wait nor are in flight */
	uint64_t attempts, attempts_us; /* that ended, and the sum of their durations */
	uint64_t waiting, in_flight;
	uint64_t oldest_us; /* when the oldest one in flight was sent, by the clock of the looks; 0: none is */
	bool is_away; /* it is unreachable for a worker */
};

/* Starts as {.since_ms = now}. */
struct slow_model {
	struct model_load before; /* at the start of the window */
	int64_t since_ms;
	uint64_t least_waiting; /* in the window */
	struct model_load last;
	uint64_t usual_us, usual_attempts;	 /* of windows in which the model was not slow, nor in the next one */
	uint64_t previous_us, previous_attempts; /* of the previous window, if it may become one of these */
	int64_t took_us;			 /* mean attempt of the last window in which one ended; 0: none did */
	int64_t look_ms, silent_ms;		 /* the last look; for how long calls were open then, and none had ended */
	int64_t oldest_ms;			 /* for how long the oldest open call was open then; 0: none was */
	bool is_away, drains;		/* at the last look; and whether what gathered meanwhile is not done yet */
	int64_t away_ms, drain_until_ms; /* when it became unreachable; how long waits do not count afterwards */
	bool is_slow;
	int64_t slow_ms; /* when it became slow */
};

enum slow_news { SLOW_NONE, SLOW_BEGAN, SLOW_ENDED };

/* To be called about once a second. `lasted_ms`: how long it was slow, for SLOW_ENDED. */
enum slow_news slow_model_look(struct slow_model *model, const struct model_load *now, int64_t now_ms, int64_t *lasted_ms);

/* As in "512 ms a call (19 ms before), 8 at a time, 120 wait", "no reply for 12 s (19 ms a call before), 8 calls open, 120
 * wait" or "19 ms a call (19 ms before), but one without a reply for 12 s, 8 at a time, 0 wait". */
void slow_model_words(const struct slow_model *model, char *words, size_t size);
