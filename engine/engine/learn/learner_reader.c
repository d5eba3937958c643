/* learner_reader.c: see learner_reader.h. */
#include "engine/learn/learner_reader.h"

#include <assert.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/number/duration.h"
#include "experiments/bandits/learner.h"

#define START_BYTES ((size_t)64 << 20) /* of the record that it goes on from */
#define RECORD_ARENA_BYTES ((size_t)16 << 20)

struct learner_reader {
	const struct readers_context *context;
	const struct graph_experiment *experiment;
	struct outcome_reader *reader;
	struct policy_entry *entry;
	struct learner *learner;
	struct arena *start; /* of what the learner started from */
	struct arena *arena; /* of one record */
	struct buffer bytes;
	struct offsets exposed;
	struct offsets learnt;	  /* feedback before these was learnt before there were outcomes */
	int64_t learnt_ms;	  /* when that was recorded */
	int64_t began_ms;	  /* a learner that began anew records what there was then as soon as it has it; 0: it has */
	int64_t interval_ms, due_ms;
	struct policy_losses told;
};

/* ---- what is left out ---- */

/* Repetitions are not among them: at-least-once delivery has them. */
static const struct loss_reason {
	size_t offset; /* in struct policy_losses */
	const char *words;
} loss_reasons[] = {
	{offsetof(struct policy_losses, refused), "feedback that is refused"},
	{offsetof(struct policy_losses, late), "feedback that comes after the outcomeWindow: write a longer one in `bandits`"},
	{offsetof(struct policy_losses, unknown),
	 "feedback of requests and units to which the experiment gave no candidate: check its ids"},
	{offsetof(struct policy_losses, feedback_dropped), "feedback of units beyond a limit, 1048576 with a feedback_id within "
							   "the outcomeWindow or 16384 later requests of the unit: "
							   "name the request in feedback"},
	{offsetof(struct policy_losses, dropped),
	 "requests whose reward was still awaited, since too many are open: write a shorter outcomeWindow in `bandits`"},
	{offsetof(struct policy_losses, missing),
	 "features that requests do not have, which count as 0: check the names of `contextFeatures`"},
	{offsetof(struct policy_losses, uncomputed),
	 "requests whose feedback came, and whose rewardMetric could not be computed: the answer or the feedback lacks what the "
	 "metric names: see sluice_metric_missing_total and `sluice help metrics`"},
};

static_assert(JOIN_WALK_MOST == 16384, "the log and the metric's help say so");

static const uint64_t *loss_of(const struct policy_losses *losses, const struct loss_reason *reason)
{
	return (const uint64_t *)(const void *)((const char *)losses + reason->offset);
}

/* Each reason once, whatever reloads and terms come: the entry is of the process. */
static void losses_log(const struct learner_reader *self, const struct policy_losses *more)
{
	for (size_t i = 0; i < sizeof loss_reasons / sizeof *loss_reasons; i++) {
		const struct loss_reason *reason = &loss_reasons[i];
		if (*loss_of(more, reason) == 0 || !policy_entry_log_first(self->entry, (unsigned)i))
			continue;
		const bool is_refused = reason->offset == offsetof(struct policy_losses, refused);
		const char *own = learner_refusal(self->learner), *why = *own ? own : self->context->refused->first.text;
		log_say(self->context->log, LOG_LEVEL_WARN, NULL,
			"the bandits of `%s` leave out %s%s%s; the metrics of policies count it, and this engine says it once",
			self->experiment->name, reason->words, is_refused ? ": " : "", is_refused ? why : "");
	}
}

/* What the lead and the learner have left out so far. */
static struct policy_losses losses_now(const struct learner_reader *self)
{
	const struct learner_counts counts = learner_counts(self->learner);
	const struct exposure_join_counts join = self->context->counts(self->context->lead, text_of(self->experiment->name));
	return (struct policy_losses){.refused = counts.refused + self->context->refused->count,
				      .late = join.late,
				      .unknown = join.unknown,
				      .by_unit = join.by_unit,
				      .feedback_dropped = join.crowded,
				      .repeated = join.again + join.exposures[EXPOSURE_REPEATED],
				      .dropped = join.forgotten,
				      .missing = counts.missing,
				      .uncomputed = counts.uncomputed};
}

