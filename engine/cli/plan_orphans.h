/* plan_orphans.h: `sluice plan --orphans`: topics of pipelines that no pipeline of a plan has. */
#ifndef SLUICE_CLI_PLAN_ORPHANS_H
#define SLUICE_CLI_PLAN_ORPHANS_H

#include "cli/kafka.h"
#include "plan/plan.h"

/* Prints the topics of Kafka whose names are those of pipelines and models in the plan's namespaces, and that no pipeline of the
 * plan has. It removes nothing. Returns the exit code. */
int plan_orphans_show(struct session *session, const struct plan *plan, const struct kafka_asked *asked, int form);

#endif
