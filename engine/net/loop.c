/* loop.c: Event loop on epoll, with a heap of timers; virtual loops are at the end. See loop.h. */
#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define EVENTS_A_TURN 64 /* more wait in the kernel for the next turn */
#define VIRTUAL_BELLS_MAX 8
#define VIRTUAL_BELL_FIRST (-2)			/* -1 is no descriptor */
#define TIMERS_AT_FIRST 16

/* Replacement of descriptors in a virtual loop. */
struct virtual {
	struct watch *watches[VIRTUAL_BELLS_MAX];
	int bells;
	uint32_t rung; /* one bit for each */
	int64_t wake_ms;
	int64_t sleep_ms; /* intended sleep of the last turn; -1: for ever */
};

static_assert(VIRTUAL_BELLS_MAX <= 32, "each bell has a bit");

struct loop {
	int epoll; /* -1: a virtual loop */
	struct virtual virtual;
	int64_t now_ms, began_ms;
	struct pause_watch *pause_watches;
	int64_t woke_us, busy_us;  /* the last wake-up, and from the one before until the thread waited */
	int64_t looked_ms, ran_ms; /* for the detection of pauses: the time of the last check, and the processor time of the
				    * thread until then */
	struct loop_timer **heap; /* the earliest at index 1, so that index 0 means not set */
	size_t timers;
	size_t capacity;
	uint64_t round; /* odd while timers are called; those that are set then are called in the next turn */
	struct epoll_event events[EVENTS_A_TURN];
	int found; /* number of `events` in this turn */
};

static bool loop_refused(struct error *error, const char *what)
{
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the kernel refused %s: %s; raise the limits on descriptors", what,
			 strerror(errno));
}

struct loop *loop_open(struct error *error)
{
	struct loop *loop = memory_take(1, sizeof *loop);
	if (!loop)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening an event loop"));
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		loop_refused(error, "an epoll descriptor");
		memory_give(loop);
		return NULL;
	}
	loop->woke_us = clock_us();
	loop->now_ms = loop->woke_us / US_PER_MS;
	loop->began_ms = time_of_day_ms() - loop->now_ms;
	loop->ran_ms = -1; /* of the thread that turns the loop: known at its first turn */
	return loop;
}

void loop_close(struct loop *loop)
{
	if (!loop)
		return;
	if (loop->epoll >= 0)
		close(loop->epoll);
	memory_give(loop->heap);
	memory_give(loop);
}

int64_t loop_now_ms(const struct loop *loop)
{
	return loop->now_ms;
}

int64_t loop_clock_us(const struct loop *loop)
{
	int64_t loop_us = loop->now_ms * US_PER_MS;
	if (loop->epoll < 0)
		return loop_us;
	int64_t us = clock_us();
	return us > loop_us ? us : loop_us;
}

int64_t loop_due_ms(const struct loop *loop, int64_t wait_ms)
{
	return loop_clock_us(loop) / US_PER_MS + wait_ms;
}

int64_t loop_busy_us(const struct loop *loop, int64_t now_us)
{
	return loop->epoll < 0 ? 0 : loop->busy_us + now_us - loop->woke_us;
}

int64_t loop_time_of_day_ms(const struct loop *loop)
{
	return loop->epoll < 0 ? loop_now_of_day_ms(loop) : time_of_day_ms();
}

int64_t loop_now_of_day_ms(const struct loop *loop)
{
	return loop->began_ms + loop->now_ms;
}

int64_t loop_began_ms(const struct loop *loop)
{
	return loop->began_ms;
}

/* ---- pauses ---- */

void loop_watch_pauses(struct loop *loop, struct pause_watch *watch)
{
	assert(watch->paused);
	watch->next = loop->pause_watches;
	loop->pause_watches = watch;
}

void loop_unwatch_pauses(struct loop *loop, struct pause_watch *watch)
{
	for (struct pause_watch **link = &loop->pause_watches; *link; link = &(*link)->next)
		if (*link == watch) {
			*link = watch->next;
			return;
		}
}

/* Whether the process was paused: for longer than LOOP_PAUSE_MS since it woke at `before_ms`, the thread has neither
 * slept by itself nor worked. `meant_ms`: its intended sleep; -1: for ever. */
static bool stood_still(struct loop *loop, int64_t before_ms, int64_t meant_ms)
{
	int64_t ran_before_ms = loop->ran_ms, ran_ms = 0;
	if (loop->epoll >= 0) {
		loop->ran_ms = thread_ran_ms();
		ran_ms = ran_before_ms < 0 ? loop->now_ms - before_ms : loop->ran_ms - ran_before_ms;
	}
	return meant_ms >= 0 && loop->now_ms - before_ms - meant_ms - ran_ms > LOOP_PAUSE_MS;
}

