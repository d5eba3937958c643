/* absence_report.c: see absence_report.h. */
#include "engine/worker/absence_report.h"

struct absent_list {
	const struct absent_topic *items;
	size_t count;
};

/* The name of the first topic that the stage reads, and that is absent for this reason. It lives as long as the engine. NULL: none
 * is. */
static const char *absent_of(const struct worker *worker, const struct worker_stage *stage, struct absent_list list,
			     enum absence absence)
{
	for (size_t i = 0; i < stage->config->topic_count; i++)
		for (size_t j = 0; j < list.count; j++)
			if (list.items[j].absence == absence && stage->config->topics[i] == list.items[j].topic)
				return worker->setup->reads.names[list.items[j].topic];
	return NULL;
}

void absence_report(struct worker *worker)
{
	struct absent_list list;
	list.count = consumer_absent(worker->consumer, &list.items);
	if (list.count == 0 && !worker->reports_absent)
		return;
	worker->reports_absent = list.count > 0;
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		for (enum absence absence = 0; absence < ABSENCES; absence++)
			atomic_store_explicit(&stage->counts->absent[absence], absent_of(worker, stage, list, absence),
					      memory_order_relaxed);
}

void group_denial_report(struct worker *worker)
{
	const bool is_denied = consumer_lacks_group(worker->consumer);
	if (!is_denied && !worker->reports_denied_group)
		return;
	worker->reports_denied_group = is_denied;
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		atomic_store_explicit(&stage->counts->denied_group, is_denied ? worker->consumer_config.group : NULL,
				      memory_order_relaxed);
}
