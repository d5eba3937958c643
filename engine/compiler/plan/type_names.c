/* type_names.c: see type_names.h. */
#include "compiler/plan/type_names.h"

#include "base/suggest.h"
#include "compiler/graph/names.h"
#include "compiler/graph/type_list.h"
#include "compiler/yaml/fault_codes.h"

/* Owners whose names nobody can know before a message is there. */
static const char *const open_owners[] = {"params", "table"};

struct lookup {
	const struct inference *inference;
	const struct tensor_types *inputs;
	const struct step_kind *kind;
	size_t step; /* whose expressions these are */
	/* Set above in the same step: the entries of a table, in their order. */
	size_t made_count, made_room;
	struct tensor_type *made;
	size_t faults; /* said so far */
	bool of_operations; /* which may make what they use */
};

/* A name among tensors; what may be missing is asked for with has() or ??. */
static bool among(const struct lookup *lookup, const struct tensor_types *types, const struct expression_name *name,
		  struct value_type *type, const char **suggest)
{
	const struct tensor_type *found = types_find(types, name->name);
	*type = found ? found->type : (struct value_type){0};
	type->parameters = found ? found->parameters : NULL;
	if (found || !types->complete || name->optional)
		return true;
	*suggest = types_nearest(types, name->name, lookup->inference->arena);
	return false;
}

static void await_sources(struct awaited *awaited, const struct join *join, size_t *depth)
{
	for (size_t i = 0; i < join->count; i++) {
		const struct source *source = &join->sources[i];
		if (source->step == STEP_NONE)
			continue;
		awaited->steps[source->step] |= source->point == SOURCE_STEP_OUTPUTS;
		if (awaited->seen[source->step])
			continue;
		awaited->seen[source->step] = true;
		awaited->stack[(*depth)++] = source->step;
	}
}

static bool waits_for(const struct inference *inference, size_t reader, size_t step)
{
	const struct graph *graph = inference->graph;
	struct awaited *awaited = inference->awaited;
	if (awaited->reader == reader)
		return awaited->steps[step];
	size_t depth = 0;
	awaited->reader = reader;
	memset(awaited->steps, 0, graph->count * sizeof *awaited->steps);
	memset(awaited->seen, 0, graph->count * sizeof *awaited->seen);
	awaited->seen[reader] = true;
	awaited->stack[depth++] = reader;
	while (depth) {
		const struct graph_step *next = &graph->steps[awaited->stack[--depth]];
		await_sources(awaited, &next->inputs, &depth);
		await_sources(awaited, &next->triggers, &depth);
	}
	return awaited->steps[step];
}

/* Steps beside each other run in no order that a file could count on. */
static void check_awaited(const struct lookup *lookup, size_t step, const struct expression_name *name)
{
	const struct graph *graph = lookup->inference->graph;
	if (!waits_for(lookup->inference, lookup->step, step))
		fault_add(lookup->inference->faults, CODE_NOT_AWAITED, name->place, NULL,
			  "step `%s` does not wait for `%s`, so `" TEXT_FORMAT "." TEXT_FORMAT
			  "` may not exist yet when it runs; add `%s` to its triggers, or to its inputs",
			  graph->steps[lookup->step].name, graph->steps[step].name, TEXT_ARGUMENTS(name->owner),
			  TEXT_ARGUMENTS(name->name), graph->steps[step].name);
}

/* `step`: whom the name's owner is; STEP_NONE: no step. */
static bool of_step(const struct lookup *lookup, size_t step, const struct expression_name *name, struct value_type *type,
		    const char **suggest)
{
	const struct graph *graph = lookup->inference->graph;
	struct arena *arena = lookup->inference->arena;
	if (step != STEP_NONE && lookup->inference->done[step]) {
		check_awaited(lookup, step, name);
		return among(lookup, &lookup->inference->types->steps[step].outputs, name, type, suggest);
	}
	struct suggestion suggestion = suggest_begin(name->owner);
	for (size_t i = 0; i < graph->count && step == STEP_NONE; i++)
		if (lookup->inference->done[i])
			suggest_offer(&suggestion, text_of(graph->steps[i].name));
	if (suggestion.nearest.bytes)
		*suggest = arena_print(arena, TEXT_FORMAT "." TEXT_FORMAT, TEXT_ARGUMENTS(suggestion.nearest),
				       TEXT_ARGUMENTS(name->name));
	return false;
}

/* ---- marks ---- */

static bool is_of_outliers(struct text mark)
{
	return text_starts_with(mark, TEXT("outlier_")) || text_is(mark, "is_outlier");
}

