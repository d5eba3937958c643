/* learner_service.c: see learner_service.h. */
#include "engine/learn/learner_service.h"

#include <assert.h>

#include "base/clock.h"
#include "base/number/duration.h"
#include "base/memory.h"
#include "experiments/outcomes/outcome_join.h"
#include "observe/repeated_failure.h"
#include "engine/learn/learner_parts.h"

#define RETRY_MS 1000
#define RECORD_ARENA_BYTES ((size_t)16 << 20)

/* ---- leading ---- */

/* A learner that has read further than others keeps its own position. */
static struct origin *positions_of(struct learner_service *service, const struct learning *learning, size_t *count)
{
	const struct offsets *of[] = {&service->feed.exposures_next, &service->feed.feedback_next};
	const struct offsets *own[] = {&learning->exposures, &learning->feedback};
	const char *const topics[] = {service->config.exposures, service->config.feedback};
	struct origin *positions = ARENA_ARRAY(service->arena, struct origin, of[0]->count + of[1]->count + 1);
	*count = 0;
	for (size_t i = 0; positions && i < 2; i++)
		for (size_t j = 0; j < of[i]->count; j++) {
			const int64_t next = of[i]->items[j], its = offsets_of(own[i], (int32_t)j);
			positions[(*count)++] = (struct origin){text_of(topics[i]), (int32_t)j, its > next ? its : next};
		}
	return positions;
}

/* Writes what was learnt, if there is anything. */
static bool learning_write(struct learner_service *service, struct learning *learning, bool *written, struct error *error)
{
	const int64_t now_ms = clock_ms();
	struct policy_record record;
	assert(learning->interval_ms > 0); /* the option is a whole number of milliseconds */
	/* From the end of the interval before, however late this turn is. */
	learning->due_ms = now_ms + learning->interval_ms - (now_ms - learning->due_ms) % learning->interval_ms;
	if (!learner_record(learning->learner, time_of_day_ms(), &record, error))
		return error->kind == ERROR_NONE;
	arena_reset(service->arena);
	record.positions = positions_of(service, learning, &record.position_count);
	buffer_clear(&service->bytes);
	*written = true;
	return (record.positions || error_memory(error, ERROR_SYSTEM, "writing a policy")) &&
	       policy_record_encode(&record, &service->bytes, error) &&
	       fenced_writer_add(service->writer, 0, record.experiment, buffer_view(&service->bytes), error);
}

/* The first policy of one that began anew: from what the topics had then. */
static void learning_catch_up(const struct learner_service *service, struct learning *learning)
{
	if (!learning->is_behind || !outcome_feed_has_passed(&service->feed, service->term_ms))
		return;
	learning->is_behind = false;
	learning->due_ms = clock_ms();
}

static bool policies_write(struct learner_service *service, struct error *error)
{
	bool written = false;
	for (size_t i = 0; i < service->count; i++)
		learning_catch_up(service, &service->learnings[i]);
	for (size_t i = 0; i < service->count; i++)
		if (clock_ms() >= service->learnings[i].due_ms &&
		    !learning_write(service, &service->learnings[i], &written, error))
			return false;
	return !written || fenced_writer_commit(service->writer, NULL, 0, NULL, error);
}

/* ---- what is left out ---- */

static_assert(RECENT_IDS_MAX == 1048576 && OUTCOME_WALK_MOST == 16384, "the log and the metric's help say so");

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
	 "requests whose feedback came, and for which no engine computed the rewardMetric: the answer was not found again in "
	 "time, or the feedback lacks what the metric names: see sluice_metric_missing_total and `sluice help metrics`"},
};

/* Each reason once, whatever reloads and terms come: the entry is of the process. */
static void losses_log(const struct learner_service *service, struct learning *learning, const struct policy_losses *more)
{
	for (size_t i = 0; i < sizeof loss_reasons / sizeof *loss_reasons; i++) {
		const uint64_t count = *(const uint64_t *)(const void *)((const char *)more + loss_reasons[i].offset);
		if (count == 0 || !policy_entry_log_first(learning->entry, (unsigned)i))
			continue;
		const char *why =
			loss_reasons[i].offset == offsetof(struct policy_losses, refused) ? learner_refusal(learning->learner) : "";
		log_say(service->config.log, LOG_LEVEL_WARN, NULL,
			"the bandits of `%s` leave out %s%s%s; the metrics of policies count it, and this engine says it once",
			learning->experiment->name, loss_reasons[i].words, *why ? ": " : "", why);
	}
}

static void losses_tell(const struct learner_service *service, struct learning *learning)
{
	const struct learner_counts *told = &learning->told, counts = learner_counts(learning->learner);
	const struct policy_losses more = {.refused = counts.refused - told->refused,
					   .late = counts.late - told->late,
					   .unknown = counts.unknown - told->unknown,
					   .by_unit = counts.by_unit - told->by_unit,
					   .feedback_dropped = counts.feedback_dropped - told->feedback_dropped,
					   .repeated = counts.again - told->again,
					   .dropped = counts.dropped - told->dropped,
					   .missing = counts.missing - told->missing,
					   .uncomputed = counts.uncomputed - told->uncomputed};
	learning->told = counts;
	policy_entry_lose(learning->entry, &more);
	losses_log(service, learning, &more);
}

