/* proposed_tables.c: see proposed_tables.h. */
#include "control/keeper/proposed_tables.h"

#include <stdlib.h>
#include <string.h>

#include "control/records/control_tables.h"
#include "message/rows.h"
#include "compiler/step/assignment_table.h"
#include "compiler/step/experiment.h"

/* A choice of the plan, and its table. */
struct planned_choice {
	const char *name;
	size_t place; /* in the plan: of equal names the first counts */
	const struct resource *resource; /* that has it */
	const struct assignment *assignment;
	const struct share *shares;
};

struct planned_choices {
	struct arena *scratch;
	const struct record_list *items_proposed; /* struct proposal_item */
	const struct ledger *accepted;
	size_t count, room;
	struct planned_choice *items;
};

/* ---- choices of a plan ---- */

static bool choice_add(struct planned_choices *choices, struct planned_choice choice)
{
	if (!choice.name)
		return false;
	if (!choice.assignment || strlen(choice.name) > CONTROL_CHOICE_BYTES_MAX)
		return !arena_failed(choices->scratch);
	if (choices->count == choices->room) {
		size_t room = choices->room > 0 ? 2 * choices->room : 64;
		struct planned_choice *grown = ARENA_ARRAY(choices->scratch, struct planned_choice, room);
		if (!grown)
			return false;
		for (size_t i = 0; i < choices->count; i++)
			grown[i] = choices->items[i];
		choices->items = grown;
		choices->room = room;
	}
	choice.place = choices->count;
	choices->items[choices->count++] = choice;
	return true;
}

/* The resource that was read, of which the graph's may be made. */
static const struct resource *graph_owner(const struct graph *graph)
{
	return graph->resource->made_of ? graph->resource->made_of : graph->resource;
}

static bool step_add(struct planned_choices *choices, const struct graph *graph, size_t step)
{
	struct share *shares = ARENA_ARRAY(choices->scratch, struct share, ASSIGNMENT_WAYS_MAX);
	size_t buckets[ASSIGNMENT_WAYS_MAX];
	if (!shares)
		return false;
	(void)graph_shares(graph, step, shares, buckets);
	return choice_add(choices, (struct planned_choice){
					   .name = arena_print(choices->scratch, "%s/%s", graph->name, graph->steps[step].name),
					   .resource = graph_owner(graph),
					   .assignment = graph->steps[step].assignment,
					   .shares = shares,
				   });
}

/* The choices of a graph itself: those of its steps, and the experiments that are written in them. */
static bool graph_add(struct planned_choices *choices, const struct graph *graph)
{
	for (size_t i = 0; i < graph->count; i++)
		if (graph->steps[i].assignment && !step_add(choices, graph, i))
			return false;
	for (size_t i = 0; i < graph->experiment_count; i++) {
		const struct graph_experiment *experiment = graph->experiments[i];
		if (experiment->inside && !experiment->of_ways &&
		    !choice_add(choices, (struct planned_choice){.name = experiment->name,
								 .resource = graph_owner(graph),
								 .assignment = experiment->assignment,
								 .shares = experiment->shares}))
			return false;
	}
	return true;
}

/* An Experiment, whether or not a pipeline names it. */
static bool experiment_add(struct planned_choices *choices, const struct spec *spec, const struct resource *resource)
{
	struct share *shares = ARENA_ARRAY(choices->scratch, struct share, ASSIGNMENT_WAYS_MAX);
	size_t count = shares ? experiment_shares(resource->spec, shares) : 0;
	if (count > 0 && experiment_is_rolled_out(resource->spec))
		assignment_weigh(spec->tables, resource->name.text, shares, count);
	const struct assignment *assignment =
		count > 0 ? assignment_choose(choices->scratch, spec->tables, resource->name.text, shares, count) : NULL;
	return shares && choice_add(choices, (struct planned_choice){.name = resource->name.text,
								     .resource = resource,
								     .assignment = assignment,
								     .shares = shares});
}

static int choice_compare(const void *a, const void *b)
{
	const struct planned_choice *one = a, *other = b;
	int order = strcmp(one->name, other->name);
	return order != 0 ? order : (one->place > other->place) - (one->place < other->place);
}

static bool choices_find(struct planned_choices *choices, const struct plan *plan)
{
	const struct spec *spec = plan->spec;
	for (size_t i = 0; i < spec->count; i++)
		if (spec->resources[i]->kind->type == RESOURCE_EXPERIMENT && spec->resources[i]->spec &&
		    spec->resources[i]->name.text && !experiment_add(choices, spec, spec->resources[i]))
			return false;
	for (size_t i = 0; i < plan->count; i++)
		if (!graph_add(choices, plan->pipelines[i].graph))
			return false;
	if (choices->count > 1)
		qsort(choices->items, choices->count, sizeof *choices->items, choice_compare);
	return true;
}

