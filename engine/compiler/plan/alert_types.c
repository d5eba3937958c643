/* alert_types.c: Checks of the conditions and groups of alerts against what a pipeline gives: its figures, and the results of
 * its steps. */
#include <ctype.h>

#include "compiler/conditions/alert_condition.h"
#include "compiler/plan/compile.h"
#include "compiler/graph/names.h"
#include "compiler/graph/type_list.h"
#include "compiler/plan/type_names.h"
#include "compiler/resources/alert_sources.h"
#include "compiler/yaml/fault_codes.h"

/* ---- names: whether a condition can be judged ---- */

static bool is_of_outliers(struct text name)
{
	return text_starts_with(name, TEXT("outlier_")) || text_is(name, "is_outlier");
}

/* Whether a result of the step has the name, as a tensor or as a mark. */
static bool step_gives(const struct graph_step *step, const struct step_types *types, struct text name)
{
	const struct monitor_rules *rules = step->spec->kind ? step->spec->kind->monitors : NULL;
	if (types_find(&types->outputs, name))
		return true;
	return rules && expression_is_mark(name) && (is_of_outliers(name) ? rules->flag != NULL : rules->judges_windows);
}

/* The same, or its results are not all known. */
static bool step_may_give(const struct graph_step *step, const struct step_types *types, struct text name)
{
	return !types->outputs.complete || step_gives(step, types, name);
}

static bool graph_may_give(const struct graph *graph, const struct graph_types *types, struct text name)
{
	for (size_t i = 0; i < graph->count; i++)
		if (step_may_give(&graph->steps[i], &types->steps[i], name))
			return true;
	return graph->count == 0;
}

static bool graph_gives(const struct graph *graph, const struct graph_types *types, struct text name)
{
	for (size_t i = 0; i < graph->count; i++)
		if (step_gives(&graph->steps[i], &types->steps[i], name))
			return true;
	return false;
}

static bool is_of_rollouts(struct text name)
{
	return text_starts_with(name, TEXT("rollout_")) && alert_value_named(name);
}

static bool has_rollout(const struct graph *graph)
{
	for (size_t i = 0; i < graph->reachable_count; i++)
		if (experiment_is_rolled_out(graph->reachable[i]->spec))
			return true;
	return false;
}

/* The kind of step that the pipeline would need to have the name; NULL: that is not known. */
static const char *kind_lacking(struct text name)
{
	if (is_of_outliers(name))
		return "outlier";
	return alert_value_named(name) || expression_is_mark(name) ? "drift" : NULL;
}

/* What keeps the condition from being judged, if one of its names does. */
static void check_name(const struct graph *graph, const struct graph_types *types, const struct alert_condition *condition,
		       struct text name, struct faults *faults)
{
	const struct place place = expression_place(condition->expression);
	const char *kind = kind_lacking(name);
	if (condition->of_figures && is_of_rollouts(name) && !has_rollout(graph))
		fault_add(faults, CODE_IDLE_ALERT, place, NULL,
			  "the condition uses `" TEXT_FORMAT "`, and no experiment of this pipeline has a rollout: it is never "
			  "judged",
			  TEXT_ARGUMENTS(name));
	if (condition->of_figures)
		return;
	if (!graph_may_give(graph, types, name))
		fault_add(faults, CODE_IDLE_ALERT, place, NULL,
			  "no step gives `" TEXT_FORMAT "`%s%s%s, so the condition is never judged", TEXT_ARGUMENTS(name),
			  kind ? ", and this pipeline has no step `" : "", kind ? kind : "", kind ? "`" : "");
	else if (kind && !graph_gives(graph, types, name))
		fault_add(faults, CODE_IDLE_ALERT, place, NULL,
			  "this pipeline has no step `%s`, so the condition is judged only if a model, or a request, has a tensor "
			  "`" TEXT_FORMAT "`; add such a step, or name the tensor in the `outputs` of its model",
			  kind, TEXT_ARGUMENTS(name));
}

/* ---- types ---- */

/* An alert, and a result of a step by which it may be judged. */
struct alert_reading {
	const struct graph *graph;
	const struct graph_types *types;
	const struct alert_condition *condition;
	size_t step;
	bool takes_first; /* tensors are of their first element */
	struct arena *arena;
	struct faults *faults;
};

static void shorten(struct value_type *type)
{
	type->shape_known = true;
	type->rank = 1;
	type->shape[0] = 1;
}

/* A figure is a number of one element. */
static bool type_of_figure(void *context, const struct expression_name *name, struct value_type *type, const char **suggest)
{
	const struct alert_reading *reading = context;
	(void)suggest;
	*type = (struct value_type){0};
	if (name->owner.length || !(alert_value_named(name->name) || metrics_declare(&reading->graph->spec->metrics, name->name)))
		return !expression_is_special(name->name);
	*type = type_of_datatype(DATATYPE_FP64);
	shorten(type);
	return true;
}

static bool type_of_owned(const struct alert_reading *reading, const struct expression_name *name, struct value_type *type)
{
	const size_t step = names_find(reading->graph->names, name->owner);
	const struct tensor_type *found =
		step == reading->step ? types_find(&reading->types->steps[step].outputs, name->name) : NULL;
	if (found)
		*type = found->type;
	if (found && reading->takes_first)
		shorten(type);
	return step != STEP_NONE || text_is(name->owner, "request") || text_is(name->owner, "params");
}

