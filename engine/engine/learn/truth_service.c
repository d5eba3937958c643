/* truth_service.c: see truth_service.h. All but `thread` belongs to the thread. */
#include "engine/learn/truth_service.h"

#include <assert.h>
#include <inttypes.h>

#include "base/number/duration.h"
#include "base/memory.h"
#include "experiments/rollouts/truth_tally.h"
#include "kafka/consume/lead_group.h"
#include "observe/repeated_failure.h"
#include "engine/learn/outcome_feed.h"
#include "engine/run/service_thread.h"

#define RETRY_MS 1000
#define TRUTH_AGAIN_MS 120000 /* Kafka's producers send a record again for so long */
#define TRUTH_BEHIND_MS 10000 /* who is no further behind has counted what has come */
#define IDLE_MS 200 /* between two looks at the board, as long as nothing is in force */
#define RECORD_ARENA_BYTES ((size_t)16 << 20)

/* A table that is judged. */
struct judged_table {
	int64_t version; /* 0: there is none */
	int64_t since_ms, began_ms; /* of the table, and of the rollout */
	uint64_t assignment; /* as exposures have it */
	struct baseline baseline; /* of the choice that is paired */
};

/* An experiment that is rolled out, and its counts under the table in force. Each reads the topics by itself: a table of one
 * changes nothing for another, whose rollout may have begun days before. */
struct truth_counting {
	struct truth_service *service;
	const struct graph_experiment *experiment;
	struct rollout_entry *entry;
	uint64_t names;
	const char **arms;
	size_t metric_count;
	const char *metrics[EXPERIMENT_METRICS_MAX]; /* of its criteria */
	struct judged_table table;
	struct truth_tally *tally; /* of the leader; NULL: it is not counted */
	struct outcome_feed feed;
	int64_t exposed_ms;	   /* of the latest exposure that was read */
	int64_t retry_ms;	   /* after a failure it begins again then; by clock_ms() */
	bool is_logged;		   /* that truths are not judged */
	bool is_late_logged;	   /* that they come too late */
};

struct truth_service {
	struct truth_service_config config;
	struct service_thread thread;
	struct truth_counting *countings;
	size_t count;
	struct arena *arena; /* of one record */
	struct lead_group_config group_config;
	struct lead_group *group;
	struct answer_recovery *recovery; /* of the leader; NULL: engines compute no metric */
	struct error last_logged; /* last failure that was logged: the same one is not logged again */
};

/* ---- tables in force ---- */

static struct judged_table table_in_force(const struct truth_counting *counting)
{
	const size_t paired = counting->experiment->paired;
	struct judged_table table = {0};
	const struct rollout_force *force = rollout_entry_hold(counting->entry);
	if (force && force->names == counting->names && force->since_ms > 0)
		table = (struct judged_table){.version = force->version,
					      .since_ms = force->since_ms,
					      .began_ms = force->began_ms,
					      .assignment = force->assignment.version,
					      .baseline = force->baselines[paired]};
	rollout_entry_release(counting->entry);
	return table;
}

/* The keeper is to know of each pipeline with truths, also where nobody succeeds in counting them. */
static void table_announce(const struct truth_service *service, const struct truth_counting *counting, int64_t version)
{
	const struct rollout_truths none = {
		.pipeline = service->config.graph->name, .metric_count = counting->metric_count, .metrics = counting->metrics};
	if (version > 0)
		rollout_board_announce(service->config.board, counting->experiment->name, version, &none);
}

/* Whether one is to be counted. */
static bool tables_look(const struct truth_service *service)
{
	bool any = false;
	for (size_t i = 0; i < service->count; i++) {
		const struct judged_table table = table_in_force(&service->countings[i]);
		table_announce(service, &service->countings[i], table.version);
		any |= table.version > 0;
	}
	return any;
}

/* ---- counting ---- */

