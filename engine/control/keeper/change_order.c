/* change_order.c: see change_order.h. */
#include "control/keeper/change_order.h"

#include "control/keeper/state_labels.h"
#include "message/rows.h"
#include "compiler/graph/named_versions.h"

/* ---- the names that a proposal needs ---- */

struct needed_names {
	const struct proposed_change *proposed;
	size_t count;
	struct text names[CHANGE_NEEDS_MAX];
	bool is_over; /* there are more */
};

/* A named version needs its Model. */
static void name_add(struct needed_names *needed, struct text name)
{
	int64_t version;
	(void)named_version_read(name, &name, &version);
	for (size_t i = 0; i < needed->count; i++)
		if (text_equal(needed->names[i], name))
			return;
	needed->is_over |= needed->count == CHANGE_NEEDS_MAX;
	if (!needed->is_over)
		needed->names[needed->count++] = name;
}

/* `p.step.m.outputs` reads the pipeline `p`. */
static void inputs_add(struct needed_names *needed, const struct name_list *inputs)
{
	for (size_t i = 0; i < inputs->count; i++)
		name_add(needed, (struct text){inputs->items[i].text, strcspn(inputs->items[i].text, ".")});
}

static void pipeline_follow(struct needed_names *needed, const struct pipeline_plan *pipeline)
{
	const struct pipeline_spec *spec = pipeline->graph->resource->spec;
	for (size_t i = 0; i < pipeline->callee_count; i++)
		name_add(needed, text_of(pipeline->callees[i].name));
	inputs_add(needed, &spec->input.external_inputs);
	inputs_add(needed, &spec->input.external_triggers);
}

/* An experiment needs its candidates. It matters to each of them: it may split the calls of the default. */
static void experiment_follow(struct needed_names *needed, const struct resource *resource, struct text name)
{
	const struct experiment_spec *experiment = resource->spec;
	const struct candidate *candidates = experiment->candidates.items;
	bool is_named = text_is(name, resource->name.text);
	for (size_t i = 0; i < experiment->candidates.count; i++)
		is_named |= candidates[i].name.text && text_is(name, candidates[i].name.text);
	if (!is_named)
		return;
	name_add(needed, text_of(resource->name.text));
	for (size_t i = 0; i < experiment->candidates.count; i++)
		if (candidates[i].name.text)
			name_add(needed, text_of(candidates[i].name.text));
	if (experiment->mirror_name.text)
		name_add(needed, text_of(experiment->mirror_name.text));
}

static void name_follow(struct needed_names *needed, struct text name)
{
	const struct plan *plan = needed->proposed->plan;
	const struct resource *experiment;
	for (size_t i = 0; i < plan->count; i++)
		if (text_is(name, plan->pipelines[i].graph->name))
			pipeline_follow(needed, &plan->pipelines[i]);
	for (size_t at = 0; (experiment = spec_next(needed->proposed->spec, RESOURCE_EXPERIMENT, &at));)
		if (experiment->spec && experiment->name.text)
			experiment_follow(needed, experiment, name);
}

/* ---- the label ---- */

/* NULL: there is none. */
static const struct text *needs_find(const struct ledger_version *version)
{
	const struct control_label *labels = version->record.labels.items;
	for (size_t i = 0; i < version->record.labels.count; i++)
		if (text_is(labels[i].key, NEEDS_LABEL))
			return &labels[i].value;
	return NULL;
}

/* The next name of a label's value; no bytes: there is none. */
static struct text name_take(struct text *rest)
{
	const struct text name = text_take_until(rest, ' ');
	return name.length > 0 ? name : (struct text){0};
}

/* Adds what the versions needed that the proposal replaces: the one in force, and those that are undecided. False: one of them has
 * no label. */
static bool former_add(struct needed_names *needed, const struct proposal_item *item)
{
	const struct ledger *ledger = needed->proposed->accepted;
	const struct ledger_resource *resource = ledger_resource_find(ledger, item->kind, item->name);
	for (size_t i = resource ? resource->count : 0; i > 0; i--) {
		const struct ledger_version *version = resource->versions[i - 1];
		const enum change_phase phase = ledger_phase(ledger, version);
		const struct text *needs = needs_find(version);
		if (phase == CHANGE_FAILED)
			continue;
		if (!needs)
			return false;
		for (struct text rest = *needs, name; (name = name_take(&rest)).bytes;)
			name_add(needed, name);
		if (phase == CHANGE_ACTIVE)
			break;
	}
	return true;
}