/* ---- what differs ---- */

static const struct ledger_table *table_accepted(const struct ledger *accepted, struct text name)
{
	const struct ledger_choice *choice = ledger_choice_find(accepted, name);
	return choice ? control_table_at(accepted, choice, CONTROL_ACCEPTED) : NULL;
}

static bool choice_is_proposed(const struct planned_choices *choices, const struct planned_choice *choice)
{
	const struct proposal_item *items = choices->items_proposed->items;
	for (size_t i = 0; i < choices->items_proposed->count; i++)
		if (text_is(items[i].name, choice->resource->name.text) && text_is(items[i].kind, choice->resource->kind->name))
			return true;
	return false;
}

/* Whether the choice needs no record beside the accepted one. */
static bool table_stays(const struct planned_choices *choices, const struct planned_choice *choice,
			const struct ledger_table *former)
{
	if (!former || !control_table_is(former, choice->assignment))
		return false;
	const struct ledger_change *change = ledger_change_find(choices->accepted, former->record.change);
	return !change || change->record.phase != CHANGE_ACCEPTED || !choice_is_proposed(choices, choice);
}

/* Appends the table of a choice, if it needs one. */
static bool table_propose(const struct planned_choices *choices, const struct planned_choice *choice, struct arena *arena,
			  struct control_table *list, size_t *count)
{
	const struct ledger_table *former = table_accepted(choices->accepted, text_of(choice->name));
	struct control_table *made = &list[*count];
	struct assignment_table before;
	if (table_stays(choices, choice, former))
		return true;
	*made = (struct control_table){.choice = text_copied(arena, text_of(choice->name)),
				       .kind = text_copied(arena, text_of(choice->resource->kind->name)),
				       .name = text_copied(arena, text_of(choice->resource->name.text))};
	if ((former && !control_table_copy(former, arena, &before)) ||
	    !control_table_fill(made, choice->assignment, choice->shares, former ? &before : NULL, arena))
		return false;
	struct table_share *shares = (struct table_share *)(uintptr_t)made->shares.items;
	for (size_t i = 0; i < made->shares.count; i++)
		shares[i].name = text_copied(arena, shares[i].name);
	(*count)++;
	return !arena_failed(arena);
}

/* As strcmp() orders them. */
static int name_compare(const char *planned, struct text name)
{
	int order = strncmp(planned, name.bytes, name.length);
	return order != 0 ? order : planned[name.length] != '\0';
}

static bool choice_is_planned(const struct planned_choices *choices, struct text name)
{
	size_t first = 0, end = choices->count;
	while (first < end) {
		size_t middle = first + (end - first) / 2;
		int order = name_compare(choices->items[middle].name, name);
		if (order == 0)
			return true;
		if (order < 0)
			first = middle + 1;
		else
			end = middle;
	}
	return false;
}

/* Appends tables without shares for the choices that are gone. An accepted document with an error, for example since an
 * upgrade of sluice, may have others than the plan: then none is known to be gone. */
static bool deleted_propose(const struct planned_choices *choices, const struct plan *plan, struct arena *arena,
			    struct control_table *list, size_t *count)
{
	const struct ledger_choice *choice;
	if (faults_count(plan->spec->faults, SEVERITY_ERROR) > 0)
		return true;
	LIST_EACH_CHOICE(choices->accepted, choice)
	{
		const struct ledger_table *former = control_table_at(choices->accepted, choice, CONTROL_ACCEPTED);
		if (!former || former->record.shares.count == 0 || choice_is_planned(choices, choice->name))
			continue;
		list[(*count)++] = (struct control_table){.choice = text_copied(arena, choice->name),
							  .kind = text_copied(arena, former->record.kind),
							  .name = text_copied(arena, former->record.name)};
	}
	return !arena_failed(arena);
}

bool proposed_tables(const struct plan *plan, const struct record_list *items, const struct ledger *accepted,
		     struct arena *scratch, struct arena *arena, struct record_list *tables)
{
	struct planned_choices choices = {.scratch = scratch, .items_proposed = items, .accepted = accepted};
	size_t count = 0;
	if (!choices_find(&choices, plan))
		return false;
	struct control_table *list =
		ARENA_ARRAY(arena, struct control_table, choices.count + list_length(&accepted->choices));
	if (!list)
		return false;
	for (size_t i = 0; i < choices.count; i++)
		if ((i == 0 || strcmp(choices.items[i].name, choices.items[i - 1].name) != 0) &&
		    !table_propose(&choices, &choices.items[i], arena, list, &count))
			return false;
	if (!deleted_propose(&choices, plan, arena, list, &count))
		return false;
	*tables = (struct record_list){count, list};
	return true;
}
