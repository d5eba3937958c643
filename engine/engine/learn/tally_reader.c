/* tally_reader.c: see tally_reader.h. */
#include "engine/learn/tally_reader.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/number/duration.h"
#include "experiments/rollouts/truth_tally.h"

/* A table that is judged. */
struct judged_table {
	int64_t version; /* 0: there is none */
	int64_t since_ms, began_ms; /* of the table, and of the rollout */
	uint64_t assignment; /* as exposures have it */
	struct baseline baseline; /* of the choice that is paired */
};

struct tally_reader {
	const struct readers_context *context;
	const struct graph_experiment *experiment;
	struct outcome_reader *reader;
	struct rollout_entry *entry;
	uint64_t names;
	const char **arms;
	size_t metric_count;
	const char *metrics[EXPERIMENT_METRICS_MAX]; /* of its criteria */
	struct judged_table table;
	struct truth_tally *tally; /* NULL: no table is in force */
	int64_t passed_ms;
	bool is_logged;	     /* that truths are not judged */
	bool is_late_logged; /* that they come too late */
};

/* ---- tables in force ---- */

static struct judged_table table_in_force(struct rollout_entry *entry, const struct graph_experiment *experiment, uint64_t names)
{
	struct judged_table table = {0};
	const struct rollout_force *force = rollout_entry_hold(entry);
	if (force && force->names == names && force->since_ms > 0)
		table = (struct judged_table){.version = force->version,
					      .since_ms = force->since_ms,
					      .began_ms = force->began_ms,
					      .assignment = force->assignment.version,
					      .baseline = force->baselines[experiment->paired]};
	rollout_entry_release(entry);
	return table;
}

/* At most EXPERIMENT_METRICS_MAX: no keeper of this version accepts more. */
static size_t criteria_of(const struct graph_experiment *experiment, const char *metrics[EXPERIMENT_METRICS_MAX])
{
	const size_t count = experiment_metrics(experiment->spec, metrics);
	return count < EXPERIMENT_METRICS_MAX ? count : EXPERIMENT_METRICS_MAX;
}

void tallies_announce(const struct pipeline_plan *pipeline, struct rollout_board *board)
{
	for (size_t i = 0; i < pipeline->graph->reachable_count; i++) {
		const struct graph_experiment *experiment = pipeline->graph->reachable[i];
		struct rollout_entry *entry = experiment->judged ? rollout_board_entry(board, experiment->name) : NULL;
		const char *metrics[EXPERIMENT_METRICS_MAX];
		if (!entry)
			continue;
		const struct judged_table table =
			table_in_force(entry, experiment, rollout_names(experiment->shares, experiment->count));
		const struct rollout_truths none = {
			.pipeline = pipeline->graph->name, .metric_count = criteria_of(experiment, metrics), .metrics = metrics};
		if (table.version > 0)
			rollout_board_announce(board, experiment->name, table.version, &none);
	}
}

/* ---- what is left out ---- */

static void losses_say(struct tally_reader *self)
{
	const struct truth_tally_losses losses = truth_tally_losses(self->tally);
	const struct exposure_join_counts join = self->context->counts(self->context->lead, text_of(self->experiment->name));
	const struct refused_feedback *refused = self->context->refused;
	if (self->is_logged || losses.refused + losses.unjudged + losses.crowded + join.forgotten + refused->count == 0)
		return;
	self->is_logged = true;
	log_say(self->context->log, LOG_LEVEL_WARN, NULL,
		"the rollout of `%s` leaves out feedback of %s: %" PRIu64 " whose truth, or whose answer, is no integer, text "
		"or probability, %" PRIu64 " of more than %zu units, %" PRIu64
		" whose request was one of too many in the window, %" PRIu64
		" that is refused%s%s; a feedback may say by itself whether the answer was right: `metrics: {" ROLLOUT_ACCURACY
		": 1}`, or 0",
		self->experiment->name, self->context->feedback, losses.unjudged, losses.crowded, TRUTH_UNITS_MAX, join.forgotten,
		losses.refused + refused->count, refused->count > 0 ? ", the first one as " : "", refused->first.text);
}

static bool has_truths(const struct tally_reader *self)
{
	const struct truth_counts *counts = truth_tally_counts(self->tally);
	bool any = false;
	for (size_t i = 0; i < self->experiment->count; i++) {
		any = any || counts[i].units > 0;
		for (size_t j = 0; j < self->metric_count; j++)
			any = any || counts[i].metrics[j].requests > 0;
	}
	return any;
}

/* Of the outcome that most requests have too late. */
static int64_t late_most(const struct tally_reader *self)
{
	const struct truth_counts *counts = truth_tally_counts(self->tally);
	int64_t most = 0;
	for (size_t judged = 0; judged <= self->metric_count; judged++) {
		int64_t late = 0;
		for (size_t i = 0; i < self->experiment->count; i++)
			late += judged == 0 ? counts[i].late : counts[i].metrics[judged - 1].late;
		most = late > most ? late : most;
	}
	return most;
}

/* Feedback of requests that an earlier table chose comes too, for a window: it may be unknown, as is that of requests which nobody
 * has made. */