/* Whether the result may have a tensor, mark or value of that name. */
static bool type_in_result(void *context, const struct expression_name *name, struct value_type *type, const char **suggest)
{
	const struct alert_reading *reading = context;
	const struct tensor_types *outputs = &reading->types->steps[reading->step].outputs;
	const struct tensor_type *found = types_find(outputs, name->name);
	*type = (struct value_type){0};
	if (name->owner.length)
		return type_of_owned(reading, name, type);
	if (found) {
		*type = found->type;
		type->parameters = found->parameters;
	}
	if (found && reading->takes_first)
		shorten(type);
	if (found || expression_is_mark(name->name) || name->optional)
		return true;
	*suggest = types_nearest(outputs, name->name, reading->arena);
	return !outputs->complete && !expression_is_special(name->name);
}

static void wrong_add(const struct alert_reading *reading, const struct expression *expression, const struct error *error)
{
	const struct place place = error->place.line ? error->place : expression_place(expression);
	if (error->kind == ERROR_CONFIG || error->kind == ERROR_INPUT)
		fault_add(reading->faults, CODE_WRONG_EXPRESSION, place, NULL, "%s", error->text);
}

static bool step_may_judge(const struct alert_reading *reading)
{
	const struct alert_condition *condition = reading->condition;
	const struct graph_step *step = &reading->graph->steps[reading->step];
	for (size_t i = 0; i < condition->name_count; i++)
		if (!step_may_give(step, &reading->types->steps[reading->step], condition->names[i]))
			return false;
	return true;
}

/* The type of the expression over the first result to which it fits. False: it fits none, and a fault was added if there is one
 * that may judge the condition. */
static bool type_over_results(struct alert_reading *reading, const struct expression *expression, struct value_type *type)
{
	const struct expression_types types = {reading, type_in_result};
	struct error first = {0};
	for (reading->step = 0; reading->step < reading->graph->count; reading->step++) {
		struct error error = {0};
		if (!step_may_judge(reading))
			continue;
		if (expression_check(expression, &types, reading->arena, type, &error))
			return true;
		if (first.kind == ERROR_NONE)
			first = error;
	}
	wrong_add(reading, expression, &first);
	return false;
}

/* `is_drift == true`: so a mark is compared, and a figure is no bool. */
static bool compares_with_flag(struct text source)
{
	static const char *const flags[] = {"== true", "== false", "!= true", "!= false"};
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		const size_t length = strlen(flags[i]);
		const char *found = memmem(source.bytes, source.length, flags[i], length);
		const char *end = found ? found + length : NULL;
		if (found && (end == source.bytes + source.length || !(isalnum((unsigned char)*end) || *end == '_')))
			return true;
	}
	return false;
}

static bool type_over_figures(struct alert_reading *reading, struct value_type *type)
{
	const struct expression_types types = {reading, type_of_figure};
	struct error error = {0};
	if (expression_check(reading->condition->expression, &types, reading->arena, type, &error))
		return true;
	struct error flag = {0};
	const bool with_flag = compares_with_flag(expression_source(reading->condition->expression));
	error_set(&flag, ERROR_CONFIG, error.place,
		  "figures are numbers, and one that says yes or no is 1 or 0: write it alone, as `is_drift`, or `is_drift == 1`");
	wrong_add(reading, reading->condition->expression, with_flag && error.kind == ERROR_CONFIG ? &flag : &error);
	return false;
}

static void check_condition(struct alert_reading *reading)
{
	struct value_type type = {0};
	const struct alert_condition *condition = reading->condition;
	reading->takes_first = condition->is_short;
	if (condition->of_figures ? type_over_figures(reading, &type) : type_over_results(reading, condition->expression, &type))
		condition_type_check(condition->expression, &type, reading->arena, reading->faults);
}

/* The short form of the condition takes the first element; a group does not. */
static void check_group(struct alert_reading *reading, const struct expression *group_by)
{
	struct value_type type = {0};
	reading->takes_first = false;
	if (type_over_results(reading, group_by, &type) && type_has_elements(&type))
		fault_add(reading->faults, CODE_WRONG_EXPRESSION, expression_place(group_by), NULL,
			  "`groupBy` has more than one element, %s; a group is the value of one, as in `" TEXT_FORMAT "[0]`",
			  type_text(&type, reading->arena), TEXT_ARGUMENTS(expression_source(group_by)));
}

/* The file does not tell that a model is offered, whose outputs belong to messages. */
static void check_mixed(const struct graph *graph, const struct alert_condition *condition, struct arena *arena,
			struct faults *faults)
{
	const struct alert_sources written = alert_sources_of(graph->spec);
	struct alert_condition as_written;
	if (alert_condition_make(&as_written, condition->expression, &written, arena) && !as_written.mixed.length)
		alert_mixed_tell(condition, faults);
}

void alerts_check_types(const struct graph *graph, const struct graph_types *types, struct arena *arena, struct faults *faults)
{
	const struct alert_spec *alerts = graph->spec->alerts.items;
	const struct alert_sources sources = graph_figures(graph);
	for (size_t i = 0; types->steps && i < graph->spec->alerts.count; i++) {
		struct alert_condition condition;
		struct alert_reading reading = {
			.graph = graph, .types = types, .condition = &condition, .arena = arena, .faults = faults};
		if (!alerts[i].condition || !alert_condition_make(&condition, alerts[i].condition, &sources, arena))
			continue;
		if (condition.mixed.length) {
			check_mixed(graph, &condition, arena, faults);
			continue;
		}
		for (size_t j = 0; j < condition.name_count; j++)
			check_name(graph, types, &condition, condition.names[j], faults);
		check_condition(&reading);
		if (alerts[i].group_by && !condition.of_figures)
			check_group(&reading, alerts[i].group_by);
	}
}