static void look_back(struct loop *loop, int64_t before_ms, int64_t meant_ms)
{
	loop->looked_ms = loop->now_ms;
	if (!stood_still(loop, before_ms, meant_ms))
		return;
	for (struct pause_watch *watch = loop->pause_watches; watch; watch = watch->next)
		watch->paused(watch->context, loop->now_ms - before_ms);
	loop->busy_us = loop->pause_watches ? 0 : loop->busy_us;
}

/* Checks for a pause, unless less time has passed than a pause takes. */
static inline void loop_note_time(struct loop *loop, int64_t now_ms, int64_t meant_ms)
{
	int64_t before_ms = loop->now_ms;
	loop->now_ms = now_ms;
	if (now_ms - loop->looked_ms > LOOP_PAUSE_MS)
		look_back(loop, before_ms, meant_ms);
}

/* ---- virtual loops ---- */

struct loop *loop_open_virtual(int64_t now_ms, struct error *error)
{
	struct loop *loop = memory_take(1, sizeof *loop);
	if (!loop)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening an event loop"));
	loop->epoll = -1;
	loop->began_ms = LOOP_VIRTUAL_EPOCH_MS;
	loop->now_ms = loop->virtual.wake_ms = now_ms;
	return loop;
}

int loop_bell(struct loop *loop)
{
	assert(loop->epoll < 0 && loop->virtual.bells < VIRTUAL_BELLS_MAX);
	return VIRTUAL_BELL_FIRST - loop->virtual.bells++;
}

void loop_ring(struct loop *loop, int bell)
{
	assert(bell <= VIRTUAL_BELL_FIRST && bell > VIRTUAL_BELL_FIRST - loop->virtual.bells);
	loop->virtual.rung |= UINT32_C(1) << (VIRTUAL_BELL_FIRST - bell);
	loop->virtual.wake_ms = loop->now_ms;
}

int64_t loop_wake_ms(const struct loop *loop)
{
	return loop->virtual.wake_ms;
}

static bool virtual_watch(struct loop *loop, const struct watch *watch, struct watch *entered)
{
	if (watch->descriptor <= VIRTUAL_BELL_FIRST)
		loop->virtual.watches[VIRTUAL_BELL_FIRST - watch->descriptor] = entered;
	return true;
}

static void enter_rung(struct loop *loop)
{
	for (int i = 0; i < loop->virtual.bells; i++) {
		struct watch *watch = loop->virtual.watches[i];
		bool rung = loop->virtual.rung & UINT32_C(1) << i;
		loop->virtual.rung &= ~(UINT32_C(1) << i);
		if (rung && watch)
			watch->ready(watch->context, EPOLLIN);
	}
}

/* ---- descriptors ---- */

static bool control(struct loop *loop, int operation, struct watch *watch, uint32_t events, struct error *error)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	return epoll_ctl(loop->epoll, operation, watch->descriptor, &event) == 0 || loop_refused(error, "to watch a descriptor");
}

bool loop_watch(struct loop *loop, struct watch *watch, int descriptor, uint32_t events, struct error *error)
{
	assert(watch->ready);
	watch->descriptor = descriptor;
	if (loop->epoll < 0)
		return virtual_watch(loop, watch, watch);
	return control(loop, EPOLL_CTL_ADD, watch, events, error);
}

bool loop_watch_for(struct loop *loop, struct watch *watch, uint32_t events, struct error *error)
{
	return loop->epoll < 0 || control(loop, EPOLL_CTL_MOD, watch, events, error);
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
	if (loop->epoll < 0) {
		virtual_watch(loop, watch, NULL);
		return;
	}
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->descriptor, NULL);
	for (int i = 0; i < loop->found; i++)
		if (loop->events[i].data.ptr == watch)
			loop->events[i].data.ptr = NULL;
}

/* ---- timers ---- */

static void loop_put(struct loop *loop, size_t place, struct loop_timer *timer)
{
	loop->heap[place] = timer;
	timer->place = place;
}

static inline bool timers_are_called(const struct loop *loop)
{
	return loop->round % 2 == 1;
}

/* Whether it goes below a timer that is due at the same time. While timers are called, one that is due must not hold back what
 * waits, as it may have been set meanwhile. */
static inline bool timer_yields(const struct loop *loop, const struct loop_timer *timer)
{
	return timers_are_called(loop) && timer->due_ms <= loop->now_ms;
}

static void sift(struct loop *loop, size_t place, struct loop_timer *timer)
{
	for (; place > 1 && loop->heap[place / 2]->due_ms > timer->due_ms; place /= 2)
		loop_put(loop, place, loop->heap[place / 2]);
	for (size_t child; (child = place * 2) <= loop->timers; place = child) {
		if (child < loop->timers && loop->heap[child + 1]->due_ms < loop->heap[child]->due_ms)
			child++;
		if (loop->heap[child]->due_ms >= timer->due_ms &&
		    (loop->heap[child]->due_ms > timer->due_ms || !timer_yields(loop, timer)))
			break;
		loop_put(loop, place, loop->heap[child]);
	}
	loop_put(loop, place, timer);
}