static bool is_of_estimates(struct text mark)
{
	return text_starts_with(mark, TEXT("estimated_"));
}

static bool gives_mark(const struct step_spec *spec, struct text mark)
{
	const struct step self = {.kind = spec->kind, .options = spec->options};
	const struct monitor_rules *rules = spec->kind ? spec->kind->monitors : NULL;
	if (!rules || is_of_outliers(mark))
		return rules && rules->flag;
	if (is_of_estimates(mark))
		return step_estimates(&self, mark);
	return rules->judges_windows;
}

/* Another pipeline may call this one, or be called: marks go along. */
static bool others_give_mark(const struct inference *inference, struct text mark)
{
	for (size_t i = 0; inference->spec && i < inference->spec->count; i++) {
		const struct resource *resource = inference->spec->resources[i];
		const struct pipeline_spec *pipeline = resource->spec;
		if (resource->kind->type != RESOURCE_PIPELINE || resource == inference->graph->resource || !pipeline)
			continue;
		for (size_t j = 0; j < pipeline->steps.count; j++)
			if (gives_mark(&((const struct step_spec *)pipeline->steps.items)[j], mark))
				return true;
	}
	return !inference->spec;
}

static void check_mark(const struct lookup *lookup, const struct expression_name *name)
{
	const struct inference *inference = lookup->inference;
	const struct graph *graph = inference->graph;
	if (lookup->of_operations || name->optional)
		return;
	for (size_t i = 0; i < graph->count; i++)
		if (gives_mark(graph->steps[i].spec, name->name) && waits_for(inference, lookup->step, i))
			return;
	if (!others_give_mark(inference, name->name))
		fault_add(
			inference->faults, CODE_ABSENT_MARK, name->place, NULL,
			"no step before `%s` gives the mark `" TEXT_FORMAT
			"`, so the expression fails for each message that has no tensor of that name; add a step `%s`%s before it, "
			"or write `" TEXT_FORMAT " ?? ...` with what counts without it",
			graph->steps[lookup->step].name, TEXT_ARGUMENTS(name->name),
			is_of_outliers(name->name) ? "outlier" : "drift",
			!is_of_estimates(name->name)		 ? ""
			: text_is(name->name, "estimated_error") ? " with `estimateError`"
								 : " with `estimate`",
			TEXT_ARGUMENTS(name->name));
}

static const char *const *own_names(const struct lookup *lookup)
{
	return lookup->kind && lookup->kind->merges ? lookup->kind->merges->own_names : NULL;
}

static bool plain_name(const struct lookup *lookup, const struct expression_name *name, struct value_type *type,
		       const char **suggest)
{
	const struct tensor_types made = {.count = lookup->made_count, .items = lookup->made};
	const struct tensor_type *found = types_find(&made, name->name);
	if (found) {
		*type = found->type;
		type->parameters = found->parameters;
		return true;
	}
	if (!types_find(lookup->inputs, name->name)) {
		if (expression_is_mark(name->name)) {
			check_mark(lookup, name);
			return true;
		}
		for (const char *const *own = own_names(lookup); own && *own; own++)
			if (text_is(name->name, *own))
				return true;
	}
	if (among(lookup, lookup->inputs, name, type, suggest))
		return true;
	if (!*suggest)
		*suggest = types_nearest(&made, name->name, lookup->inference->arena);
	return false;
}

static bool type_of_name(void *context, const struct expression_name *name, struct value_type *type, const char **suggest)
{
	const struct lookup *lookup = context;
	*type = (struct value_type){0};
	if (name->owner.length == 0)
		return plain_name(lookup, name, type, suggest);
	size_t step = names_find(lookup->inference->graph->names, name->owner);
	if (step == STEP_NONE && text_is(name->owner, "request"))
		return among(lookup, &lookup->inference->types->request, name, type, suggest);
	if (step == STEP_NONE && text_is_one_of(name->owner, open_owners, sizeof open_owners / sizeof *open_owners))
		return true;
	return of_step(lookup, step, name, type, suggest);
}

/* False after a fault. */
static bool check(struct lookup *lookup, const struct expression *expression, struct value_type *type)
{
	const struct expression_types types = {lookup, type_of_name};
	struct error error = {0};
	if (expression_check(expression, &types, lookup->inference->arena, type, &error))
		return true;
	struct place place = error.place.line ? error.place : expression_place(expression);
	if (error.kind == ERROR_CONFIG || error.kind == ERROR_INPUT)
		fault_add(lookup->inference->faults, CODE_WRONG_EXPRESSION, place, NULL, "%s", error.text);
	lookup->faults++;
	return false;
}

