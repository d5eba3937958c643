/* state_forms.c: see state_forms.h. */
#include "compiler/plan/state_forms.h"

#include <inttypes.h>

#include "base/hash.h"

#define STEPS_BYTES_MAX ((size_t)64 << 10) /* names of all steps of a graph */
#define STATE_END ".state"

bool state_forms_add(struct state_forms *forms, struct arena *arena, const char *pipeline, const char *stage, const char *form)
{
	if (forms->count == forms->room) {
		const size_t room = 2 * forms->room + 16;
		struct state_form *items = ARENA_ARRAY(arena, struct state_form, room);
		if (!items)
			return false;
		if (forms->count > 0)
			memcpy(items, forms->items, forms->count * sizeof *items);
		forms->items = items;
		forms->room = room;
	}
	forms->items[forms->count++] = (struct state_form){pipeline, stage, form};
	return pipeline && stage && form;
}

/* ---- the steps of a stage ---- */

static void step_print(const struct graph *graph, size_t at, struct buffer *out)
{
	const struct step step = step_seen(graph, at);
	const char *form = step_facts(&step).form;
	if (!step.kind || !step_is_stateful(&step))
		return;
	buffer_print(out, "%s%s=%s%s%s", out->length > 0 ? " " : "", graph->steps[at].name, step.kind->name, form ? "/" : "",
		     form ? form : "");
}

const char *stage_state_steps(const struct pipeline_plan *pipeline, size_t stage, struct arena *arena)
{
	const struct stage *at = &pipeline->stages[stage];
	const char *steps = NULL;
	struct buffer out;
	if (!at->state || at->joins)
		return NULL;
	buffer_open(&out, STEPS_BYTES_MAX);
	for (size_t i = 0; i < at->count; i++)
		step_print(pipeline->graph, at->steps[i], &out);
	if (!buffer_failed(&out) && out.length > 0)
		steps = arena_copy(arena, out.bytes, out.length);
	buffer_close(&out);
	return steps;
}

static struct text word_name(struct text word)
{
	const char *equals = memchr(word.bytes, '=', word.length);
	return (struct text){word.bytes, equals ? (size_t)(equals - word.bytes) : word.length};
}

/* The word of that step; no bytes: there is none. */
static struct text word_find(struct text steps, struct text name)
{
	while (steps.length > 0) {
		const struct text word = text_take_until(&steps, ' ');
		if (text_equal(word_name(word), name))
			return word;
	}
	return (struct text){0};
}

bool state_steps_fit(struct text before, struct text now)
{
	bool is_gone = false, is_added = false;
	for (struct text rest = before; rest.length > 0;) {
		const struct text word = text_take_until(&rest, ' '), other = word_find(now, word_name(word));
		if (other.bytes && !text_equal(word, other))
			return false;
		is_gone |= !other.bytes;
	}
	for (struct text rest = now; rest.length > 0;)
		is_added |= !word_find(before, word_name(text_take_until(&rest, ' '))).bytes;
	return !is_gone || !is_added;
}

const char *state_form_name(struct text steps, struct arena *arena)
{
	return arena_print(arena, "%0*" PRIx32, STATE_FORM_DIGITS, (uint32_t)hash_bytes(steps.bytes, steps.length, 0));
}

/* ---- names of changelogs ---- */

static const char *changelog_name(const struct pipeline_plan *pipeline, const char *stage, const char *form, struct arena *arena)
{
	const char *rest = form ? arena_print(arena, "stage.%s" STATE_FORM_BEGIN "%s" STATE_END, stage, form)
				: arena_print(arena, "stage.%s" STATE_END, stage);
	return rest ? topic_own_name(arena, pipeline->prefix, pipeline->namespace, pipeline->graph->name, rest) : NULL;
}

static bool form_take(struct pipeline_plan *pipeline, const struct state_form *form, struct arena *arena)
{
	for (size_t i = 0; i < pipeline->topic_count; i++) {
		struct topic *topic = &pipeline->topics[i];
		if (topic->role != TOPIC_STATE || strcmp(pipeline->stages[topic->of].name, form->stage) != 0 ||
		    pipeline->stages[topic->of].joins)
			continue;
		topic->name = changelog_name(pipeline, form->stage, form->form, arena);
		if (!topic->name)
			return false;
	}
	return true;
}

bool plan_name_changelogs(struct plan *plan, const struct state_forms *forms, struct arena *arena)
{
	for (size_t i = 0; i < forms->count; i++)
		for (size_t j = 0; j < plan->count; j++)
			if (strcmp(plan->pipelines[j].graph->name, forms->items[i].pipeline) == 0 &&
			    !form_take(&plan->pipelines[j], &forms->items[i], arena))
				return false;
	return true;
}

static const struct stage *stage_find(const struct plan *plan, const struct pipeline_plan *like, const char *name,
				      const struct pipeline_plan **owner)
{
	for (size_t i = 0; i < plan->count; i++) {
		*owner = &plan->pipelines[i];
		if (strcmp((*owner)->graph->name, like->graph->name) != 0 || strcmp((*owner)->namespace, like->namespace) != 0)
			continue;
		for (size_t j = 0; j < (*owner)->stage_count; j++)
			if (strcmp((*owner)->stages[j].name, name) == 0)
				return &(*owner)->stages[j];
	}
	return NULL;
}

bool plan_name_changed(const struct plan *before, struct plan *now, struct arena *arena)
{
	for (size_t i = 0; i < now->count; i++)
		for (size_t j = 0; j < now->pipelines[i].stage_count; j++) {
			struct pipeline_plan *pipeline = &now->pipelines[i];
			const struct pipeline_plan *owner;
			const char *name = pipeline->stages[j].name, *steps = stage_state_steps(pipeline, j, arena);
			const struct stage *old = steps ? stage_find(before, pipeline, name, &owner) : NULL;
			const char *former = old ? stage_state_steps(owner, (size_t)(old - owner->stages), arena) : NULL;
			if (!former || state_steps_fit(text_of(former), text_of(steps)))
				continue;
			const struct state_form form = {pipeline->graph->name, name, state_form_name(text_of(steps), arena)};
			if (!form.form || !form_take(pipeline, &form, arena))
				return false;
		}
	return !arena_failed(arena);
}

bool changelog_is_of_stage(const char *changelog, const struct pipeline_plan *pipeline, const struct stage *stage,
			   struct arena *arena)
{
	const char *first = changelog_name(pipeline, stage->name, NULL, arena);
	const size_t base = first ? strlen(first) - strlen(STATE_END) : 0, length = strlen(changelog);
	if (!first || strncmp(changelog, first, base) != 0)
		return false;
	if (strcmp(changelog, first) == 0)
		return true;
	return length == base + strlen(STATE_FORM_BEGIN) + STATE_FORM_DIGITS + strlen(STATE_END) &&
	       strncmp(changelog + base, STATE_FORM_BEGIN, strlen(STATE_FORM_BEGIN)) == 0 &&
	       strcmp(changelog + length - strlen(STATE_END), STATE_END) == 0;
}
