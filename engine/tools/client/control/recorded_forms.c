/* recorded_forms.c: see recorded_forms.h. */
#include "tools/client/control/recorded_forms.h"

#include "control/engine/applier.h"
#include "control/keeper/state_labels.h"
#include "kafka/topics/topic_facts.h"
#include "compiler/plan/state_forms.h"

/* Whether the namespace has a control plane. */
static bool control_exists(const struct kafka *kafka, const struct control_topics *topics, struct arena *arena, bool *exists,
			   struct error *error)
{
	struct topic_names list;
	*exists = false;
	if (!topic_names_read(kafka->brokers, kafka->producer, topics->control, arena, &list, error))
		return false;
	for (size_t i = 0; i < list.count; i++)
		*exists = *exists || strcmp(list.names[i], topics->control) == 0;
	return true;
}

/* Those of the versions in force. */
static bool forms_collect(const struct ledger *ledger, struct arena *arena, struct former_facts *facts, struct error *error)
{
	const struct ledger_resource *resource;
	LIST_EACH_RESOURCE(ledger, resource)
	{
		const struct ledger_version *version = ledger_in_force(ledger, resource);
		if (version && !state_labels_collect(&version->record.labels, arena, facts))
			return error_memory(error, ERROR_SYSTEM, "naming changelogs");
	}
	return true;
}

static bool forms_read(const struct pipeline_plan *pipeline, const struct kafka *kafka, struct arena *arena,
		       struct former_facts *facts, struct error *error)
{
	struct applier_config config = {.brokers = kafka->brokers,
					.consumer = kafka->consumer,
					.producer = kafka->producer,
					.namespace = pipeline->namespace};
	bool exists;
	if (!control_topics_name(&config.topics, pipeline->prefix, pipeline->namespace, arena, error) ||
	    !control_exists(kafka, &config.topics, arena, &exists, error))
		return false;
	if (!exists)
		return true;
	struct applier *applier = applier_open(&config, error);
	const bool good = applier && forms_collect(applier_ledger(applier), arena, facts, error);
	applier_close(applier);
	return good;
}

/* The pipelines of one namespace, which follow one another or not. */
static bool namespace_name(struct plan *plan, size_t first, const struct state_forms *forms, struct arena *arena,
			   struct error *error)
{
	for (size_t i = first; i < plan->count; i++) {
		struct plan one = {.count = 1, .pipelines = &plan->pipelines[i]};
		if (strcmp(plan->pipelines[i].namespace, plan->pipelines[first].namespace) == 0 &&
		    !plan_name_changelogs(&one, forms, arena))
			return error_memory(error, ERROR_SYSTEM, "naming changelogs");
	}
	return true;
}

bool recorded_forms_name(struct plan *plan, const struct kafka *kafka, struct arena *arena, struct error *error)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct former_facts facts = {0};
		if (plan_is_first_of_namespace(plan, i) && (!forms_read(&plan->pipelines[i], kafka, arena, &facts, error) ||
							    !namespace_name(plan, i, &facts.forms, arena, error)))
			return false;
	}
	return true;
}
