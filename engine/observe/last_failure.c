/* last_failure.c: see last_failure.h. */
#include "observe/last_failure.h"

#include <stdio.h>

static _Atomic uint64_t failures;

static bool failure_enter(struct last_failure *last)
{
	return !atomic_exchange_explicit(&last->busy, true, memory_order_acquire);
}

static void failure_leave(struct last_failure *last)
{
	atomic_store_explicit(&last->busy, false, memory_order_release);
}

void last_failure_note(struct last_failure *last, const struct error *error, const char *step)
{
	if (!failure_enter(last))
		return;
	last->number = atomic_fetch_add_explicit(&failures, 1, memory_order_relaxed) + 1;
	last->kind = error->kind;
	(void)snprintf(last->step, sizeof last->step, "%s", step ? step : "");
	(void)snprintf(last->text, sizeof last->text, "%s", error->text);
	failure_leave(last);
}

bool last_failure_read(struct last_failure *last, struct last_failure *copy)
{
	if (!failure_enter(last))
		return false;
	copy->number = last->number;
	copy->kind = last->kind;
	(void)snprintf(copy->step, sizeof copy->step, "%s", last->step);
	(void)snprintf(copy->text, sizeof copy->text, "%s", last->text);
	failure_leave(last);
	return copy->number > 0;
}
