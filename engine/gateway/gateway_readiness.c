/* gateway_readiness.c: see gateway_readiness.h. */
#include "gateway/gateway_readiness.h"

#include "gateway/calls/idempotent_calls.h"

static bool needs_no_kafka(const struct gateway_readiness *readiness, const struct gateway_target *target)
{
	const struct gateway_targets *targets = readiness->targets;
	if (!readiness->config->direct)
		return false;
	for (size_t i = 0; !target && i < targets->count; i++)
		if (targets->items[i].direct)
			return true;
	return target && target->direct;
}

bool gateway_readiness_find(const struct gateway_readiness *readiness, const struct gateway_target *target, struct error *error)
{
	const unsigned silent_s = calls_silent_s(readiness->calls);
	if (readiness->leaving)
		return error_set(error, ERROR_REMOTE, PLACE_NONE, "this gateway is stopping; ask another one");
	if (!calls_are_well(readiness->calls, error) || !access_is_ready(readiness->access, error))
		return false;
	if (!calls_have_topics_of(readiness->calls, target, error))
		return false;
	if (!needs_no_kafka(readiness, target) && (!calls_have_topics(readiness->calls, target, error) ||
						   (readiness->keyed && !keyed_calls_are_ready(readiness->keyed, error))))
		return false;
	return silent_s < GATEWAY_SILENCE_S || needs_no_kafka(readiness, target) ||
	       error_set(error, ERROR_REMOTE, PLACE_NONE,
			 "Kafka has not answered for %u s; check its brokers, and the network between them and this gateway",
			 silent_s);
}