static bool item_is_of_one_pipeline(const struct proposal_item *item)
{
	return text_is(item->kind, "Pipeline") || text_is(item->kind, "Model") || text_is(item->kind, "Experiment");
}

static bool tables_are_of_items(const struct proposed_change *proposed)
{
	const struct control_table *tables = proposed->tables->items;
	const struct proposal_item *items = proposed->items->items;
	for (size_t i = 0; i < proposed->tables->count; i++) {
		bool is_found = false;
		for (size_t j = 0; j < proposed->items->count; j++)
			is_found |= text_equal(tables[i].kind, items[j].kind) && text_equal(tables[i].name, items[j].name);
		if (!is_found)
			return false;
	}
	return true;
}

/* False: the change is to wait for all. */
static bool names_find(struct needed_names *needed)
{
	const struct proposal_item *items = needed->proposed->items->items;
	const size_t count = needed->proposed->items->count;
	for (size_t i = 0; i < count; i++)
		name_add(needed, items[i].name);
	for (size_t i = 0; i < needed->count; i++)
		name_follow(needed, needed->names[i]);
	for (size_t i = 0; i < count; i++)
		if (!item_is_of_one_pipeline(&items[i]) || !former_add(needed, &items[i]))
			return false;
	return !needed->is_over && tables_are_of_items(needed->proposed);
}

static struct text names_join(const struct needed_names *needed, struct arena *arena)
{
	struct buffer value;
	buffer_open(&value, CHANGE_NEEDS_MAX * (CONTROL_NAME_BYTES_MAX + 1));
	for (size_t i = 0; i < needed->count; i++) {
		buffer_string(&value, i > 0 ? " " : "");
		buffer_text(&value, needed->names[i]);
	}
	return buffer_kept(arena, &value);
}

bool change_needs_propose(const struct proposed_change *proposed, struct arena *arena, struct record_list *labels)
{
	const struct proposal_item *items = proposed->items->items;
	struct needed_names *needed = ARENA_NEW(arena, struct needed_names);
	struct state_label *list = ARENA_ARRAY(arena, struct state_label, labels->count + proposed->items->count + 1);
	size_t count = labels->count;
	if (!needed || !list)
		return false;
	needed->proposed = proposed;
	if (!names_find(needed))
		return true;
	const struct text value = names_join(needed, arena);
	if (labels->count > 0)
		memcpy(list, labels->items, labels->count * sizeof *list);
	for (size_t i = 0; i < proposed->items->count; i++)
		list[count++] = (struct state_label){
			text_copied(arena, items[i].kind), text_copied(arena, items[i].name), {TEXT(NEEDS_LABEL), value}};
	*labels = (struct record_list){count, list};
	return value.bytes && !arena_failed(arena);
}

/* ---- changes ---- */

/* NULL: the ledger has it no more. */
static const struct ledger_version *version_of(const struct ledger *ledger, const struct resource_version *named)
{
	const struct ledger_resource *resource = ledger_resource_find(ledger, named->kind, named->name);
	return resource ? ledger_version_find(resource, named->version) : NULL;
}

static bool change_names(const struct ledger_change *change, struct text name)
{
	const struct resource_version *versions = change->record.versions.items;
	for (size_t i = 0; i < change->record.versions.count; i++)
		if (text_equal(versions[i].name, name))
			return true;
	return false;
}

/* Whether a change has nothing of the names of the other, nor needs one. All versions of a change have the same label. */
static bool change_is_apart(const struct ledger *ledger, const struct ledger_change *change, const struct ledger_change *other)
{
	const struct resource_version *versions = change->record.versions.items;
	for (size_t i = 0; i < change->record.versions.count; i++) {
		const struct ledger_version *version = version_of(ledger, &versions[i]);
		const struct text *needs = version ? needs_find(version) : NULL;
		if (!needs)
			return false;
		for (struct text rest = *needs, name; (name = name_take(&rest)).bytes;)
			if (change_names(other, name))
				return false;
	}
	return true;
}

bool change_waits(const struct ledger *ledger, const struct ledger_change *change)
{
	for (const struct list_node *node = change->node.previous; node; node = node->previous) {
		const struct ledger_change *earlier = LIST_OWNER(node, const struct ledger_change, node);
		if (earlier->record.phase == CHANGE_ACCEPTED &&
		    (!change_is_apart(ledger, change, earlier) || !change_is_apart(ledger, earlier, change)))
			return true;
	}
	return false;
}