static void late_say(struct tally_reader *self)
{
	const uint64_t unknown = self->context->counts(self->context->lead, text_of(self->experiment->name)).unknown;
	const int64_t window_ms = experiment_window_ms(self->experiment->spec), late = late_most(self);
	const bool has = has_truths(self), is_behind = self->passed_ms - self->table.since_ms <= 2 * window_ms;
	const bool all_unknown = unknown > 0 && !has && !is_behind;
	if (self->is_late_logged || (late == 0 && !all_unknown))
		return;
	self->is_late_logged = true;
	log_say(self->context->log, LOG_LEVEL_WARN, NULL,
		"the rollout of `%s` leaves out feedback of %s that is late: %" PRId64 " came after the outcomeWindow of %" PRId64
		" ms of its request, and %" PRIu64 " named a request that another table chose, or that is not known; raise "
		"outcomeWindow above the time that truths take%s",
		self->experiment->name, self->context->feedback, late, window_ms, unknown,
		has	   ? ""
		: late > 0 ? ". No truth has counted so far: while that is so, no rule of truth holds"
			   : ". No truth has counted so far");
}

/* ---- counting ---- */

static bool tally_open(struct tally_reader *self, struct error *error)
{
	const struct item_list *declared = &self->context->pipeline->graph->spec->metrics;
	struct truth_tally_config config = {.experiment = self->experiment->name,
					    .table = self->table.assignment,
					    .since_ms = self->table.since_ms,
					    .began_ms = self->table.began_ms,
					    .arms = self->experiment->count,
					    .names = self->arms,
					    .paired = self->experiment->paired,
					    .baseline = self->table.baseline,
					    .window_ms = experiment_window_ms(self->experiment->spec),
					    .metric_count = self->metric_count,
					    .metrics = self->metrics,
					    .waiting_max = TRUTH_WAITING_MAX,
					    .units_max = TRUTH_UNITS_MAX};
	for (size_t i = 0; i < self->metric_count; i++) {
		config.caps[i] = metric_cap(declared, self->metrics[i]);
		config.ratios[i] = metric_is_ratio(declared, self->metrics[i]);
	}
	self->tally = truth_tally_open(&config, error);
	return self->tally;
}

static void tally_end(struct tally_reader *self)
{
	if (self->tally)
		rollout_board_outdate(self->context->rollouts, self->experiment->name, self->context->pipeline->graph->name);
	truth_tally_close(self->tally);
	self->tally = NULL;
}

/* Counts under the table in force, from where its tally needs the outcomes. */
static bool table_follow(struct tally_reader *self, bool is_first, struct error *error)
{
	const struct judged_table table = table_in_force(self->entry, self->experiment, self->names);
	if (table.version == self->table.version)
		return true;
	tally_end(self);
	self->table = table;
	self->passed_ms = 0; /* nothing is current before it is read up to here */
	if (table.version == 0)
		return true;
	self->reader->from_ms = is_first && table.began_ms > 0 ? table.began_ms : table.since_ms - TRUTH_REPORTED_MS;
	return tally_open(self, error);
}

static bool outcome_take(void *context, const struct outcome *outcome, int64_t offset, struct error *error)
{
	struct tally_reader *self = context;
	(void)offset, (void)error;
	if (self->tally)
		truth_tally_outcome(self->tally, outcome);
	return true;
}

static void time_pass(void *context, int64_t time_ms)
{
	struct tally_reader *self = context;
	self->passed_ms = time_ms;
	if (self->tally)
		truth_tally_pass(self->tally, time_ms);
}

/* Nothing is written to a topic, but the counts are due on the board. */
static bool counts_publish(void *context, struct fenced_writer *writer, int64_t now_ms, struct error *error)
{
	struct tally_reader *self = context;
	(void)writer, (void)now_ms;
	if (!table_follow(self, false, error))
		return false;
	if (!self->tally)
		return true;
	const struct rollout_truths truths = {.pipeline = self->context->pipeline->graph->name,
					      .metric_count = self->metric_count,
					      .metrics = self->metrics,
					      .counts = truth_tally_counts(self->tally),
					      .is_current = self->passed_ms >= time_of_day_ms() - TALLY_BEHIND_MS};
	rollout_board_inform(self->context->rollouts, self->experiment->name, self->table.version, &truths);
	losses_say(self);
	late_say(self);
	return true;
}

/* ---- opening and closing ---- */

static void tally_reader_close(void *context)
{
	struct tally_reader *self = context;
	tally_end(self);
	memory_give(self->arms);
	memory_give(self);
}

bool tally_reader_open(const struct readers_context *context, const struct graph_experiment *experiment,
		       struct outcome_reader *reader, struct error *error)
{
	struct tally_reader *self = memory_take(1, sizeof *self);
	if (!self)
		return error_memory(error, ERROR_SYSTEM, "counting the truths of a rollout");
	*self = (struct tally_reader){.context = context,
				      .experiment = experiment,
				      .reader = reader,
				      .entry = rollout_board_entry(context->rollouts, experiment->name),
				      .names = rollout_names(experiment->shares, experiment->count),
				      .arms = memory_take(experiment->count, sizeof *self->arms)};
	self->metric_count = criteria_of(experiment, self->metrics);
	*reader = (struct outcome_reader){.name = experiment->name,
					  .next = INT64_MAX, /* until a table is in force */
					  .since_ms = INT64_MAX,
					  .outcome = outcome_take,
					  .pass = time_pass,
					  .due = counts_publish,
					  .close = tally_reader_close,
					  .context = self};
	for (size_t i = 0; self->arms && i < experiment->count; i++)
		self->arms[i] = experiment->shares[i].name;
	if (self->entry && self->arms && table_follow(self, true, error)) {
		if (self->table.began_ms > 0)
			reader->since_ms = self->table.began_ms;
		return true;
	}
	error_memory(error, ERROR_SYSTEM, "counting the truths of a rollout");
	tally_reader_close(self);
	*reader = (struct outcome_reader){0};
	return false;
}
