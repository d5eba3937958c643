/* board_metrics.c: see board_metrics.h. */
#include "monitor/metrics/board_metrics.h"

#include <math.h>

#include "base/clock.h"
#include "observe/policy_board.h"
#include "monitor/subject_list.h"

struct board_scrape {
	const struct engine *engine;
	const struct plan *plan;
	struct arena *arena;
};

size_t graph_count_observers(const struct graph *graph)
{
	size_t count = 0;
	for (size_t i = 0; i < graph->count; i++)
		count += graph->steps[i].key != NULL;
	return count;
}

size_t graph_count_weighers(const struct graph *graph)
{
	size_t count = 0;
	for (size_t i = 0; i < graph->count; i++)
		count += graph_step_weighs(graph, i);
	return count;
}

/* ---- steps that watch ---- */

/* A list with room for all steps that have an observer. False: no memory. */
static bool states_open(struct subject_list *states, const struct board_scrape *scrape)
{
	size_t count = 0;
	for (size_t i = 0; i < scrape->plan->count; i++)
		count += graph_count_observers(scrape->plan->pipelines[i].graph);
	return subject_list_open(states, count, scrape->arena);
}

/* Adds the realised numbers of the windows that settled in this engine. */
static void realised_fill(struct verdict_entry *entry, struct drift_state *state)
{
	struct realised_figures figures;
	verdict_entry_realised(entry, &figures);
	const struct realised_figure *accuracy = &figures.of[OF_ACCURACY], *error = &figures.of[OF_ABSOLUTE_ERROR];
	state->realised_accuracy = accuracy->value;
	state->realised_accuracy_low = accuracy->low;
	state->realised_accuracy_high = accuracy->high;
	state->realised_precision = figures.of[OF_PRECISION].value;
	state->realised_recall = figures.of[OF_RECALL].value;
	state->realised_auc = figures.of[OF_AUC].value;
	state->realised_error = error->value;
	state->realised_error_low = error->low;
	state->realised_error_high = error->high;
	state->bands_held = accuracy->held + error->held;
	state->bands_left = accuracy->left + error->left;
	state->rows_unkept = figures.unkept;
	state->rows_unfit = figures.unfit;
	state->truths_forgotten = figures.forgotten;
	state->windows_cut_short = figures.cut_short;
}

/* Adds the feature of the step that has moved most, by its own labels. None: no test is established. */
static void cause_add(const struct board_scrape *scrape, struct metric_subject subject, const struct drift_cause *cause,
		      struct subject_list *causes)
{
	struct drift_feature_state *state = cause->feature[0] ? ARENA_NEW(scrape->arena, struct drift_feature_state) : NULL;
	const char *feature = state ? arena_print(scrape->arena, "%s", cause->feature) : NULL;
	const char *test = state ? arena_print(scrape->arena, "%s", cause->test) : NULL;
	if (!feature || !test)
		return;
	*state = (struct drift_feature_state){cause->effect, cause->p};
	subject.labels[3] = text_of(feature);
	subject.labels[4] = text_of(test);
	subject.values = state;
	subject_list_add(causes, subject);
}

