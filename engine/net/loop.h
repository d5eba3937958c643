/* loop.h: Event loop of a thread: descriptors, bells and timers.
 *
 * Everything that can wake a worker (Kafka's queues, HTTP, the committer, a signal) is a descriptor here. So the
 * thread sleeps in one place: loop_turn(). It calls the functions of watches and timers, which must not block.
 *
 * Watches and timers are parts of their owners' structs. The loop borrows them until they are removed, and allocates
 * nothing for them but an entry in the timers' heap.
 *
 * A loop belongs to one thread. Only bell_ring() may be called from other threads, and from signal handlers.
 */
#pragma once

#include <sys/epoll.h>

#include "base/error.h"

struct loop;

struct loop *loop_open(struct error *error); /* NULL: SYSTEM */
void loop_close(struct loop *loop);          /* watched descriptors stay open; NULL is fine */

/* Sleeps until a descriptor is ready or a timer is due, at most `timeout_ms` (-1: no limit, 0: no sleep), and
 * calls their functions. */
bool loop_turn(struct loop *loop, int timeout_ms, struct error *error);

/* Monotonic time in milliseconds, as of the last wake-up. */
int64_t loop_now_ms(const struct loop *loop);

/* The same clock in microseconds, as of now. */
int64_t loop_clock_us(const struct loop *loop);

/* When `wait_ms` from now are over, in whole milliseconds of the clock: the last wake-up may be long ago. */
int64_t loop_due_ms(const struct loop *loop, int64_t wait_ms);

/* Microseconds between the former wake-up and `now_us`, of loop_clock_us(), in which the thread did not wait for events: it
 * worked, or was not scheduled. Data that is found now may have arrived that much earlier. A pause that was reported to a watch
 * (below) does not count. 0: a virtual loop. */
int64_t loop_busy_us(const struct loop *loop, int64_t now_us);

/* Milliseconds since 1970, as of now: by the machine's clock, or by a virtual loop's. */
int64_t loop_time_of_day_ms(const struct loop *loop);

/* The same as of the last wake-up, which costs no look at a clock. */
int64_t loop_now_of_day_ms(const struct loop *loop);

/* Offset from milliseconds of the loop's clock to milliseconds since 1970, as of the last wake-up. */
int64_t loop_began_ms(const struct loop *loop);

/* ---- descriptors ---- */

/* Events of a bell that is never silenced (bell_quiet()): `ready` is called once for all rings of a turn. That spares a system
 * call each time. */
#define LOOP_RINGS (EPOLLIN | EPOLLET)

struct watch {
	void (*ready)(void *context, uint32_t events); /* EPOLLIN | ... */
	void *context;
	int descriptor; /* the loop's: set by loop_watch() */
};

/* The caller sets `ready` and `context` before. */
bool loop_watch(struct loop *loop, struct watch *watch, int descriptor, uint32_t events, struct error *error);
bool loop_watch_for(struct loop *loop, struct watch *watch, uint32_t events, struct error *error); /* changes the watched events */

/* Stops a watch; to be called before the descriptor is closed. `ready` is not called any more, not even for events
 * that were found in the present turn. */
void loop_unwatch(struct loop *loop, struct watch *watch);

/* ---- timers ---- */

struct loop_timer {
	void (*due)(void *context);
	void *context;
	/* The loop's: */
	int64_t due_ms;
	uint64_t round; /* in which it was set */
	size_t place; /* index in the heap: 0 when not set */
};

/* Sets a timer that runs once, at `due_ms` of loop_now_ms(); a timer that is set already moves. A timer that is set while
 * another one runs is not called before the next turn: so a timer that sets itself for now works once a turn, after the descriptors
 * that are ready. False: no memory, and the timer is not set. */
bool loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t due_ms, struct error *error);
void loop_timer_remove(struct loop *loop, struct loop_timer *timer); /* of one that is set */

static inline void loop_timer_stop(struct loop *loop, struct loop_timer *timer) /* fine when it is not set */
{
	if (timer->place)
		loop_timer_remove(loop, timer);
}

/* ---- pauses ---- */

/* A process can be paused: stopped, migrated to another machine, or not scheduled. Data that arrived meanwhile
 * then looks late, and may not be. So a component that measures its peers by this clock watches pauses. Its
 * `paused` is called before all other functions when the loop wakes more than LOOP_PAUSE_MS later than planned.
 * Time in which the thread worked does not count. It gets the time since the former wake-up, within which the
 * arrival time of data is unknown.
 *
 * A pause within a long sleep is seen only as far as it exceeds the sleep, so sleeps must be short to detect
 * pauses. */
#define LOOP_PAUSE_MS 100 /* shorter pauses do no harm, and occur on any busy machine */

struct pause_watch {
	void (*paused)(void *context, int64_t since_ms);
	void *context;
	struct pause_watch *next; /* the loop's */
};

void loop_watch_pauses(struct loop *loop, struct pause_watch *watch);
void loop_unwatch_pauses(struct loop *loop, struct pause_watch *watch); /* not from `paused`; fine when it is not watched */

/* ---- virtual loops: the caller sets the time, and nothing waits ---- */

/* For the simulator, which does the sleeping: a turn only notes until when it would have slept. loop_wake() is the
 * end of that sleep: it calls the functions of bells that were rung and of timers that are due. Descriptors may be
 * watched, but have no events. Work takes no time: all time beyond the sleep is a pause. */
#define LOOP_VIRTUAL_EPOCH_MS INT64_C(1700000000000) /* the time of day at its time 0 */
struct loop *loop_open_virtual(int64_t now_ms, struct error *error);
void loop_wake(struct loop *loop, int64_t now_ms);
int64_t loop_wake_ms(const struct loop *loop); /* INT64_MAX: only when a bell rings */

/* Bells without a descriptor, numbers below -1, which are watched like descriptors. A ring is delivered once. They
 * belong to the loop. */
int loop_bell(struct loop *loop);
void loop_ring(struct loop *loop, int bell);

/* ---- bells: an eventfd, by which other threads wake the loop ---- */

int bell_open(struct error *error); /* the caller closes it; -1: SYSTEM */
void bell_ring(int bell);
bool bell_quiet(int bell); /* resets it; true: it had been rung; always false for a virtual loop's */
