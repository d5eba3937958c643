/* direct_calls.c: see direct_calls.h. */
#include "gateway/direct_calls.h"

static bool call_is_direct(const struct call_request *request)
{
	return request->target->direct && request->service == SERVICE_PREDICTIONS && !request->submits && !request->placed &&
	       !request->is_feedback;
}

enum direct_verdict direct_call_send(struct direct_hub *hub, const struct call_request *request, const struct outgoing *record,
				     uint64_t number)
{
	const struct direct_request direct = {.pipeline = text_of(request->target->name),
					      .place = request->place,
					      .key = record->key,
					      .value = record->value,
					      .headers = record->headers,
					      .time_ms = request->arrived_ms,
					      .call = number};
	return hub && call_is_direct(request) ? direct_hub_send(hub, &direct) : DIRECT_ABSENT;
}
