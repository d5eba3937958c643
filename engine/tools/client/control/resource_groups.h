/* resource_groups.h: Consumer groups that read for a pipeline in force, and the records that wait for each: of the stages that
 * answer, of the observers, and of the explainers. For `sluice describe`.
 *
 * The groups follow from the pipeline's document, so they are known while no engine runs. The lag is Kafka's.
 */
#pragma once

#include "compiler/plan/plan.h"
#include "compiler/resources/resource.h"
#include "control/records/ledger.h"
#include "kafka/kafka_access.h"
#include "tools/view/resource_description.h"

/* Documents in force in the control plane of a namespace, which are read as files are (compiler/resources/resource.h). For
 * commands. */

/* The documents, whose files are KIND/NAME. They borrow from the ledger; the list is in the arena. NULL: the arena is full. */
const struct spec_document *documents_in_force(const struct ledger *ledger, struct arena *arena, size_t *count);

struct resource_groups {
	size_t count; /* 0: the resource is no pipeline in force */
	struct resource_group items[PLAN_GROUPS_MAX];
};

struct resource_groups_config {
	const struct step_kind *const *kinds;
	const char *prefix, *namespace;
	struct arena *arena; /* of the groups */
};

/* Finds the groups of the pipeline of that name, by the documents in force. Their lag is not known yet. False: SYSTEM. */
bool resource_groups_find(const struct resource_groups_config *config, const struct ledger *ledger, const char *pipeline,
			  struct resource_groups *groups, struct error *error);

/* Sets their lag. Asks Kafka; it stays unknown where that does not answer. */
void resource_groups_measure(struct resource_groups *groups, const struct kafka *kafka);
