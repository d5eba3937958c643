/* direct_log.c: see direct_log.h. */
#include "engine/outputs/direct_log.h"

#include "message/records/reply.h"
#include "engine/worker/parts.h"

#define DIRECT_SPREAD 1024     /* answers without a key go to the outputs' partitions in turn */
#define DIRECT_HEADERS_MAX 128 /* of a logged request; a gateway sends fewer */

/* The topic's number names no topic, so nothing is taken again for a record that Kafka refuses. */
struct position direct_origin(const struct inflight *inflight)
{
	return (struct position){UINT32_MAX, (int32_t)(inflight->place % DIRECT_SPREAD), 0};
}

enum produce_verdict direct_log(struct outbox *outbox, struct inflight *inflight)
{
	struct error error;
	error.kind = ERROR_NONE;
	if (!inflight->direct || inflight->logged)
		return PRODUCED;
	const struct headers had = inflight->direct->record.headers;
	struct header headers[DIRECT_HEADERS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < had.count && count + 1 < DIRECT_HEADERS_MAX; i++)
		if (!text_is(had.items[i].name, REPLY_HEADER))
			headers[count++] = had.items[i];
	headers[count++] = (struct header){TEXT(REPLY_ANSWERED_HEADER), text_of(inflight->stage->config->mark)};
	const struct outgoing outgoing = {.topic = inflight->stage->config->requests,
					  .origin = direct_origin(inflight),
					  .key = inflight->record.key,
					  .value = inflight->record.value,
					  .headers = {count, headers}};
	enum produce_verdict verdict = output_produce(outbox->output, &outgoing, &error);
	if (verdict == PRODUCE_REFUSED)
		count_add(&outbox->counts->refused, 1);
	inflight->logged = verdict == PRODUCED || verdict == PRODUCE_REFUSED;
	return verdict == PRODUCE_REFUSED ? PRODUCED : verdict;
}
