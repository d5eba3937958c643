/* resource_groups.c: see resource_groups.h. */
#include "tools/client/control/resource_groups.h"

#include "kafka/consume/group_lag.h"
#include "monitor/lag_watch.h"

const struct spec_document *documents_in_force(const struct ledger *ledger, struct arena *arena, size_t *count)
{
	const struct ledger_resource *resource;
	size_t all = 0;
	*count = 0;
	LIST_EACH_RESOURCE(ledger, resource)
	{
		all++;
	}
	struct spec_document *documents = ARENA_ARRAY(arena, struct spec_document, all + 1);
	LIST_EACH_RESOURCE(ledger, resource)
	{
		const struct ledger_version *version = ledger_in_force(ledger, resource);
		const char *name = arena_print(arena, TEXT_FORMAT "/" TEXT_FORMAT, TEXT_ARGUMENTS(resource->kind),
					       TEXT_ARGUMENTS(resource->name));
		if (!documents || !name)
			return NULL;
		if (version && version->record.action == CONTROL_APPLY)
			documents[(*count)++] = (struct spec_document){.file = name, .text = version->record.document};
	}
	return documents;
}

#define LAG_MS 1000
#define NAMES_BYTES ((size_t)1 << 20)

static bool groups_take(const struct pipeline_plan *plan, struct arena *arena, struct resource_groups *groups)
{
	struct plan_group found[PLAN_GROUPS_MAX];
	struct buffer names;
	bool good = true;
	buffer_open(&names, NAMES_BYTES);
	const size_t count = plan_pipeline_groups(plan, found);
	for (size_t i = 0; good && i < count; i++) {
		struct resource_group *group = &groups->items[groups->count++];
		buffer_clear(&names);
		pipeline_reads(plan, found[i].name, &names);
		*group = (struct resource_group){.name = arena_copy(arena, found[i].name, strlen(found[i].name)),
						 .reads = arena_copy(arena, names.length > 0 ? names.bytes : "", names.length),
						 .purpose = found[i].explains   ? "explains"
							    : found[i].observes ? "observes"
										: "answers",
						 .lag = -1};
		good = group->name && group->reads && !buffer_failed(&names);
	}
	buffer_close(&names);
	return good;
}

static bool spec_groups_find(const struct resource_groups_config *config, struct spec *spec, const struct ledger *ledger,
			     const char *pipeline, struct resource_groups *groups, struct error *error)
{
	const struct models_metadata none = {0};
	const struct spec_options spec_options = {.kinds = config->kinds, .namespace = config->namespace};
	const struct plan_options plan_options = {.kinds = config->kinds, .metadata = &none, .prefix = config->prefix};
	struct plan plan;
	size_t count;
	const struct spec_document *documents = documents_in_force(ledger, spec->arena, &count);
	if (!documents)
		return error_memory(error, ERROR_SYSTEM, "reading documents");
	if (!spec_read_documents(spec, documents, count, &spec_options, error) ||
	    !plan_make(spec, &plan_options, spec->arena, &plan, error))
		return false;
	const struct pipeline_plan *found = plan_find(&plan, pipeline);
	return !found || groups_take(found, config->arena, groups) || error_memory(error, ERROR_SYSTEM, "finding groups");
}

bool resource_groups_find(const struct resource_groups_config *config, const struct ledger *ledger, const char *pipeline,
			  struct resource_groups *groups, struct error *error)
{
	struct spec spec;
	*groups = (struct resource_groups){0};
	bool good = spec_open(&spec, error) && spec_groups_find(config, &spec, ledger, pipeline, groups, error);
	spec_close(&spec);
	return good;
}

void resource_groups_measure(struct resource_groups *groups, const struct kafka *kafka)
{
	struct group_lag *last = NULL;
	for (size_t i = 0; i < groups->count; i++) {
		struct resource_group *group = &groups->items[i];
		struct error error = {0};
		struct group_lag *backlog = group_lag_open(last, kafka->brokers, kafka->consumer, group->name, &error);
		if (backlog)
			group->lag = group_lag_measure(backlog, text_of(group->reads), LAG_MS);
		group_lag_close(last);
		last = backlog;
	}
	group_lag_close(last);
}