static void losses_tell(struct learner_reader *self)
{
	const struct policy_losses *told = &self->told, now = losses_now(self);
	const struct policy_losses more = {.refused = now.refused - told->refused,
					   .late = now.late - told->late,
					   .unknown = now.unknown - told->unknown,
					   .by_unit = now.by_unit - told->by_unit,
					   .feedback_dropped = now.feedback_dropped - told->feedback_dropped,
					   .repeated = now.repeated - told->repeated,
					   .dropped = now.dropped - told->dropped,
					   .missing = now.missing - told->missing,
					   .uncomputed = now.uncomputed - told->uncomputed};
	self->told = now;
	policy_entry_lose(self->entry, &more);
	losses_log(self, &more);
}

/* ---- reading ---- */

static void exposure_take(void *context, const struct exposure *exposure)
{
	struct learner_reader *self = context;
	learner_expose(self->learner, exposure);
}

/* Whether its feedback was learnt before there were outcomes. */
static bool outcome_is_learnt(const struct learner_reader *self, const struct outcome *outcome)
{
	const struct origin *source = &outcome->source;
	return text_is(source->topic, self->context->feedback) && source->offset < offsets_of(&self->learnt, source->partition);
}

static bool outcome_take(void *context, const struct outcome *outcome, int64_t offset, struct error *error)
{
	struct learner_reader *self = context;
	(void)offset, (void)error;
	if (outcome->written_ms > self->learnt_ms)
		offsets_close(&self->learnt);
	if (!outcome_is_learnt(self, outcome))
		learner_outcome(self->learner, outcome);
	return true;
}

static void time_pass(void *context, int64_t time_ms)
{
	struct learner_reader *self = context;
	if (self->began_ms > 0 && time_ms >= self->began_ms) {
		self->began_ms = 0;
		self->due_ms = clock_ms();
	}
}

/* ---- writing ---- */

static struct origin *positions_of(const struct learner_reader *self, size_t *count)
{
	const struct offsets *of[] = {&self->exposed, &self->learnt};
	const char *const topics[] = {self->context->exposures, self->context->feedback};
	struct origin *positions = ARENA_ARRAY(self->arena, struct origin, of[0]->count + of[1]->count + 1);
	*count = 0;
	for (size_t i = 0; positions && i < 2; i++)
		for (size_t j = 0; j < of[i]->count; j++)
			positions[(*count)++] = (struct origin){text_of(topics[i]), (int32_t)j, of[i]->items[j]};
	return positions;
}

/* Writes what was learnt, if there is anything. */
static bool policy_write_due(void *context, struct fenced_writer *writer, int64_t now_ms, struct error *error)
{
	struct learner_reader *self = context;
	struct policy_record record;
	losses_tell(self);
	if (now_ms < self->due_ms)
		return true;
	assert(self->interval_ms > 0); /* the option is a whole number of milliseconds */
	/* From the end of the interval before, however late this turn is. */
	self->due_ms = now_ms + self->interval_ms - (now_ms - self->due_ms) % self->interval_ms;
	if (!learner_record(self->learner, time_of_day_ms(), &record, error))
		return error->kind == ERROR_NONE;
	arena_reset(self->arena);
	record.positions = positions_of(self, &record.position_count);
	record.outcomes = self->reader->next;
	buffer_clear(&self->bytes);
	return (record.positions || error_memory(error, ERROR_SYSTEM, "writing a policy")) &&
	       policy_record_encode(&record, &self->bytes, error) &&
	       fenced_writer_add(writer, self->context->policy_topic, record.experiment, buffer_view(&self->bytes), error);
}

/* ---- beginning ---- */

static struct learner *learner_make(const struct learner_reader *self, struct error *error)
{
	const struct graph_experiment *experiment = self->experiment;
	const struct bandits *bandits = &experiment->spec->bandits;
	struct text *arms = ARENA_ARRAY(self->start, struct text, experiment->count);
	for (size_t i = 0; arms && i < experiment->count; i++)
		arms[i] = text_of(experiment->shares[i].name);
	const struct learner_config config = {
		.experiment = experiment->name,
		.options = experiment_bandit(experiment->spec, experiment->count, context_length(&experiment->context, NULL)),
		.arms = arms,
		.priors = experiment->priors,
		.context = experiment->context,
		.reward_metric = bandits->reward_metric ? text_of(bandits->reward_metric) : (struct text){0}};
	if (arms)
		return learner_open(&config, error);
	error_memory(error, ERROR_SYSTEM, "opening a learner");
	return NULL;
}

