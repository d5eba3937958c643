/* document_check.c: see document_check.h. */
#include "control/keeper/document_check.h"

#include "control/keeper/change_order.h"
#include "control/records/control_tables.h"
#include "control/keeper/kept_versions.h"
#include "control/keeper/proposed_tables.h"
#include "control/keeper/state_labels.h"
#include "experiments/rollouts/rollout_plan.h"
#include "message/rows.h"
#include "compiler/plan/plan.h"
#include "compiler/resources/experiment_walk.h"
#include "compiler/yaml/fault_codes.h"

/* Of the proposed documents, when they are read: a kilobyte of text can be a hundred of nodes, and the keeper checks in an
 * engine that serves. */
#define PROPOSED_BYTES_MAX ((size_t)256 << 20)
#define PLAN_BYTES_MAX ((size_t)512 << 20) /* a thousand pipelines take a tenth of it */

/* The spec of all documents as they would be after the proposal. */
struct document_set {
	const struct document_checker *checker;
	const struct record_list *items; /* struct proposal_item: APPLY or DELETE */
	const struct ledger *accepted;
	struct spec spec;
	struct assignment_tables tables; /* accepted ones */
	struct arena *arena;  /* of the plan */
	struct arena *kept;   /* for faults */
	struct verdict_fault *faults;
	size_t count, room;
	bool is_large; /* the proposed documents need more than PROPOSED_BYTES_MAX */
	const struct faults *former; /* of the accepted documents without the proposal; NULL: not known */
};

static bool fault_keep(struct document_set *set, struct verdict_fault fault)
{
	if (set->count == set->room)
		return true; /* a verdict contains no more */
	set->faults[set->count++] = (struct verdict_fault){
		.kind = text_copied(set->kept, fault.kind),
		.name = text_copied(set->kept, fault.name),
		.line = fault.line,
		.column = fault.column,
		.code = text_copied(set->kept, fault.code),
		.text = text_copied(set->kept, fault.text),
	};
	return !arena_failed(set->kept);
}

/* KIND/NAME, which replaces a file name in the places of faults. */
static const char *document_file(struct document_set *set, struct text kind, struct text name)
{
	return arena_print(set->arena, TEXT_FORMAT "/" TEXT_FORMAT, TEXT_ARGUMENTS(kind), TEXT_ARGUMENTS(name));
}

static bool document_add_as(struct document_set *set, struct text kind, struct text name, int64_t version, struct text document,
			    struct error *error)
{
	const struct spec_options options = {.kinds = set->checker->kinds,
					     .namespace = set->checker->namespace,
					     .version = version,
					     .is_named_version = version > 0};
	const char *file = document_file(set, kind, name);
	const char *text = arena_copy(set->arena, document.bytes, document.length);
	if (!file || !text)
		return error_memory(error, ERROR_SYSTEM, "checking a proposal");
	return spec_read_text(&set->spec, file, (struct text){text, document.length}, &options, error);
}

static bool document_add(struct document_set *set, struct text kind, struct text name, struct text document, struct error *error)
{
	return document_add_as(set, kind, name, 0, document, error);
}

static bool item_replaces(const struct document_set *set, const struct ledger_resource *resource)
{
	const struct proposal_item *items = set->items->items;
	for (size_t i = 0; i < set->items->count; i++)
		if (text_equal(items[i].name, resource->name) && text_equal(items[i].kind, resource->kind))
			return true;
	return false;
}

static bool accepted_add(struct document_set *set, struct error *error)
{
	const struct ledger_resource *resource;
	LIST_EACH_RESOURCE(set->accepted, resource)
	{
		const struct ledger_version *version = ledger_accepted(set->accepted, resource);
		if (version && !item_replaces(set, resource) && version->record.action == CONTROL_APPLY &&
		    !document_add(set, resource->kind, resource->name, version->record.document, error))
			return false;
	}
	return true;
}

static bool runtime_has_other_prefix(const struct document_checker *checker, const struct resource *read)
{
	const struct runtime_spec *runtime = read->kind->type == RESOURCE_RUNTIME ? read->spec : NULL;
	return runtime && runtime->topic_prefix && checker->prefix && strcmp(runtime->topic_prefix, checker->prefix) != 0;
}