static void truth_expose(void *context, const struct exposure *exposure, const struct record *record)
{
	struct truth_counting *counting = context;
	if (exposure->time_ms > counting->exposed_ms)
		counting->exposed_ms = exposure->time_ms;
	truth_tally_expose(counting->tally, exposure);
	answer_recovery_expose(counting->service->recovery, exposure, record);
}

/* Whether a metric of a request is still to be computed. */
static bool request_lacks(void *context, const struct feedback *feedback, int64_t time_ms, const char *metric,
			  struct lacking_exposure *found)
{
	const struct truth_counting *counting = context;
	if (!truth_tally_lacks(counting->tally, feedback, time_ms, metric, &found->request))
		return false;
	found->variant = counting->arms[found->request.arm];
	found->window_ms = experiment_window_ms(counting->experiment->spec);
	return true;
}

static void truth_inform(void *context, const struct feedback *feedback, const struct held_record *held)
{
	struct truth_counting *counting = context;
	truth_tally_feedback(counting->tally, feedback, held->time_ms);
	answer_recovery_feedback(counting->service->recovery, feedback, held, (struct recovery_join){counting, request_lacks});
}

static void truth_refuse(void *context, const struct held_record *held, const struct error *wrong)
{
	struct truth_counting *counting = context;
	(void)held;
	truth_tally_refuse(counting->tally, wrong);
}

static void truths_quiet(void *context, int64_t time_ms)
{
	struct truth_counting *counting = context;
	truth_tally_pass(counting->tally, time_ms);
}

static void losses_say(const struct truth_service *service, struct truth_counting *counting)
{
	const struct truth_tally_losses losses = truth_tally_losses(counting->tally);
	if (counting->is_logged || losses.refused + losses.unjudged + losses.crowded + losses.dropped == 0)
		return;
	counting->is_logged = true;
	log_say(service->config.log, LOG_LEVEL_WARN, NULL,
		"the rollout of `%s` leaves out feedback of %s: %" PRIu64 " whose truth, or whose answer, is no integer, text "
		"or probability, %" PRIu64 " of more than %zu units, %" PRIu64
		" whose request was one of too many in the window, %" PRIu64
		" that is refused%s%s; a feedback may say by itself whether the answer was right: `metrics: {" ROLLOUT_ACCURACY
		": 1}`, or 0",
		counting->experiment->name, service->config.feedback, losses.unjudged, losses.crowded, TRUTH_UNITS_MAX,
		losses.dropped, losses.refused, losses.refused > 0 ? ", the first one as " : "",
		truth_tally_refusal(counting->tally));
}

static bool has_truths(const struct truth_counting *counting)
{
	const struct truth_counts *counts = truth_tally_counts(counting->tally);
	bool any = false;
	for (size_t i = 0; i < counting->experiment->count; i++) {
		any = any || counts[i].units > 0;
		for (size_t j = 0; j < counting->metric_count; j++)
			any = any || counts[i].metrics[j].requests > 0;
	}
	return any;
}

/* Of the outcome that most requests have too late. */
static uint64_t late_most(const struct truth_counting *counting)
{
	const struct truth_counts *counts = truth_tally_counts(counting->tally);
	int64_t most = 0;
	for (size_t judged = 0; judged <= counting->metric_count; judged++) {
		int64_t late = 0;
		for (size_t i = 0; i < counting->experiment->count; i++)
			late += judged == 0 ? counts[i].late : counts[i].metrics[judged - 1].late;
		most = late > most ? late : most;
	}
	return (uint64_t)most;
}

/* Feedback of requests that an earlier table chose comes too, for a window: it is unknown, as is that of requests which nobody
 * has made. */
