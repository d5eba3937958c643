/* experiments_rehearsal.c: see experiments_rehearsal.h. */
#include "tools/client/data/experiments_rehearsal.h"

#include "base/clock.h"
#include "base/number/moment.h"
#include "base/quote.h"
#include "tools/client/data/dead_letters.h"
#include "experiments/rollouts/rollout_rehearsal.h"
#include "experiments/rollouts/truth_tally.h"
#include "message/json/json_write.h"
#include "tools/view/answer_view.h"

#define RECORD_ARENA_BYTES ((size_t)64 << 20)

struct rehearsing {
	const struct workspace *workspace;
	const char *name;
	const struct experiment_asked *asked;
	struct arena *arena, *record_arena;
	int64_t since_ms, until_ms;
	struct rollout_plan plan;
	size_t count, control;
	const char *names[REHEARSAL_CHOICES_MAX];
	const char *candidates[ROLLOUT_CANDIDATES_MAX];
	const struct experiment_data *data;
	struct rehearsal *rehearsal;
	struct schema_lookup asker;
	size_t latencies; /* rules that were left out */
};

/* ---- the plan ---- */

static bool choices_read(struct rehearsing *self, const struct experiment_spec *spec)
{
	struct rollout_choices choices;
	if (!rollout_choices_find(spec, &self->plan, &choices))
		return false;
	for (size_t i = 0; i < choices.count; i++) {
		if (i == choices.control)
			self->control = self->count;
		if (i == choices.control || choices.shares[i].weight > 0)
			self->names[self->count++] = choices.shares[i].name;
	}
	for (size_t i = 0; i < self->plan.candidates; i++)
		self->candidates[i] = choices.shares[choices.candidates[i]].name;
	return true;
}

/* A time of its own is in the exposures of a pipeline, and says nothing of latencies. */
static bool has_event_times(const struct spec *spec)
{
	for (size_t i = 0; i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		const struct pipeline_spec *pipeline = resource->kind->type == RESOURCE_PIPELINE ? resource->spec : NULL;
		if (pipeline && pipeline->input.time.field)
			return true;
	}
	return false;
}

static bool rehearsing_begin(void *context, const struct experiment_data *data, struct error *error)
{
	struct rehearsing *self = context;
	const struct experiment_spec *spec = data->experiment;
	if (!spec || !experiment_is_rolled_out(spec))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the files have no rollout of `%s`: an Experiment with a default, and progressiveDeployment or "
				 "promotionPolicy; give them by -f. `sluice experiments evaluate %s --dry-run` is that of bandits",
				 self->name, self->name);
	if (!rollout_plan_make(spec, &self->plan, error))
		return false;
	if (!choices_read(self, spec))
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "a rollout of `%s` has other candidates than the experiment",
				 self->name);
	self->latencies = has_event_times(&data->spec) ? rehearsal_leave_out_latency(&self->plan) : 0;
	const struct rehearsal_config config = {.plan = &self->plan,
						.experiment = self->name,
						.count = self->count,
						.names = self->names,
						.control = self->control,
						.window_ms = self->asked->window_ns > 0 ? self->asked->window_ns / NS_PER_MS
											: experiment_window_ms(spec)};
	self->data = data;
	self->rehearsal = rehearsal_open(&config, self->arena, error);
	return self->rehearsal;
}

/* ---- records ---- */

static bool is_asked(const struct rehearsing *self, int64_t time_ms)
{
	return time_ms >= self->since_ms && (self->until_ms == 0 || time_ms <= self->until_ms);
}

static bool rehearsing_expose(void *context, const struct exposure *exposure, struct error *error)
{
	struct rehearsing *self = context;
	return !is_asked(self, exposure->time_ms) || rehearsal_expose(self->rehearsal, exposure, error);
}

static bool rehearsing_inform(void *context, const struct feedback *feedback, int64_t time_ms, struct error *error)
{
	struct rehearsing *self = context;
	return !is_asked(self, time_ms) || rehearsal_feedback(self->rehearsal, feedback, time_ms, error);
}

static bool answer_take(void *context, const struct record *record, struct error *error)
{
	struct rehearsing *self = context;
	struct answer_view view;
	return !is_asked(self, record->time_ms) ||
	       (answer_view_read(record, &self->asker, self->record_arena, &view, error) &&
		rehearsal_answer(self->rehearsal, answer_view_request_id(&view, self->record_arena), record->time_ms,
				 view.answer.failed, error));
}

static bool letter_take(void *context, const struct record *record, struct error *error)
{
	struct rehearsing *self = context;
	struct dead_letter letter;
	return !is_asked(self, record->time_ms) || !dead_letter_take(record, self->record_arena, &letter) ||
	       rehearsal_answer(self->rehearsal, letter.id, record->time_ms, true, error);
}

/* What a rollout cannot judge by is refused as where it would run. */
static bool criteria_check(const struct rehearsing *self, const struct graph *graph, struct error *error)
{
	struct faults *faults = self->data->spec.faults;
	const size_t before = faults_count(faults, SEVERITY_ERROR);
	metrics_check_criteria(graph, faults);
	if (faults_count(faults, SEVERITY_ERROR) == before)
		return true;
	workspace_faults(self->workspace, faults);
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the files have errors; correct them first");
}

/* A pipeline that the files do not have declares no metrics. */
static bool metrics_end(struct rehearsing *self, const char *name, struct error *error)
{
	struct rehearsed_pipeline rehearsed = {0};
	const struct graph *graph = experiment_graph_find(self->data, name);
	if (graph && !criteria_check(self, graph, error))
		return false;
	for (size_t i = 0; graph && i < self->plan.metric_count; i++) {
		rehearsed.caps[i] = metric_cap(&graph->spec->metrics, self->plan.metrics[i]);
		rehearsed.ratios[i] = metric_is_ratio(&graph->spec->metrics, self->plan.metrics[i]);
	}
	rehearsed.computed = graph && graph_computes(graph, ROLLOUT_ACCURACY);
	return rehearsal_pipeline_end(self->rehearsal, &rehearsed, error);
}