/* The reason why the keeper could not run a rollout of a resource; NULL: it can, or there is none. */
static const char *rollout_fault(struct document_set *set, size_t resource, struct verdict_fault *fault)
{
	struct experiment_walk walk = {.spec = &set->spec, .resource = resource};
	struct experiment_found found;
	struct rollout_plan plan;
	struct error error = {0};
	while (experiment_walk_next(&walk, set->arena, &found) && found.resource == set->spec.resources[resource]) {
		if (!experiment_is_rolled_out(found.spec) || rollout_plan_make(found.spec, &plan, &error))
			continue;
		fault->line = error.place.line;
		fault->column = error.place.column;
		return arena_print(set->arena, "%s", error.text);
	}
	return NULL;
}

/* Reads a proposed document, and checks that it is the one resource under whose kind and name it is proposed. */
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
	else if (runtime_has_other_prefix(set->checker, read))
		fault.text = text_of(arena_print(set->arena,
						 "`topicPrefix` is `%s`, and the topics of this control plane have `%s`: start its "
						 "engines with --topic-prefix, or leave it out",
						 ((const struct runtime_spec *)read->spec)->topic_prefix, set->checker->prefix));
	else if (read->namespace && strcmp(read->namespace, set->checker->namespace) != 0)
		fault.text = text_of(arena_print(set->arena, "the resource is in the namespace `%s`, and is proposed for `%s`",
						 read->namespace, set->checker->namespace));
	else
		fault.text = text_of(rollout_fault(set, before, &fault));
	return !fault.text.bytes || fault_keep(set, fault);
}

static bool items_add(struct document_set *set, struct error *error)
{
	const struct proposal_item *items = set->items->items;
	size_t before = arena_taken(set->spec.arena);
	for (size_t i = 0; i < set->items->count && !set->is_large; i++) {
		if (items[i].action != PROPOSAL_APPLY)
			continue;
		if (!item_add(set, &items[i], error))
			return error->kind != ERROR_NONE ? false : error_memory(error, ERROR_SYSTEM, "checking a proposal");
		struct verdict_fault fault = {.kind = items[i].kind, .name = items[i].name};
		fault.text = TEXT("the documents so far need more than 256 MiB of memory; propose smaller ones");
		set->is_large = arena_taken(set->spec.arena) - before > PROPOSED_BYTES_MAX;
		if (set->is_large && !fault_keep(set, fault))
			return error_memory(error, ERROR_SYSTEM, "checking a proposal");
	}
	return true;
}

/* ---- versions of Models that are named ---- */

struct versions_adding {
	struct document_set *set;
	struct error *error;
};

static bool named_version_add(void *context, const struct named_version *named)
{
	const struct versions_adding *adding = context;
	struct document_set *set = adding->set;
	if (spec_find(&set->spec, RESOURCE_MODEL, named->name.text))
		return true; /* named before */
	const struct ledger_version *found = kept_version_find(set->accepted, named->model, named->version);
	if (found)
		return document_add_as(set, TEXT("Model"), text_of(named->name.text), named->version, found->record.document,
				       adding->error);
	const char *words = kept_version_missing(set->accepted, named, set->arena);
	if (!words)
		return error_memory(adding->error, ERROR_SYSTEM, "checking a proposal");
	fault_add(set->spec.faults, CODE_MISSING_VERSION, named->name.place, NULL, "%s", words);
	return true;
}

static bool named_versions_add(struct document_set *set, struct error *error)
{
	set->spec.has_versions = true;
	return named_versions_each(&set->spec, named_version_add, &(struct versions_adding){set, error});
}

/* ---- faults of other documents ---- */

static struct verdict_fault fault_of_document(const struct fault *fault)
{
	const char *file = fault->place.file ? fault->place.file : "", *slash = strchr(file, '/');
	return (struct verdict_fault){.kind = {file, slash ? (size_t)(slash - file) : 0},
				      .name = text_of(slash ? slash + 1 : file),
				      .line = fault->place.line,
				      .column = fault->place.column,
				      .code = text_of(fault->code->code),
				      .text = text_of(fault->message)};
}

