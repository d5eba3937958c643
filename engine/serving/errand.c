/* errand.c: see errand.h. */
#include "serving/errand.h"

#include "base/duration.h"

/* Behind `before`; NULL: first. */
static void insert(struct errands *list, struct errand *before, struct errand *errand)
{
	errand->previous = before;
	errand->next = before ? before->next : list->first;
	*(errand->next ? &errand->next->previous : &list->last) = errand;
	*(before ? &before->next : &list->first) = errand;
	list->count++;
}

void errands_add(struct errands *list, struct errand *errand)
{
	insert(list, list->last, errand);
}

void errands_add_first(struct errands *list, struct errand *errand)
{
	insert(list, NULL, errand);
}

void errands_add_by_time(struct errands *list, struct errand *errand)
{
	struct errand *before = list->last;
	while (before && before->at_us > errand->at_us)
		before = before->previous;
	insert(list, before, errand);
}

void errands_remove(struct errands *list, struct errand *errand)
{
	*(errand->previous ? &errand->previous->next : &list->first) = errand->next;
	*(errand->next ? &errand->next->previous : &list->last) = errand->previous;
	errand->next = errand->previous = NULL;
	list->count--;
}

struct errand *errands_take(struct errands *list)
{
	struct errand *errand = list->first;
	if (errand)
		errands_remove(list, errand);
	return errand;
}

void errands_prefer_untried(struct errands *line)
{
	size_t looked = 0;
	struct errand *errand = line->first;
	while (errand && errand->attempts.made > 0 && looked++ < LOOKED_THROUGH_MAX)
		errand = errand->next;
	if (!errand || errand->attempts.made > 0 || errand == line->first)
		return;
	errands_remove(line, errand);
	errands_add_first(line, errand);
}

void errand_recalled(struct errand *errand)
{
	errand->recalls++;
	errand->alone = errand->alone || errand->recalls == RECALLS_MOST;
}

void errand_paused(struct errand *errand, int64_t pause_us, int64_t now_us)
{
	int64_t since_us = now_us - errand->at_us, left_out_us = since_us < pause_us ? since_us : pause_us;
	errand->at_us += left_out_us;
	errand->paused_us += left_out_us;
}

bool errand_lay_still(const struct errand *errand, int64_t now_us)
{
	return errand->paused_us > now_us - errand->at_us;
}

int64_t errand_timeout_ms(const struct errand *errand, int64_t now_us)
{
	int64_t deadline_ms = errand->attempts.call->message->deadline_ms, left_ms = deadline_ms - now_us / US_PER_MS;
	return deadline_ms > 0 && left_ms < errand->attempts.timeout_ms ? left_ms : errand->attempts.timeout_ms;
}