static void late_say(const struct truth_service *service, struct truth_counting *counting)
{
	const struct truth_tally_losses losses = truth_tally_losses(counting->tally);
	const int64_t window_ms = experiment_window_ms(counting->experiment->spec);
	const bool all_unknown = losses.unknown > 0 && counting->exposed_ms - counting->table.since_ms > 2 * window_ms + MS_PER_S &&
				 !has_truths(counting);
	const uint64_t late = late_most(counting), ended = late > losses.late ? late - losses.late : 0;
	const uint64_t unknown = losses.unknown > ended ? losses.unknown - ended : 0;
	if (counting->is_late_logged || (late == 0 && !all_unknown))
		return;
	counting->is_late_logged = true;
	log_say(service->config.log, LOG_LEVEL_WARN, NULL,
		"the rollout of `%s` leaves out feedback of %s that is late: %" PRIu64 " came after the outcomeWindow of %" PRId64
		" ms of its request, and %" PRIu64 " named a request that another table chose, or that is not known; raise "
		"outcomeWindow above the time that truths take%s",
		counting->experiment->name, service->config.feedback, late, window_ms, unknown,
		has_truths(counting) ? ""
		: late > 0	     ? ". No truth has counted so far: while that is so, no rule of truth holds"
				     : ". No truth has counted so far");
}

static void counts_publish(const struct truth_service *service, struct truth_counting *counting)
{
	const struct rollout_truths truths = {.pipeline = service->config.graph->name,
					      .metric_count = counting->metric_count,
					      .metrics = counting->metrics,
					      .counts = truth_tally_counts(counting->tally),
					      .is_current =
						      outcome_feed_read_ms(&counting->feed) >= time_of_day_ms() - TRUTH_BEHIND_MS};
	rollout_board_inform(service->config.board, counting->experiment->name, counting->table.version, &truths);
	losses_say(service, counting);
	late_say(service, counting);
}

/* ---- leading ---- */

static void counting_end(const struct truth_service *service, struct truth_counting *counting)
{
	outcome_feed_close(&counting->feed);
	if (counting->tally)
		rollout_board_outdate(service->config.board, counting->experiment->name, service->config.graph->name);
	truth_tally_close(counting->tally);
	counting->tally = NULL;
	counting->table = (struct judged_table){0};
}

static void truths_end(struct truth_service *service)
{
	answer_recovery_close(service->recovery);
	service->recovery = NULL;
	for (size_t i = 0; i < service->count; i++)
		counting_end(service, &service->countings[i]);
}

/* From where the topics are read. `read_ms`: up to then all was read that the past is of; 0: there is none. */
static int64_t counting_from_ms(const struct judged_table *table, int64_t read_ms)
{
	int64_t from_ms = read_ms > 0 ? read_ms - TRUTH_AGAIN_MS : table->since_ms;
	if (table->began_ms > 0 && (read_ms == 0 || from_ms < table->began_ms))
		from_ms = table->began_ms;
	return from_ms < table->since_ms ? from_ms : table->since_ms;
}

static bool tally_open(const struct truth_service *service, struct truth_counting *counting, struct truth_past past,
		       struct error *error)
{
	struct truth_tally_config config = {.experiment = counting->experiment->name,
					    .table = counting->table.assignment,
					    .since_ms = counting->table.since_ms,
					    .began_ms = counting->table.began_ms,
					    .arms = counting->experiment->count,
					    .names = counting->arms,
					    .paired = counting->experiment->paired,
					    .baseline = counting->table.baseline,
					    .window_ms = experiment_window_ms(counting->experiment->spec),
					    .metric_count = counting->metric_count,
					    .metrics = counting->metrics,
					    .computed = graph_computes(service->config.graph, ROLLOUT_ACCURACY),
					    .memory_bytes = TRUTH_MEMORY_BYTES,
					    .units_max = TRUTH_UNITS_MAX,
					    .past = past};
	for (size_t i = 0; i < counting->metric_count; i++) {
		config.caps[i] = metric_cap(&service->config.graph->spec->metrics, counting->metrics[i]);
		config.ratios[i] = metric_is_ratio(&service->config.graph->spec->metrics, counting->metrics[i]);
	}
	counting->tally = truth_tally_open(&config, error);
	return counting->tally;
}

