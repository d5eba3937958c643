/* roster.c: see roster.h. */
#include "serving/roster.h"

#include "base/memory.h"

struct errand *roster_take(struct roster *roster)
{
	struct errand *errand = roster->free;
	if (errand)
		roster->free = errand->next;
	else if (!(errand = memory_take(1, sizeof *errand)))
		return NULL;
	*errand = (struct errand){.dispatch = roster->dispatch, .sending = errand->sending, .carriage = errand->carriage};
	return errand;
}

void roster_give(struct roster *roster, struct errand *errand)
{
	if (errand->attempts.call)
		errand->attempts.call->under_way = NULL;
	errand->state = ERRAND_FREE;
	errand->attempts.call = NULL;
	errand->next = roster->free;
	roster->free = errand;
}

void roster_wait(struct roster *roster, struct errand *errand, bool first)
{
	errand->state = ERRAND_WAITS;
	errand->attempts.call->where = CALL_IN_LINE;
	errand->probe = false;
	(first ? errands_add_first : errands_add)(&roster->line, errand);
	roster->moved = true;
}

void roster_pause(struct roster *roster, struct errand *errand, int64_t until_us)
{
	errand->state = ERRAND_PAUSED;
	errand->attempts.call->where = CALL_PAUSED;
	errand->at_us = until_us;
	errands_add_by_time(&roster->paused, errand);
}

void roster_end(struct roster *roster, struct errand *errand)
{
	errand->state = ERRAND_OVER;
	errands_add(&roster->over, errand);
}

struct roster_closing {
	void (*discard)(void *context, struct errand *errand);
	void *context;
};

static void errand_close(const struct roster_closing *closing, struct errand *errand)
{
	closing->discard(closing->context, errand);
	if (errand->carriage)
		arena_close(errand->carriage->arena);
	memory_give(errand->carriage);
	memory_give(errand);
}

static void members_close(const struct roster_closing *closing, const struct errand *carrier)
{
	for (struct errand *member = carrier->members, *next; member; member = next) {
		next = member->next_member;
		errand_close(closing, member);
	}
}

static void errands_close(const struct roster_closing *closing, struct errand *first)
{
	for (struct errand *errand = first, *next; errand; errand = next) {
		next = errand->next;
		errand_close(closing, errand);
	}
}

void roster_close(struct roster *roster, void (*discard)(void *context, struct errand *errand), void *context)
{
	const struct roster_closing closing = {discard, context};
	for (const struct errand *errand = roster->sent.first; errand; errand = errand->next)
		members_close(&closing, errand);
	errands_close(&closing, roster->line.first);
	errands_close(&closing, roster->paused.first);
	errands_close(&closing, roster->sent.first);
	errands_close(&closing, roster->over.first);
	errands_close(&closing, roster->free);
}