static void write_drift(const struct board_scrape *scrape, struct exposition *exposition)
{
	struct subject_list states, causes;
	if (!states_open(&states, scrape) || !states_open(&causes, scrape))
		return;
	for (size_t i = 0; i < scrape->plan->count; i++) {
		const struct pipeline_plan *pipeline = &scrape->plan->pipelines[i];
		for (size_t j = 0; j < pipeline->graph->count; j++) {
			const char *step = pipeline->graph->steps[j].name;
			struct drift_state *state =
				graph_step_watches(pipeline->graph, j) ? ARENA_NEW(scrape->arena, struct drift_state) : NULL;
			struct verdict_entry *entry =
				state ? verdict_board_entry(engine_board(scrape->engine), pipeline->graph->name, step) : NULL;
			if (!entry)
				continue;
			const struct verdict_summary sum = verdict_entry_sum(entry);
			const bool learning = sum.last.verdict == DRIFT_LEARNING;
			*state = (struct drift_state){.score = learning ? (double)NAN : sum.last.score,
						      .found = learning ? (double)NAN : sum.last.verdict == DRIFT_FOUND,
						      .learning = learning,
						      .segments = (double)sum.segments,
						      .beyond = (double)sum.beyond,
						      .quality_alarm = sum.last.quality_alarm,
						      .missing = sum.last.missing_share,
						      .mistyped = sum.last.mistyped_share,
						      .outside = sum.last.outside_share,
						      .unseen = sum.last.unseen_share,
						      .accuracy = sum.last.accuracy,
						      .accuracy_low = sum.last.accuracy_low,
						      .accuracy_high = sum.last.accuracy_high,
						      .precision = sum.last.precision,
						      .recall = sum.last.recall,
						      .auc = sum.last.auc,
						      .error = sum.last.error,
						      .messages_per_minute = sum.last.messages_per_minute,
						      .newest_age_seconds = sum.last.newest_age_ms / MS_PER_S};
			realised_fill(entry, state);
			const struct metric_subject subject = {
				{text_of(pipeline->namespace), text_of(pipeline->graph->name), text_of(step)}, state};
			subject_list_add(&states, subject);
			cause_add(scrape, subject, &sum.last.cause, &causes);
		}
	}
	exposition_write(exposition, SCOPE_DRIFT, states.items, states.count);
	exposition_write(exposition, SCOPE_DRIFT_FEATURE, causes.items, causes.count);
}

/* ---- steps that learn outliers ---- */

static void outlier_add(const struct board_scrape *scrape, const struct pipeline_plan *pipeline, const char *step,
			struct subject_list *states)
{
	struct outlier_figures *figures = ARENA_NEW(scrape->arena, struct outlier_figures);
	const struct verdict_entry *entry =
		figures ? verdict_board_entry(engine_board(scrape->engine), pipeline->graph->name, step) : NULL;
	if (!entry)
		return;
	const enum outlier_knowledge knowledge = verdict_entry_knowledge(entry);
	const bool asked = knowledge != OUTLIER_UNASKED;
	*figures = (struct outlier_figures){.learning = asked ? knowledge == OUTLIER_LEARNING : (double)NAN,
					    .unfit = asked ? knowledge == OUTLIER_UNFIT : (double)NAN};
	subject_list_add(states, (struct metric_subject){
					 {text_of(pipeline->namespace), text_of(pipeline->graph->name), text_of(step)}, figures});
}

static void write_outliers(const struct board_scrape *scrape, struct exposition *exposition)
{
	struct subject_list states;
	if (!states_open(&states, scrape))
		return;
	for (size_t i = 0; i < scrape->plan->count; i++) {
		const struct pipeline_plan *pipeline = &scrape->plan->pipelines[i];
		for (size_t j = 0; j < pipeline->graph->count; j++)
			if (graph_step_learns_usual(pipeline->graph, j))
				outlier_add(scrape, pipeline, pipeline->graph->steps[j].name, &states);
	}
	exposition_write(exposition, SCOPE_OUTLIER, states.items, states.count);
}

/* ---- steps that keep the importance of features ---- */

static void importance_add(const struct board_scrape *scrape, struct metric_subject subject, const char *name, double mean,
			   struct subject_list *states)
{
	const char *copy = arena_print(scrape->arena, "%s", name);
	struct importance_state *state = copy ? ARENA_NEW(scrape->arena, struct importance_state) : NULL;
	if (!state)
		return;
	*state = (struct importance_state){mean};
	subject.labels[3] = text_of(copy);
	subject.values = state;
	subject_list_add(states, subject);
}