static bool positions_take(struct learner_reader *self, const struct policy_record *record, struct error *error)
{
	const struct readers_context *context = self->context;
	for (size_t i = 0; i < record->position_count; i++) {
		const struct origin *position = &record->positions[i];
		struct offsets *offsets = context->exposures && text_is(position->topic, context->exposures) ? &self->exposed
					  : text_is(position->topic, context->feedback)			     ? &self->learnt
													     : NULL;
		if (offsets && !offsets_set(offsets, position->partition, position->offset, error))
			return false;
	}
	self->learnt_ms = record->time_ms;
	return true;
}

/* The interval that the last record began goes on: leaders that change often would never reach the end of one that each begins. */
static int64_t interval_end_ms(const struct learner_reader *self, const struct policy_record *record)
{
	const int64_t past_ms = time_of_day_ms() - record->time_ms, left_ms = self->interval_ms - past_ms;
	return clock_ms() + (past_ms < 0 ? self->interval_ms : left_ms < 0 ? 0 : left_ms);
}

/* Anew. A warm start counts as learnt, and is written at once; what the topic has is read after it. */
static void learner_begin(struct learner_reader *self)
{
	struct error refused = {0};
	if (!learner_warm(self->learner, &refused))
		log_say(self->context->log, LOG_LEVEL_WARN, NULL, "the bandits of `%s` start without warmStart: %s",
			self->experiment->name, refused.text);
	self->began_ms = time_of_day_ms();
	self->due_ms = clock_ms() + (learner_is_due(self->learner) ? 0 : self->interval_ms);
	self->reader->next = 0;
}

static bool learner_go_on(struct learner_reader *self, const struct policy_record *record, struct error *error)
{
	const int64_t window_ms = self->experiment->spec->bandits.outcome_window_ns / NS_PER_MS;
	self->due_ms = learner_is_due(self->learner) ? clock_ms() : interval_end_ms(self, record);
	self->reader->next = record->outcomes;
	self->reader->since_ms = record->outcomes > 0 ? INT64_MAX : record->through_ms - window_ms;
	return positions_take(self, record, error);
}

static bool learning_begin(struct learner_reader *self, struct error *error)
{
	const struct text latest = self->context->policy(self->context->lead, self->experiment->name);
	struct policy_record record;
	struct error anew = {0};
	if (latest.length > 0 && policy_record_is_foreign(latest))
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "the policy of experiment `%s` was written by another version of sluice; update sluice on this "
				 "engine, or, if it is the later one, delete topic %s to learn again",
				 self->experiment->name, plan_topic_of(self->context->pipeline, TOPIC_POLICY));
	self->learner = learner_make(self, error);
	if (!self->learner)
		return false;
	if (latest.length > 0 && policy_record_decode(latest, self->start, &record, &anew) &&
	    learner_restore(self->learner, &record, &anew))
		return learner_go_on(self, &record, error);
	if (anew.kind != ERROR_NONE)
		log_say(self->context->log, LOG_LEVEL_WARN, NULL, "%s", anew.text);
	learner_begin(self);
	return true;
}

/* ---- opening and closing ---- */

static void learner_reader_close(void *context)
{
	struct learner_reader *self = context;
	learner_close(self->learner);
	offsets_close(&self->exposed);
	offsets_close(&self->learnt);
	buffer_close(&self->bytes);
	arena_close(self->start);
	arena_close(self->arena);
	memory_give(self);
}

bool learner_reader_open(const struct readers_context *context, const struct graph_experiment *experiment,
			 struct outcome_reader *reader, struct error *error)
{
	struct learner_reader *self = memory_take(1, sizeof *self);
	if (!self)
		return error_memory(error, ERROR_SYSTEM, "opening a learner");
	*self = (struct learner_reader){.context = context,
					.experiment = experiment,
					.reader = reader,
					.entry = policy_board_entry(context->policies, context->pipeline->graph->name,
								    experiment->name),
					.start = arena_open(START_BYTES),
					.arena = arena_open(RECORD_ARENA_BYTES),
					.interval_ms = experiment->spec->bandits.update_interval_ns / NS_PER_MS};
	buffer_open(&self->bytes, POLICY_RECORD_BYTES_MAX);
	*reader = (struct outcome_reader){.name = experiment->name,
					  .exposed = &self->exposed,
					  .expose = exposure_take,
					  .outcome = outcome_take,
					  .pass = time_pass,
					  .due = policy_write_due,
					  .close = learner_reader_close,
					  .context = self};
	if (self->entry && self->start && self->arena && learning_begin(self, error))
		return true;
	error_memory(error, ERROR_SYSTEM, "opening a learner");
	learner_reader_close(self);
	*reader = (struct outcome_reader){0};
	return false;
}
