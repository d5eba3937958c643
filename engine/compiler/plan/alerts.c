/* alerts.c: Checks of alerts and silences against all resources: the pipelines and the alerts that they name. */
#include "compiler/conditions/alert_condition.h"
#include "base/suggest.h"
#include "compiler/plan/compile.h"
#include "compiler/yaml/fault_codes.h"

/* A pipeline that is in no file gets no requests here, so an alert on their absence would fire for ever. */
static void check_absent(const struct spec *spec, const struct name *written)
{
	struct text name;
	int64_t ns;
	if (!written->text || !alert_absence_read(text_of(written->text), &name, &ns))
		return;
	struct suggestion suggestion = suggest_begin(name);
	for (size_t i = 0; i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		if (resource->kind->type != RESOURCE_PIPELINE || !resource->name.text)
			continue;
		if (text_is(name, resource->name.text))
			return;
		suggest_offer(&suggestion, text_of(resource->name.text));
	}
	fault_add(spec->faults, CODE_ABSENT_PIPELINE, written->place, suggestion.nearest.bytes,
		  "`absent` names `" TEXT_FORMAT "`, and the %s no pipeline of that name: the alert fires %s", TEXT_ARGUMENTS(name),
		  spec->is_accepted ? "namespace has" : "files have",
		  spec->is_accepted ? "until it has one" : "in every engine that runs only these");
}

/* The alert of a pipeline of the plan that is silenced, with groups if one has them; NULL: there is none. Offers the names of
 * all. */
static const struct alert_spec *alert_silenced(const struct compiler *compiler, const struct resource *silence,
					       struct suggestion *suggestion)
{
	const struct alert_spec *found = NULL;
	for (size_t i = 0; i < compiler->plan->count; i++) {
		const struct graph *graph = compiler->plan->pipelines[i].graph;
		const struct alert_spec *alerts = graph->spec->alerts.items;
		for (size_t j = 0; j < graph->spec->alerts.count; j++) {
			const char *name = alerts[j].name.text;
			if (name && silence_is_of(silence, compiler->plan->pipelines[i].namespace, graph->name, name) &&
			    (!found || !found->group_by))
				found = &alerts[j];
			if (name)
				suggest_offer(suggestion, text_of(name));
		}
	}
	return found;
}

static void check_silence(const struct compiler *compiler, const struct resource *resource)
{
	const struct silence_spec *silence = resource->spec;
	if (!silence->alert.text)
		return;
	struct suggestion suggestion = suggest_begin(text_of(silence->alert.text));
	const struct alert_spec *alert = alert_silenced(compiler, resource, &suggestion);
	if (alert && silence->group && !alert->group_by)
		fault_add(compiler->spec->faults, CODE_IDLE_SILENCE, silence->alert.place, NULL,
			  "the alert `%s` has no `groupBy`, so a silence of its group `%s` silences nothing; leave `group` out",
			  silence->alert.text, silence->group);
	if (!alert)
		fault_add(compiler->spec->faults, CODE_IDLE_SILENCE, silence->alert.place, suggestion.nearest.bytes,
			  "the %s no alert `%s`%s%s, so this silences nothing",
			  compiler->spec->is_accepted ? "namespace has" : "files have", silence->alert.text,
			  silence->pipeline.text ? " of pipeline " : "", silence->pipeline.text ? silence->pipeline.text : "");
}

/* A keeper refuses to roll back what has no rollout, so the alert would not do what it is for. */
static void check_rollback(const struct compiler *compiler, const struct graph *graph, const struct alert_action *action)
{
	const char *name = action->experiment.text;
	if (action->type != ALERT_ROLLBACK || !name)
		return;
	struct suggestion suggestion = suggest_begin(text_of(name));
	for (size_t i = 0; i < graph->reachable_count; i++) {
		const struct graph_experiment *experiment = graph->reachable[i];
		if (!experiment_is_rolled_out(experiment->spec))
			continue;
		if (strcmp(experiment->name, name) == 0)
			return;
		suggest_offer(&suggestion, text_of(experiment->name));
	}
	fault_add(compiler->spec->faults, CODE_IDLE_ROLLBACK, action->experiment.place, suggestion.nearest.bytes,
		  "this pipeline has no experiment `%s` with a rollout, so the alert rolls nothing back", name);
}

static void check_rollbacks(const struct compiler *compiler, const struct graph *graph, const struct alert_spec *alert)
{
	const struct alert_action *actions = alert->actions.items;
	for (size_t i = 0; i < alert->actions.count; i++)
		check_rollback(compiler, graph, &actions[i]);
}

static bool graph_uses(const struct graph *graph, const struct experiment_spec *experiment)
{
	for (size_t i = 0; i < graph->experiment_count; i++)
		if (graph->experiments[i]->spec == experiment)
			return true;
	return false;
}

/* An alert that a rollout names must be one of a pipeline that has the experiment. Files without such a pipeline are a part. */
static void check_trigger(const struct compiler *compiler, const struct graph_experiment *experiment, const struct name *trigger)
{
	struct suggestion suggestion = suggest_begin(text_of(trigger->text));
	for (size_t i = 0; i < compiler->plan->count; i++) {
		const struct graph *graph = compiler->plan->pipelines[i].graph;
		const struct alert_spec *alerts = graph->spec->alerts.items;
		for (size_t j = 0; graph_uses(graph, experiment->spec) && j < graph->spec->alerts.count; j++) {
			if (strings_equal(alerts[j].name.text, trigger->text))
				return;
			if (alerts[j].name.text)
				suggest_offer(&suggestion, text_of(alerts[j].name.text));
		}
	}
	fault_add(compiler->spec->faults, CODE_IDLE_ROLLBACK, trigger->place, suggestion.nearest.bytes,
		  "no pipeline with the experiment `%s` has an alert `%s`, so it rolls nothing back", experiment->name,
		  trigger->text);
}

/* Of each experiment once: at the first pipeline that has it. */
static void check_triggers(const struct compiler *compiler, size_t pipeline)
{
	const struct graph *graph = compiler->plan->pipelines[pipeline].graph;
	for (size_t i = 0; i < graph->experiment_count; i++) {
		const struct graph_experiment *experiment = graph->experiments[i];
		const struct name_list *triggers = &experiment->spec->progressive.rollback.alerts;
		bool is_first = true;
		for (size_t j = 0; j < pipeline; j++)
			is_first = is_first && !graph_uses(compiler->plan->pipelines[j].graph, experiment->spec);
		for (size_t j = 0; is_first && j < triggers->count; j++)
			if (triggers->items[j].text)
				check_trigger(compiler, experiment, &triggers->items[j]);
	}
}

void plan_alerts(const struct compiler *compiler)
{
	const struct spec *spec = compiler->spec;
	for (size_t i = 0; i < spec->count; i++)
		if (spec->resources[i]->kind->type == RESOURCE_SILENCE && spec->resources[i]->spec)
			check_silence(compiler, spec->resources[i]);
	for (size_t i = 0; i < compiler->plan->count; i++) {
		const struct graph *graph = compiler->plan->pipelines[i].graph;
		const struct alert_spec *alerts = graph->spec->alerts.items;
		check_triggers(compiler, i);
		for (size_t j = 0; j < graph->spec->alerts.count; j++) {
			check_absent(compiler->spec, &alerts[j].absent);
			check_rollbacks(compiler, graph, &alerts[j]);
		}
		alerts_check_types(graph, &compiler->plan->pipelines[i].types, compiler->arena, compiler->spec->faults);
	}
}
