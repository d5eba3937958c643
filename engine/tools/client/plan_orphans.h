/* plan_orphans.h: Orphaned topics, for `sluice plan --orphans`: those of pipelines and models that no pipeline of a plan has. */
#ifndef SLUICE_TOOLS_CLIENT_PLAN_ORPHANS_H
#define SLUICE_TOOLS_CLIENT_PLAN_ORPHANS_H

#include "tools/client/kafka.h"
#include "compiler/plan/plan.h"

/* Appends the topics of Kafka whose names are those of pipelines and models in the plan's namespaces, and that no pipeline of the
 * plan has; `*count` is their number. It removes nothing. CONFIG: the plan has no pipelines; else as kafka_find(). */
bool plan_orphans_print(const struct plan *plan, const struct kafka_asked *asked, bool json, struct buffer *out, size_t *count,
			struct error *error);

#endif
