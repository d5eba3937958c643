/* past_rebase.c: see past_rebase.h. */
#include "tools/client/data/past_rebase.h"

#include "base/clock.h"
#include "base/number/duration.h"
#include "base/number/moment.h"
#include "tools/client/control/recorded_forms.h"
#include "kafka/consume/reader.h"
#include "compiler/plan/plan.h"
#include "flow/state/change.h"

#define FILE_BYTES_OUT_MAX ((size_t)256 << 20)
#define STATE_BYTES_MAX ((size_t)1 << 30)

/* ---- what is asked for ---- */

/* PIPELINE/STEP. */
static bool name_split(struct past_rebase *self, const char *name, struct error *error)
{
	const char *slash = strchr(name, '/');
	if (!slash || slash == name || !slash[1])
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "`%s` names no step; write PIPELINE/STEP, as in fraud/watch",
				 name);
	self->pipeline = arena_copy(self->workspace->arena, name, (size_t)(slash - name));
	self->step = slash + 1;
	return self->pipeline || error_memory(error, ERROR_SYSTEM, "naming a step");
}

/* A point in time, or so long ago. */
static bool time_take(const char *option, const char *text, int64_t *ms, struct error *error)
{
	int64_t ago_ns;
	if (!text || moment_read(text_of(text), ms))
		return true;
	if (duration_read(text_of(text), &ago_ns))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "--%s is `%s`; write a time as 2026-01-31T09:30Z, or how long ago it was, as 7d", option, text);
	*ms = time_of_day_ms() - ago_ns / NS_PER_MS;
	return true;
}

static bool range_take(struct past_rebase *self, struct error *error)
{
	struct rebase_wanted *wanted = &self->wanted;
	wanted->until_ms = time_of_day_ms();
	wanted->alarmed = self->asked->alarms == PAST_ALARMS_KEEP;
	if (!time_take("from", self->asked->from, &wanted->from_ms, error) ||
	    !time_take("to", self->asked->until, &wanted->until_ms, error))
		return false;
	return wanted->from_ms <= wanted->until_ms ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "--from is after --to, so no window is between them; give the earlier first");
}

/* ---- the step and its state ---- */

static bool step_find(struct past_rebase *self, struct error *error)
{
	const struct graph *graph = self->target.plan->graph;
	const char *observer = arena_print(self->workspace->arena, "%s" OBSERVER_SUFFIX, self->step);
	if (!observer)
		return error_memory(error, ERROR_SYSTEM, "naming a step");
	for (size_t i = 0; i < graph->count; i++)
		if (strcmp(graph->steps[i].name, observer) == 0) {
			self->observer = i;
			return true;
		}
	return error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "pipeline `%s` has no step `%s` that watches for drift; `sluice plan` lists its steps", self->pipeline,
			 self->step);
}

/* The step that is observed, as it is built. */
static const struct graph_step *step_of(const struct past_rebase *self)
{
	const struct graph *graph = self->target.plan->graph;
	for (size_t i = 0; i < graph->count; i++)
		if (strcmp(graph->steps[i].name, self->step) == 0)
			return &graph->steps[i];
	return &graph->steps[self->observer];
}

static const char *changelog_of(const struct past_rebase *self)
{
	const struct pipeline_plan *plan = self->target.plan;
	for (size_t i = 0; i < plan->topic_count; i++)
		if (plan->topics[i].role == TOPIC_STATE && plan->topics[i].of == plan->stage_of[self->observer])
			return plan->topics[i].name;
	return NULL;
}

static bool change_take(void *context, const struct record *record, struct error *error)
{
	struct past_rebase *self = context;
	struct text scope, key, value;
	struct error wrong = {0};
	uint32_t known;
	if (!change_read(record->key, record->value, &scope, &key, &value, self->pipeline, &wrong))
		return error_set(error, wrong.kind, wrong.place, "partition %d offset %lld of the changelog: %s",
				 (int)record->partition, (long long)record->offset, wrong.text);
	return !store_scope_find(self->store, scope, &known) || store_restore(self->store, known, key, value, error);
}

/* With a control plane, the changelog is that of the form of the version in force. */
static bool changelog_name(struct past_rebase *self, struct error *error)
{
	struct plan own = {.count = 1, .pipelines = self->target.plan};
	return recorded_forms_name(&own, &self->target.kafka, self->workspace->arena, error);
}

static bool state_read(struct past_rebase *self, struct error *error)
{
	const char *const name = self->target.plan->graph->steps[self->observer].name;
	const struct reader_config config = {.brokers = self->target.kafka.brokers,
					     .topic = changelog_of(self),
					     .from_beginning = true,
					     .by_time =
						     true, /* if its messages were of another partition before, the newest hold */
					     .properties = self->target.kafka.consumer};
	self->store = store_open((struct store_scopes){1, &name}, STATE_BYTES_MAX);
	if (!config.topic || !self->store)
		return error_memory(error, ERROR_SYSTEM, "reading a changelog");
	return topic_give_all(&config, change_take, self, error);
}

static bool state_recall(void *state, struct text key, struct text *value)
{
	return store_read(state, 0, key, value);
}

static bool rebase_make(struct past_rebase *self, struct error *error)
{
	const struct graph_step *found = step_of(self);
	const struct step step = {.kind = found->spec->kind,
				  .name = self->step,
				  .pipeline = self->pipeline,
				  .options = found->spec->options,
				  .place = found->spec->here,
				  .arena = self->workspace->arena};
	if (!step.kind->learns || !step.kind->learns->rebase)
		return error_set(error, ERROR_CONFIG, step.place, "step `%s` keeps no past; name a step `drift`", self->step);
	if (!changelog_name(self, error) || !state_read(self, error))
		return false;
	self->wanted.state = self->store;
	self->wanted.recall = state_recall;
	return step.kind->learns->rebase(&step, &self->wanted, &self->made, &self->file, error);
}

bool past_rebase_run(struct past_rebase *self, struct error *error)
{
	buffer_open(&self->file, FILE_BYTES_OUT_MAX);
	return name_split(self, self->asked->name, error) && range_take(self, error) &&
	       pipeline_target_open(self->workspace, self->asked->target, self->pipeline, &self->target, error) &&
	       step_find(self, error) && rebase_make(self, error);
}

void past_rebase_close(struct past_rebase *self)
{
	store_close(self->store);
	buffer_close(&self->file);
	pipeline_target_close(&self->target);
}
