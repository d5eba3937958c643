/* loop.h: the one wait point of a thread: descriptors, bells and timers.
 *
 * Whatever can wake a worker (Kafka's queues, HTTP, the committer, a signal) is a
 * descriptor here, so there is one place where the thread sleeps: loop_turn(). Its
 * functions are entered from there and must not wait for anything themselves.
 *
 * Watches and timers are parts of their owners' structs: the loop borrows them until
 * they are taken back, and takes no memory for them but a place in the timers' heap.
 *
 * A loop belongs to one thread; only bell_ring() may be called from others, and from
 * signal handlers.
 */
#ifndef SLUICE_NET_LOOP_H
#define SLUICE_NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct loop;

struct loop *loop_open(struct error *error); /* NULL: SYSTEM */
void loop_close(struct loop *loop);          /* what is watched stays open; NULL is fine */

/* Sleeps until something is ready or due, at most `timeout_ms` (-1: for ever, 0: only
 * looks), and enters the functions of what is. */
bool loop_turn(struct loop *loop, int timeout_ms, struct error *error);

/* Milliseconds that never go back, as of the last wake-up. */
int64_t loop_now_ms(const struct loop *loop);

/* The same clock, finer, and as of now. */
int64_t loop_clock_us(const struct loop *loop);

/* Milliseconds since 1970, as of now: the machine's, or what a virtual loop says. */
int64_t loop_time_of_day_ms(const struct loop *loop);

/* What is to be added to milliseconds of the loop's clock, to have those since 1970. */
static inline int64_t loop_began_ms(const struct loop *loop)
{
	return loop_time_of_day_ms(loop) - loop_now_ms(loop);
}

/* ---- descriptors ---- */

struct watch {
	void (*ready)(void *context, uint32_t events); /* EPOLLIN | ... */
	void *context;
	int descriptor; /* the loop's: set by loop_watch() */
};

/* `ready` and `context` are filled in by the caller. */
bool loop_watch(struct loop *loop, struct watch *watch, int descriptor, uint32_t events, struct error *error);
bool loop_watch_for(struct loop *loop, struct watch *watch, uint32_t events, struct error *error); /* other events from now on */

/* Before the descriptor is closed. `ready` is not entered any more, not even for what
 * was found in the present turn. */
void loop_unwatch(struct loop *loop, struct watch *watch);

/* ---- timers ---- */

struct loop_timer {
	void (*due)(void *context);
	void *context;
	int64_t due_ms; /* the loop's, as is the place in its heap: 0 when not set */
	size_t place;
};

/* Once, at `due_ms` of loop_now_ms(); a timer that is set already moves. False: no
 * memory, and the timer is not set. */
bool loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t due_ms, struct error *error);
void loop_timer_stop(struct loop *loop, struct loop_timer *timer); /* fine when it is not set */

/* ---- pauses ---- */

/* A process can stand still while all else goes on: stopped, moved to another machine, kept from a processor.
 * What came meanwhile looks late, and need not be. So whoever measures others by this clock is told, before
 * anything else is entered, when the loop wakes more than LOOP_PAUSE_MS later than it meant to; what the thread has
 * worked does not count. In the time that is told, since the wake-up before, nobody knows when anything came.
 *
 * A pause within a long sleep is seen as far as it goes beyond it: who wants it seen keeps sleeps short. */
#define LOOP_PAUSE_MS 100 /* less is felt by nobody, and comes about on any busy machine */

struct pause_watch {
	void (*paused)(void *context, int64_t since_ms);
	void *context;
	struct pause_watch *next; /* the loop's */
};

void loop_watch_pauses(struct loop *loop, struct pause_watch *watch);
void loop_unwatch_pauses(struct loop *loop, struct pause_watch *watch); /* not from `paused`; fine when it is not watched */

/* ---- virtual loops: time is handed in, and nothing waits ---- */

/* For the simulator. Sleeping is the simulator's: a turn only notes until when it would
 * have slept, and loop_wake() is what follows on a sleep: it enters what was rung and
 * what is due. Descriptors may be watched, but nothing comes from them. Work takes no time:
 * all that is beyond the sleep is a pause. */
#define LOOP_VIRTUAL_EPOCH_MS INT64_C(1700000000000) /* the time of day at its 0 */
struct loop *loop_open_virtual(int64_t now_ms, struct error *error);
void loop_wake(struct loop *loop, int64_t now_ms);
int64_t loop_wake_ms(const struct loop *loop); /* INT64_MAX: only when it is rung */

/* Bells without a descriptor, numbers below -1, to be watched like one: a ring is heard
 * once. They belong to the loop. */
int loop_bell(struct loop *loop);
void loop_ring(struct loop *loop, int bell);

/* ---- bells: an eventfd, by which other threads wake the loop ---- */

int bell_open(struct error *error); /* the caller closes it; -1: SYSTEM */
void bell_ring(int bell);
bool bell_quiet(int bell); /* whether it had been rung; it is quiet afterwards, as a virtual loop's always is */

#endif
