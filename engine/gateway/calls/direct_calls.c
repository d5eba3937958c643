/* direct_calls.c: see direct_calls.h. */
#include "gateway/calls/direct_calls.h"

/* ---- from workers ---- */

static void on_messages(void *context, uint32_t events)
{
	const struct direct_calls *direct = context;
	struct direct_message *message = direct_hub_take(direct->hub);
	(void)events;
	for (struct direct_message *next; message; message = next) {
		next = message->next;
		direct->take(direct->context, message);
		direct_message_close(message);
	}
}

/* ---- to workers ---- */

static void on_wake(void *context)
{
	const struct direct_calls *direct = context;
	direct_hub_wake(direct->hub);
}

static void workers_wake_soon(struct direct_calls *direct)
{
	struct error error = {0};
	if (direct->wake.place == 0 && !loop_timer_set(direct->loop, &direct->wake, loop_now_ms(direct->loop), &error))
		direct_hub_wake(direct->hub);
}

static bool call_is_direct(const struct call_request *request)
{
	return request->target->direct && request->service == SERVICE_PREDICTIONS && !request->submits && !request->placed &&
	       !request->is_feedback;
}

enum direct_verdict direct_call_send(struct direct_calls *direct, const struct call_request *request, const struct outgoing *record,
				     uint64_t number)
{
	const struct direct_request sent = {.pipeline = text_of(request->target->name),
					    .place = request->place,
					    .key = record->key,
					    .value = record->value,
					    .headers = record->headers,
					    .time_ms = request->arrived_ms,
					    .call = number};
	if (!direct->hub || !call_is_direct(request))
		return DIRECT_ABSENT;
	const enum direct_verdict verdict = direct_hub_send(direct->hub, &sent);
	if (verdict == DIRECT_SENT)
		workers_wake_soon(direct);
	return verdict;
}

/* ---- opening and closing ---- */

bool direct_calls_open(struct direct_calls *direct, struct loop *loop, struct direct_hub *hub, uint64_t epoch, struct error *error)
{
	direct->watch = (struct watch){.ready = on_messages, .context = direct};
	direct->wake = (struct loop_timer){.due = on_wake, .context = direct};
	if (!hub)
		return true;
	if (!loop_watch(loop, &direct->watch, direct_hub_bell(hub), LOOP_RINGS, error))
		return false;
	direct->loop = loop;
	direct->hub = hub;
	direct_hub_expect(hub, epoch);
	return true;
}

void direct_calls_close(struct direct_calls *direct)
{
	if (!direct->hub)
		return;
	direct_hub_expect(direct->hub, 0);
	direct_hub_wake(direct->hub);
	loop_timer_stop(direct->loop, &direct->wake);
	loop_unwatch(direct->loop, &direct->watch);
	*direct = (struct direct_calls){0};
}