static bool document_is_proposed(const struct document_set *set, const struct verdict_fault *fault)
{
	const struct proposal_item *items = set->items->items;
	for (size_t i = 0; i < set->items->count; i++)
		if (text_equal(items[i].name, fault->name) && text_equal(items[i].kind, fault->kind))
			return true;
	return false;
}

/* Whether the accepted documents have that fault without the proposal. */
static bool fault_is_former(const struct document_set *set, const struct fault *fault)
{
	for (size_t i = 0; i < faults_total(set->former); i++) {
		const struct fault *former = faults_at(set->former, i);
		if (former->code == fault->code && former->place.line == fault->place.line &&
		    former->place.column == fault->place.column && strings_equal(former->place.file, fault->place.file) &&
		    strcmp(former->message, fault->message) == 0)
			return true;
	}
	return false;
}

/* Whether the spec has an error in a document that the proposal does not have. */
static bool others_have_errors(const struct document_set *set)
{
	for (size_t i = 0; i < faults_total(set->spec.faults); i++) {
		const struct fault *fault = faults_at(set->spec.faults, i);
		const struct verdict_fault found = fault_of_document(fault);
		if (fault->code->severity == SEVERITY_ERROR && !document_is_proposed(set, &found))
			return true;
	}
	return false;
}

/* Whether it warns that a proposed document names something that is nowhere, or not in force. Where former faults are known: that
 * another document does so by the proposal. */
static bool fault_warns(const struct document_set *set, const struct fault *fault)
{
	const struct verdict_fault found = fault_of_document(fault);
	if (fault->code->severity != SEVERITY_WARNING || fault->code->kind != FAULT_BAD_REFERENCE)
		return false;
	return document_is_proposed(set, &found) ? !set->former : set->former && !fault_is_former(set, fault);
}

/* The warnings of references, with what was meant, in the arena of faults. False: memory ran out. */
static bool spec_warnings_keep(const struct document_set *set, struct record_list *warnings)
{
	struct verdict_fault *kept = ARENA_ARRAY(set->kept, struct verdict_fault, KEEPER_FAULTS);
	size_t count = 0;
	for (size_t i = 0; kept && i < faults_total(set->spec.faults) && count < KEEPER_FAULTS; i++) {
		const struct fault *fault = faults_at(set->spec.faults, i);
		if (!fault_warns(set, fault))
			continue;
		struct verdict_fault warning = fault_of_document(fault);
		warning.kind = text_copied(set->kept, warning.kind);
		warning.name = text_copied(set->kept, warning.name);
		warning.text = text_of(arena_print(set->kept, fault->suggest ? "%s; did you mean `%s`?" : "%s", fault->message,
						   fault->suggest ? fault->suggest : ""));
		kept[count++] = warning;
	}
	*warnings = (struct record_list){count, kept};
	return !arena_failed(set->kept);
}

/* Keeps the spec's errors as faults of the resources whose documents have them. Other warnings are dropped. */
static bool spec_faults_keep(struct document_set *set)
{
	for (size_t i = 0; i < faults_total(set->spec.faults); i++) {
		const struct fault *fault = faults_at(set->spec.faults, i);
		const struct verdict_fault kept = fault_of_document(fault);
		if (fault->code->severity != SEVERITY_ERROR ||
		    (set->former && !document_is_proposed(set, &kept) && fault_is_former(set, fault)))
			continue;
		if (!fault_keep(set, kept))
			return false;
	}
	return true;
}

/* ---- deleted resources ---- */

static bool name_is_defined(const struct document_set *set, const char *name)
{
	return spec_find(&set->spec, RESOURCE_MODEL, name) || spec_find(&set->spec, RESOURCE_PIPELINE, name) ||
	       spec_find(&set->spec, RESOURCE_EXPERIMENT, name);
}

/* Whether the proposal deletes a resource of that name of a kind that can be called. */
static bool name_is_deleted(const struct document_set *set, struct text name)
{
	const struct proposal_item *items = set->items->items;
	for (size_t i = 0; i < set->items->count; i++)
		if (items[i].action == PROPOSAL_DELETE && text_equal(items[i].name, name) &&
		    (text_is(items[i].kind, "Model") || text_is(items[i].kind, "Pipeline") || text_is(items[i].kind, "Experiment")))
			return true;
	return false;
}

