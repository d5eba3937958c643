/* experiment_rules.c: Rules of an experiment's metrics and of its report, as files have them; see experiment_data.h. */
#include "tools/client/data/experiment_data.h"

const struct graph *experiment_graph_next(const struct experiment_data *data, const char *name, size_t *at)
{
	while (*at < data->graphs.count) {
		const struct graph *graph = data->graphs.items[(*at)++];
		if (graph_reachable_experiment(graph, name))
			return graph;
	}
	return NULL;
}

const struct graph *experiment_graph_find(const struct experiment_data *data, const char *pipeline)
{
	for (size_t i = 0; i < data->graphs.count; i++)
		if (strcmp(data->graphs.items[i]->name, pipeline) == 0)
			return data->graphs.items[i];
	return NULL;
}

bool experiment_reward_is_computed(const struct experiment_data *data, const char *name)
{
	const char *metric = data->experiment ? data->experiment->bandits.reward_metric : NULL;
	const struct graph *graph;
	size_t at = 0;
	while (metric && (graph = experiment_graph_next(data, name, &at)))
		if (graph_computes(graph, metric))
			return true;
	return false;
}

static void rules_add(const struct pipeline_spec *pipeline, struct report_rule *rules, size_t *count)
{
	const struct metric_spec *metrics = pipeline->metrics.items;
	for (size_t i = 0; i < pipeline->metrics.count; i++)
		if (metrics[i].name.text)
			rules[(*count)++] = (struct report_rule){.metric = metrics[i].name.text,
								 .role = (enum analysis_role)metrics[i].role,
								 .lower_is_better = metrics[i].direction == 1,
								 .margin = metrics[i].margin,
								 .cap = metrics[i].cap < 1 ? metrics[i].cap : 0,
								 .per_unit = (enum per_unit)metrics[i].per_unit};
}

bool experiment_data_rules(const struct experiment_data *data, const char *name, struct arena *arena,
			   struct report_options *options)
{
	const struct graph *graph;
	size_t room = 0, count = 0, at = 0;
	while ((graph = experiment_graph_next(data, name, &at)))
		room += graph->spec->metrics.count;
	struct report_rule *rules = ARENA_ARRAY(arena, struct report_rule, room + 1);
	at = 0;
	while (rules && (graph = experiment_graph_next(data, name, &at)))
		rules_add(graph->spec, rules, &count);
	options->rules = rules;
	options->rule_count = count;
	return !arena_failed(arena);
}

void experiment_data_defaults(const struct experiment_data *data, struct report_options *options)
{
	const struct experiment_spec *spec = data->experiment;
	struct share shares[ASSIGNMENT_WAYS_MAX];
	options->unjudged = data->unjudged;
	if (!spec)
		return;
	if (options->control.length == 0)
		options->control = spec->default_name.text		 ? text_of(spec->default_name.text)
				   : experiment_shares(spec, shares) > 0 ? text_of(shares[0].name)
									 : (struct text){0};
	if (spec->bandits.reward_metric)
		options->primary = text_of(spec->bandits.reward_metric);
	options->stages = 0;
	if (experiment_is_staged(spec))
		options->stages = (uint32_t)(spec->progressive.stages.count + spec->progressive.schedule.count);
}