static void check_condition(struct lookup *lookup, const struct expression *expression)
{
	struct value_type type = {0};
	if (check(lookup, expression, &type))
		condition_type_check(expression, &type, lookup->inference->arena, lookup->inference->faults);
}

/* Where the kind has names of its own, an expression that uses none of them is a slip. */
static void check_value(struct lookup *lookup, const struct expression *expression, struct value_type *type)
{
	const char *const *own = own_names(lookup);
	if (!check(lookup, expression, type) || !own)
		return;
	for (size_t i = 0; own[i]; i++)
		if (expression_uses(expression, text_of(own[i])))
			return;
	fault_add(lookup->inference->faults, CODE_IDLE_EXPRESSION, expression_place(expression), NULL,
		  "`" TEXT_FORMAT "` does not use `%s`: of tensors with the same name it sees only that of the first input",
		  TEXT_ARGUMENTS(expression_source(expression)), own[0]);
}

static void check_rows(struct lookup *lookup, const struct option *rows, const void *options, struct value_type *last);

/* A table of expressions makes one tensor an entry, which those below it may use. */
static void check_table(struct lookup *lookup, const struct option *row, const struct item_list *list)
{
	const struct option *key = NULL;
	for (const struct option *inner = row->rows; inner && inner->type != OPTION_END; inner++)
		if (inner->type == OPTION_KEY)
			key = inner;
	for (size_t i = 0; i < list->count; i++) {
		const unsigned char *item = (const unsigned char *)list->items + i * row->item_size;
		struct value_type type = {0};
		check_rows(lookup, row->rows, item, &type);
		const struct name *name = key ? (const void *)(item + key->offset) : NULL;
		if (!name || !name->text)
			continue;
		if (lookup->made_count == lookup->made_room) {
			size_t larger = lookup->made_room + list->count;
			struct tensor_type *moved = ARENA_ARRAY(lookup->inference->arena, struct tensor_type, larger);
			if (!moved)
				return;
			if (lookup->made_count)
				memcpy(moved, lookup->made, lookup->made_count * sizeof *moved);
			lookup->made = moved;
			lookup->made_room = larger;
		}
		lookup->made[lookup->made_count++] = (struct tensor_type){.name = text_of(name->text), .type = type};
	}
}

/* In a list of operations a name may stand for what those above made, moved or took away: the
 * kind knows, when it infers. Names with an owner are known here alone. */
static void check_operations(struct lookup *lookup, const struct item_list *list, struct value_type *last)
{
	static const struct tensor_types any = {0};
	const struct operation *operations = list->items;
	for (size_t i = 0; i < list->count; i++) {
		struct lookup alone = {.inference = lookup->inference,
				       .inputs = &any,
				       .kind = lookup->kind,
				       .step = lookup->step,
				       .of_operations = true};
		check_rows(&alone, operations[i].row->rows, operations[i].options, last);
		lookup->faults += alone.faults;
	}
}

/* The expressions of a kind's options; the type of the last goes to `last`. */
static void check_rows(struct lookup *lookup, const struct option *rows, const void *options, struct value_type *last)
{
	for (const struct option *row = rows; row && row->type != OPTION_END; row++) {
		if (row->offset == OPTION_UNSTORED)
			continue;
		const void *value = (const unsigned char *)options + row->offset;
		const struct item_list *list = value;
		const struct expression *const *expression = value;
		if (row->type == OPTION_EXPRESSION && *expression && row->condition)
			check_condition(lookup, *expression);
		else if (row->type == OPTION_EXPRESSION && *expression)
			check_value(lookup, *expression, last);
		else if (row->type == OPTION_MAP)
			check_rows(lookup, row->rows, value, last);
		else if (row->type == OPTION_TABLE)
			check_table(lookup, row, list);
		else if (row->type == OPTION_OPERATIONS)
			check_operations(lookup, list, last);
		for (size_t i = 0; row->type == OPTION_LIST && i < list->count; i++)
			check_rows(lookup, row->rows, (const unsigned char *)list->items + i * row->item_size, last);
	}
}

bool type_names_check(const struct inference *inference, size_t step, const struct tensor_types *inputs)
{
	const struct step_spec *spec = inference->graph->steps[step].spec;
	struct lookup lookup = {.inference = inference, .inputs = inputs, .kind = spec->kind, .step = step};
	struct value_type last;
	if (spec->when)
		check_condition(&lookup, spec->when);
	if (spec->kind && spec->options)
		check_rows(&lookup, spec->kind->options, spec->options, &last);
	return lookup.faults == 0;
}