/* ---- the thread ---- */

static bool service_turn(struct learner_service *service, struct error *error)
{
	bool held = false;
	if (!policies_follow(service, error) || !(service->is_outdated || leadership_check(service, &held, error)))
		return false;
	if (service->leads && !held)
		term_end(service);
	if (!held)
		return true;
	if (!(service->leads || term_begin(service, error)) || !outcome_feed_turn(&service->feed, error))
		return false;
	answer_recovery_pass(service->recovery, outcome_feed_feedback_ms(&service->feed));
	for (size_t i = 0; i < service->count; i++)
		losses_tell(service, &service->learnings[i]);
	return policies_write(service, error);
}

static void failure_log(struct learner_service *service, const struct error *error)
{
	if (failure_is_news(&service->last_logged, error))
		log_say(service->config.log, LOG_LEVEL_WARN, NULL, "policies of %s are not learnt %s: %s%s", service->config.policy,
			service->is_outdated ? "here" : "now", error->text, service->is_outdated ? "" : "; it tries again");
}

static void *service_run(void *context)
{
	struct learner_service *service = context;
	while (!service_thread_is_stopping(&service->thread)) {
		struct error error = {0};
		if (service_turn(service, &error))
			continue;
		if (!service_thread_is_stopping(&service->thread) && error.kind != ERROR_NONE)
			failure_log(service, &error);
		term_end(service);
		service_thread_rest(&service->thread, RETRY_MS);
	}
	term_end(service);
	reader_close(service->policies);
	lead_group_close(service->group);
	service_thread_end(&service->thread);
	return NULL;
}

/* ---- opening and closing ---- */

static bool learnings_make(struct learner_service *service)
{
	const struct graph *graph = service->config.graph;
	service->learnings = memory_take(graph->reachable_count + 1, sizeof *service->learnings);
	for (size_t i = 0; service->learnings && i < graph->reachable_count; i++) {
		const struct graph_experiment *experiment = graph->reachable[i];
		if (!experiment->learns)
			continue;
		struct learning *learning = &service->learnings[service->count++];
		learning->experiment = experiment;
		learning->interval_ms = experiment->spec->bandits.update_interval_ns / NS_PER_MS;
		learning->entry = policy_board_entry(service->config.board, graph->name, experiment->name);
		if (!learning->entry)
			return false;
	}
	return service->learnings;
}

struct learner_service *learner_service_open(const struct learner_service_config *config, struct error *error)
{
	assert(config->brokers && config->graph && config->board);
	assert(config->id && config->exposures && config->feedback && config->policy);
	struct learner_service *service = memory_take(1, sizeof *service);
	if (!service) {
		error_memory(error, ERROR_SYSTEM, "starting a learner");
		return NULL;
	}
	service->config = *config;
	service->group_config = (struct lead_group_config){
		.brokers = config->brokers,
		.group = config->id,
		.topic_count = 1,
		.topics = &service->config.policy,
		.properties = config->consumer};
	service->feed.config = (struct outcome_feed_config){.brokers = config->brokers,
							    .consumer = config->consumer,
							    .exposures = config->exposures,
							    .feedback = config->feedback,
							    .without = "nothing is learnt from it",
							    .hold_ms = config->hold_ms > 0 ? config->hold_ms : OUTCOME_HOLD_MS,
							    .turn_ms = OUTCOME_TURN_MS,
							    .log = config->log,
							    .context = service,
							    .expose = exposure_learn,
							    .inform = feedback_learn,
							    .refuse = feedback_refuse};
	buffer_open(&service->bytes, POLICY_RECORD_BYTES_MAX);
	service->arena = service->feed.config.arena = arena_open(RECORD_ARENA_BYTES);
	service->term = arena_open(RECORD_ARENA_BYTES * 4);
	if (service->arena && service->term && learnings_make(service) &&
	    service_thread_begin(&service->thread, service_run, service))
		return service;
	error_set(error, ERROR_SYSTEM, PLACE_NONE,
		  "a learner's thread could not be started; raise the limits on threads and memory");
	learner_service_close(service);
	return NULL;
}

void learner_service_stop(struct learner_service *service)
{
	service_thread_stop(&service->thread);
}

bool learner_service_has_ended(const struct learner_service *service)
{
	return service_thread_has_ended(&service->thread);
}

void learner_service_close(struct learner_service *service)
{
	if (!service)
		return;
	service_thread_join(&service->thread);
	buffer_close(&service->bytes);
	arena_close(service->arena);
	arena_close(service->term);
	for (size_t i = 0; i < service->count; i++)
		buffer_close(&service->learnings[i].arrived);
	memory_give(service->learnings);
	memory_give(service);
}
