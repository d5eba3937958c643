/* state_labels.c: see state_labels.h. */
#include "control/keeper/state_labels.h"

#include "control/keeper/kept_versions.h"
#include "message/rows.h"

#define FIRST "-"

/* ---- the label ---- */

bool label_is_of_keeper(const struct control_label *label)
{
	return text_starts_with(label->key, TEXT(STATE_LABEL)) || text_starts_with(label->key, TEXT(APART_LABEL)) ||
	       text_starts_with(label->key, TEXT(KEPT_LABEL)) || text_is(label->key, NEEDS_LABEL);
}

bool state_label_read(const struct control_label *label, struct text *pipeline, struct text *stage, struct text *form,
		      struct text *steps)
{
	const size_t skipped = strlen(STATE_LABEL);
	if (!text_starts_with(label->key, TEXT(STATE_LABEL)))
		return false;
	const struct text place = text_from(label->key, skipped);
	const char *slash = memchr(place.bytes, '/', place.length);
	const char *blank = memchr(label->value.bytes, ' ', label->value.length);
	if (!slash || !blank)
		return false;
	*pipeline = (struct text){place.bytes, (size_t)(slash - place.bytes)};
	*stage = (struct text){slash + 1, place.length - pipeline->length - 1};
	*form = (struct text){label->value.bytes, (size_t)(blank - label->value.bytes)};
	*steps = (struct text){blank + 1, label->value.length - form->length - 1};
	if (text_is(*form, FIRST))
		*form = (struct text){0};
	return form->length == 0 || form->length == STATE_FORM_DIGITS;
}

/* The label of that stage; NULL: there is none. */
static const struct control_label *label_find(const struct control_version *version, struct text pipeline, struct text stage)
{
	const struct control_label *labels = version->labels.items;
	struct text of, at, form, steps;
	for (size_t i = 0; i < version->labels.count; i++)
		if (state_label_read(&labels[i], &of, &at, &form, &steps) && text_equal(of, pipeline) && text_equal(at, stage))
			return &labels[i];
	return NULL;
}

/* ---- the form of a stage ---- */

struct stage_sought {
	const struct ledger *accepted;
	const struct ledger_resource *resource; /* NULL: it is new */
	struct text pipeline, stage, steps;
};

/* The form that the newest accepted version with the stage has, if its steps fit, or with `exactly` the newest kept version
 * with the same steps. False: there is none. */
static bool form_find(const struct stage_sought *sought, bool exactly, bool *is_known, struct text *form)
{
	for (size_t i = sought->resource ? sought->resource->count : 0; i > 0; i--) {
		const struct ledger_version *version = sought->resource->versions[i - 1];
		const struct control_label *label = label_find(&version->record, sought->pipeline, sought->stage);
		struct text pipeline, stage, steps;
		if (!label || ledger_phase(sought->accepted, version) == CHANGE_FAILED)
			continue;
		(void)state_label_read(label, &pipeline, &stage, form, &steps);
		*is_known = true;
		if (exactly ? text_equal(steps, sought->steps) : state_steps_fit(steps, sought->steps))
			return true;
		if (!exactly)
			return false;
	}
	return false;
}

/* NULL: memory ran out. */
static const char *label_value(const struct stage_sought *sought, struct arena *arena, bool *is_changed)
{
	struct text form = {0};
	bool is_known = false;
	const bool fits = form_find(sought, false, &is_known, &form);
	if (is_known && !fits) {
		if (is_changed)
			*is_changed = true;
		if (!form_find(sought, true, &is_known, &form))
			form = text_of(state_form_name(sought->steps, arena));
	} else if (!is_known) {
		form = (struct text){0};
	}
	return arena_print(arena, TEXT_FORMAT " " TEXT_FORMAT, TEXT_ARGUMENTS(form.length > 0 ? form : TEXT(FIRST)),
			   TEXT_ARGUMENTS(sought->steps));
}

/* ---- a proposal ---- */

static const struct proposal_item *item_of(const struct record_list *items, const struct resource *resource)
{
	const struct proposal_item *all = items->items;
	for (size_t i = 0; i < items->count; i++)
		if (all[i].action == PROPOSAL_APPLY && resource->name.text && text_is(all[i].name, resource->name.text) &&
		    text_is(all[i].kind, resource->kind->name))
			return &all[i];
	return NULL;
}

