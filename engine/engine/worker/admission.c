/* admission.c: see admission.h. */
#include "engine/worker/admission.h"

#include "base/number/duration.h"
#include "engine/worker/parts.h"
#include "engine/outputs/stage_links.h"

#define STAY_SHARE 8  /* a new value has a weight of one eighth */
#define STAY_TIMES 16 /* so many times the usual time is enough, also for the answer's way through Kafka */
#define MARGIN_PART 4 /* of the request's whole time: the largest margin */

bool admission_refuses(const struct inflight *inflight, const struct loop *loop, struct error *error)
{
	const struct message *message = &inflight->message;
	const int64_t left_ms = message->deadline_ms - loop_clock_us(loop) / US_PER_MS;
	const int64_t had_ms = message->deadline_ms + loop_began_ms(loop) - message->written_ms;
	int64_t margin_ms = inflight->stage->stay_us * STAY_TIMES / US_PER_MS;
	margin_ms = margin_ms < had_ms / MARGIN_PART ? margin_ms : had_ms / MARGIN_PART;
	if (left_ms <= 0 && !comes_from_stage(inflight->stage->config)) {
		error_set_limit(error, LIMIT_OF_EXPIRY,
				"the deadline of the request had passed before its first step; allow more time, send fewer at a "
				"time, or run more workers or engines");
		return true;
	}
	if (left_ms <= 0 || left_ms >= margin_ms) /* the flow itself reports that a deadline has passed */
		return false;
	error_set_limit(
		error, LIMIT_OF_ADMISSION,
		"the request waited in Kafka until only %lld of its %lld ms were left, too few to answer it: requests arrive "
		"faster than they are processed; send fewer at a time, allow more time, or run more workers or engines",
		(long long)left_ms, (long long)had_ms);
	return true;
}

void admission_observe(const struct inflight *inflight, int64_t now_us)
{
	struct worker_stage *stage = inflight->stage;
	if (inflight->message.deadline_ms == 0 || inflight->answer.error)
		return;
	int64_t took_us = now_us - inflight->taken_ms * US_PER_MS;
	stage->stay_us += (took_us - stage->stay_us) / STAY_SHARE;
}
