/* document_check.c: see document_check.h. */
#include "control/document_check.h"

#include "plan/plan.h"

#define PLAN_BYTES_MAX ((size_t)512 << 20) /* a thousand pipelines take a tenth of it */

/* Everything that would be accepted, as one spec. */
struct document_set {
	const struct document_checker *checker;
	const struct record_list *items; /* struct proposal_item: APPLY or DELETE */
	const struct ledger *accepted;
	struct spec spec;
	struct arena *arena;  /* of the plan */
	struct arena *kept;   /* for faults */
	struct verdict_fault *faults;
	size_t count, room;
};

static bool fault_keep(struct document_set *set, struct verdict_fault fault)
{
	if (set->count == set->room)
		return true; /* a verdict has no room for more */
	set->faults[set->count++] = (struct verdict_fault){
		.kind = {arena_copy(set->kept, fault.kind.bytes, fault.kind.length), fault.kind.length},
		.name = {arena_copy(set->kept, fault.name.bytes, fault.name.length), fault.name.length},
		.line = fault.line,
		.column = fault.column,
		.code = {arena_copy(set->kept, fault.code.bytes, fault.code.length), fault.code.length},
		.text = {arena_copy(set->kept, fault.text.bytes, fault.text.length), fault.text.length},
	};
	return !arena_failed(set->kept);
}

/* What stands for a file in the places of faults: KIND/NAME. */
static const char *document_file(struct document_set *set, struct text kind, struct text name)
{
	return arena_print(set->arena, TEXT_FORMAT "/" TEXT_FORMAT, TEXT_ARGUMENTS(kind), TEXT_ARGUMENTS(name));
}

static bool document_add(struct document_set *set, struct text kind, struct text name, struct text document, struct error *error)
{
	const struct spec_options options = {.kinds = set->checker->kinds, .namespace = set->checker->namespace};
	const char *file = document_file(set, kind, name);
	const char *text = arena_copy(set->arena, document.bytes, document.length);
	if (!file || !text)
		return error_memory(error, ERROR_SYSTEM, "checking a proposal");
	return spec_read_text(&set->spec, file, (struct text){text, document.length}, &options, error);
}

static bool item_replaces(const struct document_set *set, const struct ledger_resource *resource)
{
	const struct proposal_item *items = set->items->items;
	for (size_t i = 0; i < set->items->count; i++)
		if (text_equal(items[i].name, resource->name) && text_equal(items[i].kind, resource->kind))
			return true;
	return false;
}

/* The newest version that has not failed: it is in force, or will be. */
static const struct control_version *version_accepted(const struct document_set *set, const struct ledger_resource *resource)
{
	for (size_t i = resource->count; i > 0; i--) {
		const struct ledger_version *version = resource->versions[i - 1];
		if (ledger_phase(set->accepted, version) != CHANGE_FAILED)
			return version->record.action == CONTROL_APPLY ? &version->record : NULL;
	}
	return NULL;
}

static bool accepted_add(struct document_set *set, struct error *error)
{
	const struct ledger_resource *resource;
	LIST_EACH_RESOURCE(set->accepted, resource)
	{
		const struct control_version *version = item_replaces(set, resource) ? NULL : version_accepted(set, resource);
		if (version && !document_add(set, version->kind, version->name, version->document, error))
			return false;
	}
	return true;
}

/* A proposed document, and whether it is the one resource that it is said to be. */
static bool item_add(struct document_set *set, const struct proposal_item *item, struct error *error)
{
	size_t before = set->spec.count, errors = faults_count(set->spec.faults, SEVERITY_ERROR);
	if (!document_add(set, item->kind, item->name, item->document, error))
		return false;
	if (faults_count(set->spec.faults, SEVERITY_ERROR) > errors)
		return true;
	const struct resource *read = set->spec.count > before ? set->spec.resources[before] : NULL;
	struct verdict_fault fault = {.kind = item->kind, .name = item->name};
	if (!read || !text_is(item->kind, read->kind->name) || !text_is(item->name, read->name.text ? read->name.text : ""))
		fault.text = TEXT("the document is another resource than the one under whose name it is proposed");
	else if (set->spec.count > before + 1 && !read->made_of && !set->spec.resources[before + 1]->made_of)
		fault.text = TEXT("the document has several resources; propose each under its own name");
	else if (read->namespace && strcmp(read->namespace, set->checker->namespace) != 0)
		fault.text = text_of(arena_print(set->arena, "the resource is in the namespace `%s`, and is proposed for `%s`",
						 read->namespace, set->checker->namespace));
	return !fault.text.bytes || fault_keep(set, fault);
}

static bool items_add(struct document_set *set, struct error *error)
{
	const struct proposal_item *items = set->items->items;
	for (size_t i = 0; i < set->items->count; i++) {
		if (items[i].action != PROPOSAL_APPLY)
			continue;
		if (!item_add(set, &items[i], error))
			return error->kind != ERROR_NONE ? false : error_memory(error, ERROR_SYSTEM, "checking a proposal");
	}
	return true;
}