static bool need_check(struct document_set *set, const struct resource *resource, struct text needed)
{
	struct text model = needed;
	int64_t version;
	(void)named_version_read(needed, &model, &version);
	const char *name = arena_copy(set->arena, model.bytes, model.length);
	if (!name || name_is_defined(set, name) || !name_is_deleted(set, model))
		return name != NULL;
	const char *words =
		arena_print(set->arena, "the %s needs `" TEXT_FORMAT "`, which is to be deleted; delete or change it too",
			    resource->kind->type == RESOURCE_EXPERIMENT ? "experiment" : "pipeline", TEXT_ARGUMENTS(needed));
	return words && fault_keep(set, (struct verdict_fault){.kind = text_of(resource->kind->name),
							       .name = text_of(resource->name.text),
							       .line = resource->place.line,
							       .column = resource->place.column,
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

static bool candidates_check(struct document_set *set, const struct resource *resource)
{
	const struct experiment_spec *experiment = resource->spec;
	const struct candidate *candidates = experiment->candidates.items;
	for (size_t i = 0; i < experiment->candidates.count; i++)
		if (candidates[i].name.text && !need_check(set, resource, text_of(candidates[i].name.text)))
			return false;
	return !experiment->mirror_name.text || need_check(set, resource, text_of(experiment->mirror_name.text));
}

static bool deletes_check(struct document_set *set, const struct plan *plan)
{
	const struct resource *experiment;
	for (size_t at = 0; (experiment = spec_next(&set->spec, RESOURCE_EXPERIMENT, &at));)
		if (experiment->spec && !candidates_check(set, experiment))
			return false;
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

/* Reads and plans the spec, whose faults are then known. */
static bool set_plan(struct document_set *set, struct plan *plan, struct error *error)
{
	const struct models_metadata none = {0};
	const struct plan_options options = {
		.kinds = set->checker->kinds, .metadata = &none, .prefix = set->checker->prefix};
	if (!control_tables_open(&set->tables, set->accepted, CONTROL_ACCEPTED, set->arena))
		return error_memory(error, ERROR_SYSTEM, "checking a proposal");
	set->spec.tables = &set->tables;
	set->spec.is_accepted = true;
	return accepted_add(set, error) && items_add(set, error) && named_versions_add(set, error) &&
	       (set->is_large || plan_make(&set->spec, &options, set->arena, plan, error));
}

static bool set_open(struct document_set *set, struct error *error)
{
	set->arena = arena_open(PLAN_BYTES_MAX);
	if (set->arena)
		return spec_open(&set->spec, error);
	error_memory(error, ERROR_SYSTEM, "checking a proposal");
	return false;
}

static void set_close(struct document_set *set)
{
	if (set->spec.arena)
		spec_close(&set->spec);
	arena_close(set->arena);
}

/* Keeps the faults that the proposal is answerable for: those of its own documents, and those of others that they do
 * not have without it. An error that an accepted document already has, for example since an upgrade of sluice, must
 * not refuse everything, least of all a rollback. */
static bool set_judge(struct document_set *set, const struct plan *plan, struct error *error)
{
	const struct record_list nothing = {0};
	struct document_set base = {.checker = set->checker, .items = &nothing, .accepted = set->accepted};
	struct plan base_plan;
	bool has_base = others_have_errors(set);
	bool good = !has_base || (set_open(&base, error) && set_plan(&base, &base_plan, error));
	if (good && has_base)
		set->former = base.spec.faults;
	if (good && (!spec_faults_keep(set) || !deletes_check(set, plan)))
		good = error_memory(error, ERROR_SYSTEM, "checking a proposal");
	set->former = NULL;
	set_close(&base);
	return good;
}

static bool document_check(void *context, const struct record_list *items, const struct ledger *accepted, struct arena *arena,
			   struct keeper_findings *findings, struct error *error)
{
	struct document_set set = {.checker = context,
				   .items = items,
				   .accepted = accepted,
				   .kept = arena,
				   .faults = ARENA_ARRAY(arena, struct verdict_fault, KEEPER_FAULTS),
				   .room = KEEPER_FAULTS};
	struct plan plan;
	if (!set.faults)
		return error_memory(error, ERROR_SYSTEM, "checking a proposal");
	bool good =
		set_open(&set, error) && set_plan(&set, &plan, error) && (set.is_large || set_judge(&set, &plan, error));
	if (good && set.count == 0 &&
	    (!spec_warnings_keep(&set, &findings->warnings) ||
	     !proposed_tables(&plan, items, accepted, set.arena, arena, &findings->tables) ||
	     !state_labels_propose(&plan, items, accepted, arena, &findings->state_labels, &findings->state_is_changed) ||
	     !kept_versions_propose(&set.spec, items, arena, &findings->state_labels) ||
	     !change_needs_propose(&(struct proposed_change){items, &set.spec, &plan, accepted, &findings->tables}, arena,
				   &findings->state_labels)))
		good = error_memory(error, ERROR_SYSTEM, "checking a proposal");
	set_close(&set);
	findings->faults = (struct record_list){set.count, set.faults};
	return good;
}

/* Names the changelogs of the plan as the accepted versions and the proposed ones have them. */
static bool set_name_changelogs(struct document_set *set, struct plan *plan, struct error *error)
{
	struct record_list proposed, labels;
	struct former_facts facts = {0};
	const struct ledger_resource *resource;
	const struct state_label *items;
	bool good = set->is_large || state_labels_propose(plan, set->items, set->accepted, set->arena, &proposed, NULL);
	LIST_EACH_RESOURCE(set->accepted, resource)
	{
		const struct ledger_version *version = ledger_accepted(set->accepted, resource);
		if (good && version && !item_replaces(set, resource))
			good = state_labels_collect(&version->record.labels, set->arena, &facts);
	}
	items = set->is_large ? NULL : proposed.items;
	for (size_t i = 0; good && items && i < proposed.count; i++) {
		labels = (struct record_list){1, &items[i].label};
		good = state_labels_collect(&labels, set->arena, &facts);
	}
	good = good && (set->is_large || plan_name_changelogs(plan, &facts.forms, set->arena));
	return good || error_memory(error, ERROR_SYSTEM, "comparing plans");
}

bool document_check_effects(struct document_checker *checker, const struct record_list *items, const struct ledger *accepted,
			    struct document_effects effects, struct error *error)
{
	const struct record_list nothing = {0};
	struct document_set before = {.checker = checker, .items = &nothing, .accepted = accepted};
	struct document_set after = {.checker = checker, .items = items, .accepted = accepted};
	struct plan plan_before, plan_after;
	struct plan_changes changes;
	bool good = set_open(&before, error) && set_plan(&before, &plan_before, error) && set_open(&after, error) &&
		    set_plan(&after, &plan_after, error) && set_name_changelogs(&before, &plan_before, error) &&
		    set_name_changelogs(&after, &plan_after, error);
	if (good && !after.is_large && (!plan_diff(&plan_before, &plan_after, after.arena, &changes) ||
					!effects.take(effects.context, &changes, after.arena)))
		good = error_memory(error, ERROR_SYSTEM, "comparing plans");
	set_close(&before);
	set_close(&after);
	return good;
}

bool document_check_others(struct document_checker *checker, const struct record_list *items, const struct ledger *accepted,
			   struct arena *arena, struct record_list *warnings, struct error *error)
{
	const struct record_list nothing = {0};
	struct document_set before = {.checker = checker, .items = &nothing, .accepted = accepted};
	struct document_set after = {.checker = checker, .items = items, .accepted = accepted, .kept = arena};
	struct plan plan;
	bool good = set_open(&before, error) && set_plan(&before, &plan, error) && set_open(&after, error) &&
		    set_plan(&after, &plan, error);
	after.former = before.spec.faults;
	if (good && !after.is_large && !spec_warnings_keep(&after, warnings))
		good = error_memory(error, ERROR_SYSTEM, "checking a proposal");
	set_close(&before);
	set_close(&after);
	return good;
}

struct keeper_checker document_check_of(struct document_checker *checker)
{
	return (struct keeper_checker){document_check, checker};
}