static void list_importance(const struct board_scrape *scrape, const struct pipeline_plan *pipeline, const char *step,
			    struct subject_list *states)
{
	struct verdict_entry *entry = verdict_board_entry(engine_board(scrape->engine), pipeline->graph->name, step);
	const struct text namespace = text_of(pipeline->namespace), name = text_of(pipeline->graph->name);
	const struct metric_subject subject = {{namespace, name, text_of(step)}, NULL};
	struct importance_figures figures = {0};
	if (entry)
		verdict_entry_importance(entry, &figures);
	for (size_t i = 0; i < figures.count; i++) {
		const struct importance_figure *figure = &figures.features[i];
		const bool other = strcmp(figure->name, SUBJECT_OTHER) == 0; /* it has their name */
		if (!other)
			importance_add(scrape, subject, figure->name, figure->mean, states);
		figures.has_others |= other;
		figures.others += other ? figure->mean : 0;
	}
	if (figures.has_others)
		importance_add(scrape, subject, SUBJECT_OTHER, figures.others, states);
}

static void write_importance(const struct board_scrape *scrape, struct exposition *exposition)
{
	struct subject_list states;
	size_t room = 0;
	for (size_t i = 0; i < scrape->plan->count; i++)
		room += IMPORTANCE_SERIES * graph_count_weighers(scrape->plan->pipelines[i].graph);
	if (!subject_list_open(&states, room, scrape->arena))
		return;
	for (size_t i = 0; i < scrape->plan->count; i++)
		for (size_t j = 0; j < scrape->plan->pipelines[i].graph->count; j++)
			if (graph_step_weighs(scrape->plan->pipelines[i].graph, j))
				list_importance(scrape, &scrape->plan->pipelines[i],
						scrape->plan->pipelines[i].graph->steps[j].name, &states);
	exposition_write(exposition, SCOPE_IMPORTANCE, states.items, states.count);
}

/* ---- bandits ---- */

static struct policy_figures *policy_figures_of(const struct board_scrape *scrape, const char *pipeline, const char *experiment)
{
	struct policy_figures *figures = ARENA_NEW(scrape->arena, struct policy_figures);
	struct policy_entry *entry = figures ? policy_board_entry(engine_policies(scrape->engine), pipeline, experiment) : NULL;
	if (!entry)
		return NULL;
	const struct policy_state state = policy_entry_state(entry);
	const struct policy_losses losses = policy_entry_losses(entry);
	const bool known = state.version >= 0;
	*figures = (struct policy_figures){.version = known ? (double)state.version : (double)NAN,
					   .rewards = known ? (double)state.rewards : (double)NAN,
					   .age_seconds = known ? (double)(clock_ms() - state.set_ms) / 1000 : (double)NAN,
					   .refused = losses.refused,
					   .late = losses.late,
					   .unknown = losses.unknown,
					   .by_unit = losses.by_unit,
					   .feedback_dropped = losses.feedback_dropped,
					   .repeated = losses.repeated,
					   .dropped = losses.dropped,
					   .missing = losses.missing,
					   .uncomputed = losses.uncomputed};
	return figures;
}

static void write_policies(const struct board_scrape *scrape, struct exposition *exposition)
{
	struct subject_list states;
	size_t count = 0;
	for (size_t i = 0; i < scrape->plan->count; i++)
		count += scrape->plan->pipelines[i].graph->reachable_count;
	if (!subject_list_open(&states, count, scrape->arena))
		return;
	for (size_t i = 0; i < scrape->plan->count; i++) {
		const struct graph *graph = scrape->plan->pipelines[i].graph;
		const struct text namespace = text_of(scrape->plan->pipelines[i].namespace);
		for (size_t j = 0; j < graph->reachable_count; j++) {
			const char *name = graph->reachable[j]->name;
			struct policy_figures *figures =
				graph->reachable[j]->learns ? policy_figures_of(scrape, graph->name, name) : NULL;
			if (figures)
				subject_list_add(&states, (struct metric_subject){{namespace, text_of(graph->name), text_of(name)},
										  figures});
		}
	}
	exposition_write(exposition, SCOPE_POLICY, states.items, states.count);
}

void board_metrics_write(const struct engine *engine, const struct plan *plan, struct arena *arena, struct exposition *exposition)
{
	const struct board_scrape scrape = {engine, plan, arena};
	write_drift(&scrape, exposition);
	write_outliers(&scrape, exposition);
	write_importance(&scrape, exposition);
	write_policies(&scrape, exposition);
}
