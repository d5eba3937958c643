/* queued_call.c: see queued_call.h. */
#include "models/calls/queued_call.h"

#include "base/number/duration.h"
#include "models/calls/concurrency_limit.h"

/* Inserts after `before`; NULL: as the first. */
static void queued_call_insert(struct queued_calls *list, struct queued_call *before, struct queued_call *queued_call)
{
	assert(!queued_call->previous && !queued_call->next); /* it is in no list */
	queued_call->previous = before;
	queued_call->next = before ? before->next : list->first;
	*(queued_call->next ? &queued_call->next->previous : &list->last) = queued_call;
	*(before ? &before->next : &list->first) = queued_call;
	list->count++;
}

void queued_calls_add(struct queued_calls *list, struct queued_call *queued_call)
{
	queued_call_insert(list, list->last, queued_call);
}

void queued_calls_add_first(struct queued_calls *list, struct queued_call *queued_call)
{
	queued_call_insert(list, NULL, queued_call);
}

void queued_calls_add_by_time(struct queued_calls *list, struct queued_call *queued_call)
{
	struct queued_call *before = list->last;
	while (before && before->at_us > queued_call->at_us)
		before = before->previous;
	queued_call_insert(list, before, queued_call);
}

bool queued_call_perturbs(const struct queued_call *queued_call)
{
	return queued_call->attempts.call && queued_call->attempts.call->uncached;
}

void queued_calls_add_in_turn(struct queued_calls *line, struct queued_call *queued_call)
{
	struct queued_call *before = line->last;
	while (before && queued_call_perturbs(before) && !queued_call_perturbs(queued_call))
		before = before->previous;
	queued_call_insert(line, before, queued_call);
}

size_t queued_calls_ahead(const struct queued_calls *line)
{
	size_t count = line->count;
	for (const struct queued_call *last = line->last; last && queued_call_perturbs(last); last = last->previous)
		count--;
	return count;
}

void queued_calls_remove(struct queued_calls *list, struct queued_call *queued_call)
{
	assert(list->count > 0);
	*(queued_call->previous ? &queued_call->previous->next : &list->first) = queued_call->next;
	*(queued_call->next ? &queued_call->next->previous : &list->last) = queued_call->previous;
	queued_call->next = queued_call->previous = NULL;
	list->count--;
}

struct queued_call *queued_calls_take(struct queued_calls *list)
{
	struct queued_call *queued_call = list->first;
	if (queued_call)
		queued_calls_remove(list, queued_call);
	return queued_call;
}

void queued_calls_prefer_untried(struct queued_calls *line)
{
	size_t looked = 0;
	struct queued_call *queued_call = line->first;
	while (queued_call && queued_call->attempts.made > 0 && looked++ < LOOKED_THROUGH_MAX)
		queued_call = queued_call->next;
	if (!queued_call || queued_call->attempts.made > 0 || queued_call == line->first)
		return;
	queued_calls_remove(line, queued_call);
	queued_calls_add_first(line, queued_call);
}

void queued_call_recalled(struct queued_call *queued_call)
{
	queued_call->recalls++;
	queued_call->alone = queued_call->alone || queued_call->recalls == RECALLS_MOST;
}

void queued_call_paused(struct queued_call *queued_call, int64_t pause_us, int64_t now_us)
{
	assert(pause_us >= 0 && now_us >= queued_call->at_us);
	int64_t since_us = now_us - queued_call->at_us, left_out_us = since_us < pause_us ? since_us : pause_us;
	queued_call->at_us += left_out_us;
	queued_call->paused_us += left_out_us;
}

bool queued_call_lay_still(const struct queued_call *queued_call, int64_t now_us)
{
	return queued_call->paused_us > now_us - queued_call->at_us;
}

int64_t queued_call_likely_us(const struct queued_call *queued_call, const struct attempt *attempt, int64_t took_us,
			      int64_t usual_us)
{
	const int64_t least_us = took_us > attempt->unread_us ? took_us - attempt->unread_us : 0,
		      most_us = took_us + queued_call->paused_us;
	if (usual_us == 0) {
		const bool vague = took_us - least_us > CONCURRENCY_FELT_US && least_us < took_us / 2;
		return queued_call->paused_us > 0 || vague ? -1 : took_us;
	}
	return usual_us < least_us ? least_us : usual_us > most_us ? most_us : usual_us;
}

int64_t queued_call_timeout_ms(const struct queued_call *queued_call, int64_t now_us)
{
	int64_t deadline_ms = call_deadline_ms(queued_call->attempts.call), left_ms = deadline_ms - now_us / US_PER_MS;
	return deadline_ms > 0 && left_ms < queued_call->attempts.timeout_ms ? left_ms : queued_call->attempts.timeout_ms;
}

/* ---- time in line ---- */

bool queued_call_is_untried(const struct queued_call *queued_call)
{
	return queued_call->attempts.made + queued_call->attempts.unmet + queued_call->recalls == 0;
}

int64_t queued_call_waited_us(const struct queued_call *queued_call, const struct full_line *line, int64_t outage_us,
			      int64_t now_us)
{
	const int64_t waited_us = now_us - queued_call->at_us - (outage_us - queued_call->outage_before_us) -
				  full_line_own_us(line, queued_call->at_us, now_us);
	return waited_us > 0 ? waited_us : 0;
}

static void wait_note(const struct queued_call *queued_call, const struct full_line *line, int64_t outage_us, int64_t now_us)
{
	if (queued_call->attempts.call && queued_call_is_untried(queued_call))
		queued_call->attempts.call->waited_ms = queued_call_waited_us(queued_call, line, outage_us, now_us) / US_PER_MS;
}

void queued_call_note_wait(const struct queued_call *queued_call, const struct full_line *line, int64_t outage_us, int64_t now_us)
{
	if (!queued_call->members)
		wait_note(queued_call, line, outage_us, now_us);
	for (const struct queued_call *member = queued_call->members; member; member = member->next_member)
		wait_note(member, line, outage_us, now_us);
}