/* Whether a timer is in the heap. A timer of another loop, or one that was copied or overwritten while set, is not. */
static bool is_in_heap(const struct loop *loop, const struct loop_timer *timer)
{
	return timer->place <= loop->timers && loop->heap[timer->place] == timer;
}

bool loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t due_ms, struct error *error)
{
	assert(timer->due);
	/* While timers are called, one that is set for the past comes after those that are due: it is called in the next turn. */
	timer->due_ms = due_ms < loop->now_ms && timers_are_called(loop) ? loop->now_ms : due_ms;
	timer->round = loop->round;
	if (timer->place) {
		assert(is_in_heap(loop, timer));
		sift(loop, timer->place, timer);
		return true;
	}
	struct loop_timer **heap = /* whose place 0 is not used */
		memory_grow(loop->heap, loop->timers + 1, &loop->capacity, TIMERS_AT_FIRST, sizeof(struct loop_timer *));
	if (!heap)
		return error_memory(error, ERROR_SYSTEM, "setting a timer");
	loop->heap = heap;
	sift(loop, ++loop->timers, timer);
	return true;
}

void loop_timer_remove(struct loop *loop, struct loop_timer *timer)
{
	assert(is_in_heap(loop, timer));
	struct loop_timer *last = loop->heap[loop->timers--];
	if (last != timer)
		sift(loop, timer->place, last);
	timer->place = 0;
}

static void enter_due(struct loop *loop)
{
	loop->round++;
	while (loop->timers > 0 && loop->heap[1]->due_ms <= loop->now_ms && loop->heap[1]->round != loop->round) {
		struct loop_timer *timer = loop->heap[1];
		loop_timer_stop(loop, timer);
		timer->due(timer->context);
	}
	loop->round++;
}

static int sleep_ms(const struct loop *loop, int timeout_ms)
{
	if (loop->timers == 0)
		return timeout_ms;
	int64_t until = loop->heap[1]->due_ms - clock_ms();
	if (until < 0)
		until = 0;
	if (timeout_ms >= 0 && timeout_ms < until)
		return timeout_ms;
	return until < INT_MAX ? (int)until : INT_MAX;
}

/* ---- turning ---- */

static void virtual_turn(struct loop *loop, int timeout_ms)
{
	struct virtual *virtual = &loop->virtual;
	virtual->wake_ms = timeout_ms < 0 ? INT64_MAX : loop->now_ms + timeout_ms;
	if (loop->timers > 0 && loop->heap[1]->due_ms < virtual->wake_ms)
		virtual->wake_ms = loop->heap[1]->due_ms;
	if (virtual->rung || virtual->wake_ms < loop->now_ms)
		virtual->wake_ms = loop->now_ms;
	virtual->sleep_ms = virtual->wake_ms == INT64_MAX ? -1 : virtual->wake_ms - loop->now_ms;
}

void loop_wake(struct loop *loop, int64_t now_ms)
{
	assert(loop->epoll < 0);
	loop_note_time(loop, now_ms, loop->virtual.sleep_ms);
	enter_rung(loop);
	enter_due(loop);
}

bool loop_turn(struct loop *loop, int timeout_ms, struct error *error)
{
	if (loop->epoll < 0) {
		virtual_turn(loop, timeout_ms);
		return true;
	}
	int most_ms = sleep_ms(loop, timeout_ms);
	loop->busy_us = clock_us() - loop->woke_us;
	int found = epoll_wait(loop->epoll, loop->events, EVENTS_A_TURN, most_ms);
	if (found < 0) /* interrupted by a signal, also by SIGCONT: events that arrived meanwhile come before timers */
		found = epoll_wait(loop->epoll, loop->events, EVENTS_A_TURN, 0);
	if (found < 0 && errno != EINTR)
		return loop_refused(error, "to wait for events");
	loop->woke_us = clock_us();
	loop->began_ms = time_of_day_ms() - loop->woke_us / US_PER_MS;
	loop_note_time(loop, loop->woke_us / US_PER_MS, most_ms);
	loop->found = found < 0 ? 0 : found;
	for (int i = 0; i < loop->found; i++) {
		struct watch *watch = loop->events[i].data.ptr;
		if (watch)
			watch->ready(watch->context, loop->events[i].events);
	}
	loop->found = 0;
	enter_due(loop);
	return true;
}

/* ---- bells ---- */

int bell_open(struct error *error)
{
	int bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (bell < 0)
		loop_refused(error, "an eventfd");
	return bell;
}

void bell_ring(int bell)
{
	uint64_t one = 1;
	/* It can only fail after 2^64 - 2 rings: then it is ringing already. */
	ssize_t written = write(bell, &one, sizeof one);
	(void)written;
}

bool bell_quiet(int bell)
{
	uint64_t count;
	return bell >= 0 && read(bell, &count, sizeof count) == sizeof count;
}