/* Counts under a new table, and reads the topics from where its tally needs them. Truths may take longer than a stage: the tally
 * before gives what it knows of its requests. */
static bool counting_begin(const struct truth_service *service, struct truth_counting *counting, const struct judged_table *table,
			   struct error *error)
{
	const int64_t read_ms = counting->tally ? outcome_feed_read_ms(&counting->feed) : 0;
	const struct truth_past past = counting->tally ? truth_tally_give_past(counting->tally) : (struct truth_past){0};
	counting_end(service, counting);
	counting->table = *table;
	counting->exposed_ms = 0;
	answer_recovery_pass(service->recovery, 0); /* values may follow the feedback that is read now */
	counting->feed.config.from_ms = counting_from_ms(table, read_ms);
	return tally_open(service, counting, past, error) && outcome_feed_open(&counting->feed, error);
}

static void truths_leave(struct truth_service *service)
{
	lead_group_close(service->group);
	service->group = NULL;
}

static bool truths_lead(struct truth_service *service, bool *held, struct error *error)
{
	*held = service->config.alone;
	return service->config.alone || lead_group_seek(&service->group, &service->group_config, held, error);
}

/* ---- the thread ---- */

static void truths_log_failure(struct truth_service *service, const struct error *error)
{
	if (!service_thread_is_stopping(&service->thread) && error->kind != ERROR_NONE &&
	    failure_is_news(&service->last_logged, error))
		log_say(service->config.log, LOG_LEVEL_WARN, NULL,
			"feedback of %s is not counted for rollouts now: %s; it tries again", service->config.feedback,
			error->text);
}

/* Reads and counts for one rollout. The others go on if it fails. */
static void counting_turn(struct truth_service *service, struct truth_counting *counting)
{
	struct error error = {0};
	const struct judged_table table = table_in_force(counting);
	bool good = true;
	if (table.version == 0)
		counting_end(service, counting);
	else if (table.version != counting->table.version)
		good = counting_begin(service, counting, &table, &error);
	if (good && counting->tally)
		good = outcome_feed_turn(&counting->feed, &error);
	if (good && counting->tally)
		counts_publish(service, counting);
	if (good)
		return;
	truths_log_failure(service, &error);
	counting_end(service, counting);
	counting->retry_ms = clock_ms() + RETRY_MS;
}

/* What the slowest of those has read that read. */
static void recovery_pass(struct truth_service *service)
{
	int64_t read_ms = INT64_MAX;
	for (size_t i = 0; i < service->count; i++) {
		const int64_t its_ms =
			service->countings[i].tally ? outcome_feed_feedback_ms(&service->countings[i].feed) : INT64_MAX;
		read_ms = its_ms < read_ms ? its_ms : read_ms;
	}
	answer_recovery_pass(service->recovery, read_ms);
}

/* All of them share the time in which one waits for records. */
static void countings_turn(struct truth_service *service)
{
	size_t count = 0;
	for (size_t i = 0; i < service->count; i++)
		count += service->countings[i].tally != NULL;
	for (size_t i = 0; i < service->count && !service_thread_is_stopping(&service->thread); i++) {
		struct truth_counting *counting = &service->countings[i];
		counting->feed.config.turn_ms = outcome_turn_share_ms(count);
		if (clock_ms() >= counting->retry_ms)
			counting_turn(service, counting);
	}
	recovery_pass(service);
	if (count == 0)
		service_thread_rest(&service->thread, OUTCOME_TURN_MS);
}

static bool truths_turn(struct truth_service *service, struct error *error)
{
	bool held;
	if (!tables_look(service)) {
		truths_end(service);
		truths_leave(service);
		service_thread_rest(&service->thread, IDLE_MS);
		return true;
	}
	if (!truths_lead(service, &held, error))
		return false;
	if (held && !service->recovery && service->config.recovery &&
	    !(service->recovery = answer_recovery_open(service->config.recovery, error)))
		return false;
	if (held) {
		countings_turn(service);
	} else {
		truths_end(service);
		service_thread_rest(&service->thread, IDLE_MS);
	}
	return true;
}