/* The errors among the faults of the spec, under the resources whose documents have them. */
static bool spec_faults_keep(struct document_set *set)
{
	for (size_t i = 0; i < faults_total(set->spec.faults); i++) {
		const struct fault *fault = faults_at(set->spec.faults, i);
		const char *file = fault->place.file ? fault->place.file : "", *slash = strchr(file, '/');
		if (fault->code->severity != SEVERITY_ERROR)
			continue;
		struct verdict_fault kept = {.kind = {file, slash ? (size_t)(slash - file) : 0},
					     .name = text_of(slash ? slash + 1 : file),
					     .line = fault->place.line,
					     .column = fault->place.column,
					     .code = text_of(fault->code->code),
					     .text = text_of(fault->message)};
		if (!fault_keep(set, kept))
			return false;
	}
	return true;
}

/* ---- what is deleted ---- */

static bool name_is_defined(const struct document_set *set, const char *name)
{
	return spec_find(&set->spec, RESOURCE_MODEL, name) || spec_find(&set->spec, RESOURCE_PIPELINE, name) ||
	       spec_find(&set->spec, RESOURCE_EXPERIMENT, name);
}

/* Whether the proposal deletes all that had that name, and the name is one that can be called. */
static bool name_is_deleted(const struct document_set *set, struct text name)
{
	const struct proposal_item *items = set->items->items;
	for (size_t i = 0; i < set->items->count; i++)
		if (items[i].action == PROPOSAL_DELETE && text_equal(items[i].name, name) &&
		    (text_is(items[i].kind, "Model") || text_is(items[i].kind, "Pipeline") || text_is(items[i].kind, "Experiment")))
			return true;
	return false;
}

static bool need_check(struct document_set *set, const struct resource *pipeline, struct text needed)
{
	const char *name = arena_copy(set->arena, needed.bytes, needed.length);
	if (!name || name_is_defined(set, name) || !name_is_deleted(set, needed))
		return name != NULL;
	const char *words =
		arena_print(set->arena, "the pipeline needs `%s`, which is to be deleted; delete or change it too", name);
	return words && fault_keep(set, (struct verdict_fault){.kind = text_of(pipeline->kind->name),
							       .name = text_of(pipeline->name.text),
							       .line = pipeline->place.line,
							       .column = pipeline->place.column,
							       .text = text_of(words)});
}

/* `p.step.m.outputs` reads the pipeline `p`. */
static bool inputs_check(struct document_set *set, const struct resource *pipeline, const struct name_list *inputs)
{
	for (size_t i = 0; i < inputs->count; i++) {
		struct text needed = {inputs->items[i].text, strcspn(inputs->items[i].text, ".")};
		if (!need_check(set, pipeline, needed))
			return false;
	}
	return true;
}

static bool deletes_check(struct document_set *set, const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		const struct resource *resource = pipeline->graph->resource;
		const struct pipeline_spec *spec = resource->spec;
		for (size_t j = 0; j < pipeline->callee_count; j++)
			if (!need_check(set, resource, text_of(pipeline->callees[j].name)))
				return false;
		if (!inputs_check(set, resource, &spec->input.external_inputs) ||
		    !inputs_check(set, resource, &spec->input.external_triggers))
			return false;
	}
	return true;
}

static bool set_check(struct document_set *set, struct error *error)
{
	const struct models_metadata none = {0};
	const struct plan_options options = {.kinds = set->checker->kinds, .metadata = &none};
	struct plan plan;
	if (!accepted_add(set, error) || !items_add(set, error) || !plan_make(&set->spec, &options, set->arena, &plan, error))
		return false;
	return (spec_faults_keep(set) && deletes_check(set, &plan)) || error_memory(error, ERROR_SYSTEM, "checking a proposal");
}

static bool document_check(void *context, const struct record_list *items, const struct ledger *accepted, struct arena *arena,
			   struct record_list *faults, struct error *error)
{
	struct document_set set = {.checker = context,
				   .items = items,
				   .accepted = accepted,
				   .arena = arena_open(PLAN_BYTES_MAX),
				   .kept = arena,
				   .faults = ARENA_ARRAY(arena, struct verdict_fault, KEEPER_FAULTS),
				   .room = KEEPER_FAULTS};
	bool good = set.arena && set.faults;
	if (!good)
		error_memory(error, ERROR_SYSTEM, "checking a proposal");
	bool is_open = good && spec_open(&set.spec, error);
	good = is_open && set_check(&set, error);
	if (is_open)
		spec_close(&set.spec);
	arena_close(set.arena);
	*faults = (struct record_list){set.count, set.faults};
	return good;
}

struct keeper_checker document_check_of(struct document_checker *checker)
{
	return (struct keeper_checker){document_check, checker};
}