/* Whether the pipeline or a kept version of its resource reads by a group of its own. */
static bool is_apart(const struct pipeline_plan *pipeline, const struct ledger_resource *resource, struct text key)
{
	for (size_t i = 0; resource && i < resource->count; i++) {
		const struct control_version *version = &resource->versions[i]->record;
		const struct control_label *labels = version->labels.items;
		for (size_t j = 0; j < version->labels.count; j++)
			if (text_equal(labels[j].key, key))
				return true;
	}
	return plan_reads_others(pipeline);
}

static bool apart_propose(const struct pipeline_plan *pipeline, const struct proposal_item *item, const struct ledger *accepted,
			  struct arena *arena, struct state_label *list, size_t *count)
{
	const char *key = arena_print(arena, APART_LABEL "%s", pipeline->graph->name);
	if (key && is_apart(pipeline, ledger_resource_find(accepted, item->kind, item->name), text_of(key)))
		list[(*count)++] = (struct state_label){text_copied(arena, item->kind), text_copied(arena, item->name),
							{text_of(key), TEXT("yes")}};
	return !arena_failed(arena);
}

static bool pipeline_propose(const struct pipeline_plan *pipeline, const struct proposal_item *item, const struct ledger *accepted,
			     struct arena *arena, struct state_label *list, size_t *count, bool *is_changed)
{
	for (size_t i = 0; i < pipeline->stage_count; i++) {
		const char *steps = stage_state_steps(pipeline, i, arena);
		if (!steps)
			continue;
		const struct stage_sought sought = {.accepted = accepted,
						    .resource = ledger_resource_find(accepted, item->kind, item->name),
						    .pipeline = text_of(pipeline->graph->name),
						    .stage = text_of(pipeline->stages[i].name),
						    .steps = text_of(steps)};
		const char *key = arena_print(arena, STATE_LABEL "%s/%s", pipeline->graph->name, pipeline->stages[i].name);
		const char *value = label_value(&sought, arena, is_changed);
		if (!key || !value)
			return false;
		list[(*count)++] = (struct state_label){text_copied(arena, item->kind), text_copied(arena, item->name),
							{text_of(key), text_of(value)}};
	}
	return !arena_failed(arena);
}

bool state_labels_propose(const struct plan *plan, const struct record_list *items, const struct ledger *accepted,
			  struct arena *arena, struct record_list *labels, bool *is_changed)
{
	size_t most = 0, count = 0;
	*labels = (struct record_list){0};
	for (size_t i = 0; i < plan->count; i++)
		most += plan->pipelines[i].stage_count + 1;
	struct state_label *list = ARENA_ARRAY(arena, struct state_label, most + 1);
	for (size_t i = 0; list && i < plan->count; i++) {
		const struct resource *resource = plan->pipelines[i].graph->resource;
		const struct proposal_item *item = item_of(items, resource->made_of ? resource->made_of : resource);
		if (item && (!pipeline_propose(&plan->pipelines[i], item, accepted, arena, list, &count, is_changed) ||
			     !apart_propose(&plan->pipelines[i], item, accepted, arena, list, &count)))
			return false;
	}
	*labels = (struct record_list){count, list};
	return list;
}

bool state_labels_merge(const struct record_list *of_item, const struct record_list *proposed, struct text kind, struct text name,
			struct arena *arena, struct record_list *merged)
{
	const struct control_label *own = of_item->items;
	const struct state_label *labels = proposed->items;
	struct control_label *list = ARENA_ARRAY(arena, struct control_label, of_item->count + proposed->count + 1);
	size_t count = 0;
	for (size_t i = 0; list && i < of_item->count; i++)
		if (!label_is_of_keeper(&own[i]))
			list[count++] = own[i];
	for (size_t i = 0; list && i < proposed->count; i++)
		if (text_equal(labels[i].kind, kind) && text_equal(labels[i].name, name))
			list[count++] = labels[i].label;
	*merged = (struct record_list){count, list};
	return list;
}

