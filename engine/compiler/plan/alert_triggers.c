/* alert_triggers.c: Alerts that a rollout names as triggers (`rollback.alerts`): each gets the action `rollback` of that
 * experiment, as if its pipeline had written it. Part of graph_build(). */
#include "compiler/graph/build.h"
#include "compiler/yaml/fault_codes.h"

/* The place where the experiment names the alert; NULL: it does not. */
static const struct name *trigger_of(const struct graph_experiment *experiment, const char *alert)
{
	const struct name_list *names = &experiment->spec->progressive.rollback.alerts;
	for (size_t i = 0; alert && i < names->count && experiment_is_rolled_out(experiment->spec); i++)
		if (strings_equal(names->items[i].text, alert))
			return &names->items[i];
	return NULL;
}

static bool rolls_back(const struct alert_spec *alert, const char *experiment)
{
	const struct alert_action *actions = alert->actions.items;
	for (size_t i = 0; i < alert->actions.count; i++)
		if (actions[i].type == ALERT_ROLLBACK && strings_equal(actions[i].experiment.text, experiment))
			return true;
	return false;
}

/* False: memory ran out. */
static bool action_add(struct graph_build *build, struct alert_spec *alert, const struct graph_experiment *experiment,
		       const struct name *trigger)
{
	const size_t count = alert->actions.count;
	if (rolls_back(alert, experiment->name))
		return true;
	if (count >= ALERT_ACTIONS_MAX) {
		fault_add(build->faults, CODE_OUT_OF_RANGE, trigger->place, NULL,
			  "the alert `%s` has %d actions already, so it cannot roll `%s` back too; leave one out", alert->name.text,
			  ALERT_ACTIONS_MAX, experiment->name);
		return true;
	}
	struct alert_action *actions = ARENA_ARRAY(build->arena, struct alert_action, count + 1);
	if (!actions)
		return false;
	if (count > 0)
		memcpy(actions, alert->actions.items, count * sizeof *actions);
	actions[count] = (struct alert_action){
		.here = trigger->place, .type = ALERT_ROLLBACK, .experiment = {experiment->name, trigger->place}};
	alert->actions = (struct item_list){.count = count + 1, .items = actions};
	return true;
}

static bool has_triggers(const struct graph *graph)
{
	for (size_t i = 0; i < graph->experiment_count; i++)
		if (graph->experiments[i]->spec->progressive.rollback.alerts.count > 0)
			return true;
	return false;
}

void build_alert_triggers(struct graph_build *build)
{
	struct graph *graph = build->graph;
	const size_t count = graph->spec->alerts.count;
	if (count == 0 || !has_triggers(graph))
		return;
	struct pipeline_spec *own = ARENA_NEW(build->arena, struct pipeline_spec);
	struct alert_spec *alerts = ARENA_ARRAY(build->arena, struct alert_spec, count);
	if (!own || !alerts)
		return;
	*own = *graph->spec;
	memcpy(alerts, own->alerts.items, count * sizeof *alerts);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < graph->experiment_count; j++) {
			const struct name *trigger = trigger_of(graph->experiments[j], alerts[i].name.text);
			if (trigger && !action_add(build, &alerts[i], graph->experiments[j], trigger))
				return;
		}
	own->alerts = (struct item_list){.count = count, .items = alerts};
	graph->spec = own;
}
