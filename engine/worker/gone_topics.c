/* gone_topics.c: see gone_topics.h. */
#include "worker/gone_topics.h"

/* The name of the first topic that the stage reads and that is gone. It lives as long as the engine. NULL: none is. */
static const char *gone_of(const struct worker *worker, const struct worker_stage *stage, const uint32_t *gone, size_t count)
{
	for (size_t i = 0; i < stage->config->topic_count; i++)
		for (size_t j = 0; j < count; j++)
			if (stage->config->topics[i] == gone[j])
				return worker->setup->reads.names[gone[j]];
	return NULL;
}

void gone_topics_report(struct worker *worker)
{
	const uint32_t *gone;
	const size_t count = consumer_gone(worker->consumer, &gone);
	if (count == 0 && !worker->reports_gone)
		return;
	worker->reports_gone = count > 0;
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		atomic_store_explicit(&stage->counts->gone_topic, gone_of(worker, stage, gone, count), memory_order_relaxed);
}