static bool apart_add(struct former_facts *facts, struct arena *arena, struct text pipeline)
{
	if (facts->apart_count == facts->apart_room) {
		const size_t room = 2 * facts->apart_room + 16;
		struct name *items = ARENA_ARRAY(arena, struct name, room);
		if (!items)
			return false;
		if (facts->apart_count > 0)
			memcpy(items, facts->apart, facts->apart_count * sizeof *items);
		facts->apart = items;
		facts->apart_room = room;
	}
	const char *name = arena_copy(arena, pipeline.bytes, pipeline.length);
	facts->apart[facts->apart_count++] = (struct name){.text = name};
	return name;
}

static bool label_collect(const struct control_label *label, struct arena *arena, struct former_facts *facts)
{
	const size_t skipped = strlen(APART_LABEL);
	struct text pipeline, stage, form, steps;
	if (text_starts_with(label->key, TEXT(APART_LABEL)))
		return apart_add(facts, arena, text_from(label->key, skipped));
	return !state_label_read(label, &pipeline, &stage, &form, &steps) || form.length == 0 ||
	       state_forms_add(&facts->forms, arena, arena_copy(arena, pipeline.bytes, pipeline.length),
			       arena_copy(arena, stage.bytes, stage.length), arena_copy(arena, form.bytes, form.length));
}

bool state_labels_collect(const struct record_list *labels, struct arena *arena, struct former_facts *facts)
{
	const struct control_label *all = labels->items;
	for (size_t i = 0; i < labels->count; i++)
		if (!label_collect(&all[i], arena, facts))
			return false;
	return true;
}

/* ---- changelogs that no version needs ---- */

/* PIPELINE.stage.STAGE.state or PIPELINE.stage.STAGE.form-FORM.state. */
static bool changelog_read_name(struct text rest, struct text *pipeline, struct text *stage, struct text *form)
{
	static const char before_stage[] = ".stage.", before_form[] = ".form-", end[] = ".state";
	const size_t form_bytes = sizeof before_form - 1 + STATE_FORM_DIGITS;
	const char *at = memmem(rest.bytes, rest.length, before_stage, sizeof before_stage - 1);
	if (!at || rest.length < sizeof end - 1 || memcmp(rest.bytes + rest.length - (sizeof end - 1), end, sizeof end - 1) != 0)
		return false;
	const char *begin = at + sizeof before_stage - 1, *stop = rest.bytes + rest.length - (sizeof end - 1);
	if (begin >= stop)
		return false;
	*pipeline = (struct text){rest.bytes, (size_t)(at - rest.bytes)};
	*stage = (struct text){begin, (size_t)(stop - begin)};
	*form = (struct text){0};
	if (stage->length <= form_bytes || memcmp(stop - form_bytes, before_form, sizeof before_form - 1) != 0)
		return true;
	*form = (struct text){stop - STATE_FORM_DIGITS, STATE_FORM_DIGITS};
	stage->length -= form_bytes;
	return true;
}

struct changelog_need {
	bool is_known;	/* a version has a label of the stage */
	bool is_named;	/* one of them has the form */
	bool has_other; /* a version has no label of it: it has no such stage, or an earlier release wrote it */
};

static struct changelog_need resource_need(const struct ledger_resource *resource, struct text pipeline, struct text stage,
					   struct text form)
{
	struct changelog_need need = {0};
	for (size_t i = 0; i < resource->count; i++) {
		const struct control_version *version = &resource->versions[i]->record;
		const struct control_label *label = label_find(version, pipeline, stage);
		struct text of, at, its, steps;
		need.has_other |= !label && version->action == CONTROL_APPLY;
		if (!label || !state_label_read(label, &of, &at, &its, &steps))
			continue;
		need.is_known = true;
		need.is_named |= text_equal(its, form);
	}
	return need;
}

bool state_labels_miss(const struct ledger *ledger, struct text rest)
{
	struct text pipeline, stage, form;
	const struct ledger_resource *resource;
	bool is_known = false;
	if (!changelog_read_name(rest, &pipeline, &stage, &form))
		return false;
	LIST_EACH_RESOURCE(ledger, resource)
	{
		const struct changelog_need need = resource_need(resource, pipeline, stage, form);
		if (need.is_named || (need.is_known && need.has_other && form.length == 0))
			return false;
		is_known |= need.is_known;
	}
	return is_known || form.length > 0;
}