static bool rehearsing_pipeline(void *context, const char *name, struct error *error)
{
	struct rehearsing *self = context;
	struct pipeline_target target;
	const bool good = pipeline_target_open(self->workspace, &self->asked->target, name, &target, error) &&
			  schema_lookup_open(&self->asker, kafka_registry(&target.kafka), error) &&
			  pipeline_target_give(&target, target.outputs, false, answer_take, self, error) &&
			  pipeline_target_give(&target, target.errors, false, letter_take, self, error);
	schema_lookup_close(&self->asker);
	self->asker = (struct schema_lookup){0};
	pipeline_target_close(&target);
	return good && metrics_end(self, name, error);
}

/* ---- text ---- */

static void notes_print(const struct rehearsing *self, const struct rehearsal_result *result, struct buffer *out)
{
	const uint64_t all = result->requests[self->control];
	buffer_print(out, "It judged the requests as they were split:");
	for (size_t i = 0; i < self->count; i++)
		buffer_print(out, "%s `%s` %llu", i > 0 ? "," : "", text_shown(text_of(self->names[i]), self->arena),
			     (unsigned long long)result->requests[i]);
	buffer_string(out, ".\n");
	if (all == 0)
		buffer_string(out, "The default had none, so nothing was compared with it.\n");
	if (result->unanswered > 0)
		buffer_print(out, "%llu have no answer, and do not count.\n", (unsigned long long)result->unanswered);
	if (result->approvals > 0)
		buffer_print(out, "Approvals and webhooks were taken to say yes at once: %llu.\n",
			     (unsigned long long)result->approvals);
	if (self->latencies > 0)
		buffer_print(out, "Latencies were left out, since exposures have the event time of input.time: %zu rules.\n",
			     self->latencies);
	if (self->plan.has_baseline)
		buffer_string(out, "Candidates were compared with all of the default, not with a baseline.\n");
}

static void result_print(const struct rehearsing *self, const struct rehearsal_result *result, struct buffer *out)
{
	char moment[MOMENT_BYTES], last[MOMENT_BYTES];
	for (size_t i = 0; i < result->move_count; i++) {
		moment_print(result->moves[i].time_ms, moment);
		buffer_print(out, "%s  ", moment);
		rollout_move_sentence(&self->plan, &result->moves[i], self->candidates, out);
		buffer_byte(out, '\n');
	}
	moment_print(result->first_ms, moment);
	moment_print(result->last_ms, last);
	if (!result->ended)
		buffer_print(out, "%s  The records end; the rollout is %s in stage %u.\n", last,
			     rollout_phase_names[result->state.phase], (unsigned)result->state.stage + 1);
	buffer_print(out, "\nThe rollout of `%s` was rehearsed with what was recorded from %s to %s.\n",
		     text_shown(text_of(self->name), self->arena), moment, last);
	notes_print(self, result, out);
}

/* ---- JSON ---- */

static void result_print_json(const struct rehearsing *self, const struct rehearsal_result *result, struct buffer *out)
{
	json_write_member(out, "{", "experiment", text_of(self->name));
	buffer_print(out, ", \"first_ms\": %lld, \"last_ms\": %lld, \"requests\": {", (long long)result->first_ms,
		     (long long)result->last_ms);
	for (size_t i = 0; i < self->count; i++) {
		json_write_string_after(out, text_of(i > 0 ? ", " : ""), text_of(self->names[i]));
		buffer_print(out, ": %llu", (unsigned long long)result->requests[i]);
	}
	buffer_print(out, "}, \"unanswered\": %llu, \"approvals\": %llu, \"latency_rules_left_out\": %zu, \"ended\": %s",
		     (unsigned long long)result->unanswered, (unsigned long long)result->approvals, self->latencies,
		     result->ended ? "true" : "false");
	json_write_member(out, ", ", "phase", text_of(rollout_phase_names[result->state.phase]));
	buffer_print(out, ", \"stage\": %u, \"moves\": [", (unsigned)result->state.stage + 1);
	for (size_t i = 0; i < result->move_count; i++) {
		buffer_string(out, i > 0 ? ",\n  " : "\n  ");
		rollout_move_write(&self->plan, &result->moves[i], self->candidates, out);
	}
	buffer_string(out, "]}\n");
}

/* ---- all of it ---- */

bool experiments_rehearse(const struct workspace *workspace, const char *name, const struct experiment_asked *asked, bool json,
			  struct arena *arena, struct buffer *out, struct error *error)
{
	struct rehearsing self = {.workspace = workspace, .name = name, .asked = asked, .arena = arena};
	const struct experiment_taker taker = {
		&self, rehearsing_begin, NULL, rehearsing_expose, rehearsing_inform, rehearsing_pipeline};
	struct experiment_data data = {0};
	struct rehearsal_result result;
	if (!experiment_asked_times(asked, &self.since_ms, &self.until_ms, error))
		return false;
	self.record_arena = arena_open(RECORD_ARENA_BYTES);
	const bool good = (self.record_arena || error_memory(error, ERROR_SYSTEM, "rehearsing a rollout")) &&
			  experiment_data_take(workspace, name, asked, arena, &taker, &data, error) &&
			  rehearsal_run(self.rehearsal, &result, error);
	if (good)
		(json ? result_print_json : result_print)(&self, &result, out);
	experiment_data_close(&data);
	arena_close(self.record_arena);
	return good;
}