static void *truths_run(void *context)
{
	struct truth_service *service = context;
	while (!service_thread_is_stopping(&service->thread)) {
		struct error error = {0};
		if (truths_turn(service, &error))
			continue;
		truths_log_failure(service, &error);
		truths_end(service);
		service_thread_rest(&service->thread, RETRY_MS);
	}
	truths_end(service);
	truths_leave(service);
	service_thread_end(&service->thread);
	return NULL;
}

/* ---- opening and closing ---- */

static bool counting_make(struct truth_service *service, const struct graph_experiment *experiment)
{
	struct truth_counting *counting = &service->countings[service->count++];
	counting->service = service;
	counting->experiment = experiment;
	counting->feed.config = (struct outcome_feed_config){.brokers = service->config.brokers,
							     .consumer = service->config.consumer,
							     .exposures = service->config.exposures,
							     .feedback = service->config.feedback,
							     .without = "its truth does not count",
							     .hold_ms = OUTCOME_HOLD_MS,
							     .turn_ms = OUTCOME_TURN_MS,
							     .arena = service->arena,
							     .log = service->config.log,
							     .context = counting,
							     .expose = truth_expose,
							     .inform = truth_inform,
							     .refuse = truth_refuse,
							     .quiet = truths_quiet};
	counting->names = rollout_names(experiment->shares, experiment->count);
	counting->metric_count = experiment_metrics(experiment->spec, counting->metrics);
	if (counting->metric_count > EXPERIMENT_METRICS_MAX) /* no keeper of this version accepts it */
		counting->metric_count = EXPERIMENT_METRICS_MAX;
	counting->entry = rollout_board_entry(service->config.board, experiment->name);
	counting->arms = memory_take(experiment->count, sizeof *counting->arms);
	for (size_t i = 0; counting->arms && i < experiment->count; i++)
		counting->arms[i] = experiment->shares[i].name;
	return counting->entry && counting->arms;
}

static bool countings_make(struct truth_service *service)
{
	const struct graph *graph = service->config.graph;
	service->countings = memory_take(graph->reachable_count + 1, sizeof *service->countings);
	for (size_t i = 0; service->countings && i < graph->reachable_count; i++)
		if (graph->reachable[i]->judged && !counting_make(service, graph->reachable[i]))
			return false;
	return service->countings;
}

struct truth_service *truth_service_open(const struct truth_service_config *config, struct error *error)
{
	assert(config->brokers && config->graph && config->board);
	assert(config->id && config->exposures && config->feedback);
	struct truth_service *service = memory_take(1, sizeof *service);
	if (!service) {
		error_memory(error, ERROR_SYSTEM, "starting a truth service");
		return NULL;
	}
	service->config = *config;
	service->group_config = (struct lead_group_config){
		.brokers = config->brokers,
		.group = config->id,
		.topic_count = 1,
		.topics = &service->config.exposures,
		.properties = config->consumer};
	service->arena = arena_open(RECORD_ARENA_BYTES);
	if (service->arena && countings_make(service) && service_thread_begin(&service->thread, truths_run, service))
		return service;
	error_set(error, ERROR_SYSTEM, PLACE_NONE,
		  "a thread for the truths of rollouts could not be started; raise the limits on threads and memory");
	truth_service_close(service);
	return NULL;
}

void truth_service_stop(struct truth_service *service)
{
	service_thread_stop(&service->thread);
}

bool truth_service_has_ended(const struct truth_service *service)
{
	return service_thread_has_ended(&service->thread);
}

void truth_service_close(struct truth_service *service)
{
	if (!service)
		return;
	service_thread_join(&service->thread);
	for (size_t i = 0; i < service->count; i++)
		memory_give(service->countings[i].arms);
	memory_give(service->countings);
	arena_close(service->arena);
	memory_give(service);
}
