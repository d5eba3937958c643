/* join_windows.c: see join_windows.h. */
#include "engine/learn/join_windows.h"

#include "base/number/duration.h"
#include "message/records/answer_label.h"

/* One that is beyond the limit is counted, and not kept. */
static void name_add(struct join_windows *windows, const char *name)
{
	const size_t kept = windows->name_count < JOIN_NAMES_MAX ? windows->name_count : JOIN_NAMES_MAX;
	for (size_t i = 0; i < kept; i++)
		if (text_is(windows->names[i], name))
			return;
	if (windows->name_count < JOIN_NAMES_MAX)
		windows->names[windows->name_count] = text_of(name);
	windows->name_count++;
}

static void window_add(struct join_windows *windows, const struct join_window *window)
{
	if (windows->count < JOIN_WINDOWS_MAX)
		windows->items[windows->count] = *window;
	windows->count++;
	if (window->window_ms > windows->longest_ms)
		windows->longest_ms = window->window_ms;
}

/* The value that bandits learn by: their metric, or the reward. */
static void learner_add(struct join_windows *windows, const struct graph *graph, const struct graph_experiment *experiment)
{
	const struct bandits *bandits = &experiment->spec->bandits;
	const char *name = bandits->reward_metric ? bandits->reward_metric : FEEDBACK_REWARD;
	struct join_window window = {.experiment = text_of(experiment->name),
				     .window_ms = bandits->outcome_window_ns / NS_PER_MS,
				     .units = JOIN_UNITS_ONCE,
				     .ends = text_of(name)};
	if (!graph_computes(graph, bandits->reward_metric)) {
		window.earned = text_of(name);
		if (strcmp(name, ACCURACY_METRIC) == 0)
			window.judged = window.earned;
	}
	name_add(windows, name);
	window_add(windows, &window);
}

static void rollout_add(struct join_windows *windows, const struct graph *graph, const struct graph_experiment *experiment)
{
	const char *names[EXPERIMENT_METRICS_MAX];
	const size_t count = experiment_metrics(experiment->spec, names);
	struct join_window window = {.experiment = text_of(experiment->name),
				     .window_ms = experiment_window_ms(experiment->spec),
				     .units = JOIN_UNITS_ALL,
				     .samples = true};
	if (!graph_computes(graph, ACCURACY_METRIC))
		window.judged = text_of(ACCURACY_METRIC);
	name_add(windows, ACCURACY_METRIC);
	for (size_t i = 0; i < count && i < EXPERIMENT_METRICS_MAX; i++)
		name_add(windows, names[i]);
	window_add(windows, &window);
}

bool join_windows_make(const struct pipeline_plan *pipeline, struct join_windows *windows, struct error *error)
{
	const struct graph *graph = pipeline->graph;
	*windows = (struct join_windows){0};
	for (size_t i = 0; i < graph->reachable_count; i++) {
		if (graph->reachable[i]->learns)
			learner_add(windows, graph, graph->reachable[i]);
		else if (graph->reachable[i]->judged)
			rollout_add(windows, graph, graph->reachable[i]);
	}
	windows->of_experiments = windows->count > 0 && plan_topic_of(pipeline, TOPIC_EXPOSURES);
	for (size_t i = 0; i < pipeline->metric_count; i++) {
		windows->of_answers |= pipeline->metrics[i].of_feedback && plan_topic_of(pipeline, TOPIC_OUTPUTS);
		if (pipeline->metrics[i].of_feedback)
			name_add(windows, pipeline->metrics[i].spec.name.text);
	}
	if (windows->of_answers)
		window_add(windows, &(struct join_window){.window_ms = METRIC_WINDOW_MS});
	return (windows->count <= JOIN_WINDOWS_MAX && windows->name_count <= JOIN_NAMES_MAX) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "pipeline `%s` has %zu experiments that feedback is joined for, and %zu metrics of feedback; at most %d "
			 "and %d are possible",
			 graph->name, windows->count, windows->name_count, JOIN_WINDOWS_MAX, JOIN_NAMES_MAX);
}
