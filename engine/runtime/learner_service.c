/* learner_service.c: see learner_service.h. */
#include "runtime/learner_service.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/memory.h"
#include "experiments/learner.h"
#include "log/fenced_writer.h"
#include "log/leadership.h"
#include "log/reader.h"
#include "runtime/held_feedback.h"

#define TURN_MS 50	/* a turn waits so long for a record */
#define TURN_RECORDS 2000
#define RETRY_MS 1000
#define RECORD_ARENA_BYTES ((size_t)16 << 20)
#define REPLAY_MORE_MS 2000 /* before the window: the join counts in whole seconds */

/* An experiment, and of the leader what it has learnt. */
struct learning {
	const struct graph_experiment *experiment;
	struct policy_entry *entry;
	int64_t interval_ms;
	bool is_stale; /* and that was logged */
	struct learner *learner;	 /* of the leader, as all below */
	struct offsets exposures, feedback; /* of the next records that it has not read */
	int64_t through_ms;
	bool goes_on; /* from a record */
	int64_t due_ms;
	struct text latest; /* bytes of the last record of the policy topic */
};

struct learner_service {
	struct learner_service_config config;
	pthread_t thread;
	bool has_thread;
	atomic_bool stopping;
	struct learning *learnings;
	size_t count;

	/* Of the thread: */
	struct arena *arena; /* of one record */
	struct arena *tenure; /* of what a leader starts from */
	struct buffer bytes;
	struct reader *policies;
	struct reader_config policies_config, exposures_config, feedback_config;
	struct fenced_writer_config writer_config;
	struct leadership_config leadership_config;
	struct leadership *leadership;
	bool leads;
	struct fenced_writer *writer;
	struct reader *exposures, *feedback;
	struct held_feedback *held;
	struct offsets exposures_next, feedback_next;
	int64_t exposed_ms; /* time of the latest exposure */
	size_t taken;	    /* records in this turn */
	struct error said;  /* last failure that was logged: the same one is not logged again */
};

static bool service_is_stopping(const struct learner_service *service)
{
	return atomic_load(&service->stopping);
}

/* ---- policies in force ---- */

static struct learning *learning_of(const struct learner_service *service, struct text experiment)
{
	for (size_t i = 0; i < service->count; i++)
		if (text_is(experiment, service->learnings[i].experiment->name))
			return &service->learnings[i];
	return NULL;
}

static void policy_note(const struct learner_service *service, const struct learning *learning, const struct error *wrong)
{
	log_say(service->config.log, LOG_LEVEL_WARN, NULL, "a record of %s is not put into force for experiment `%s`: %s",
		service->config.policy, learning->experiment->name, wrong->text);
}

static bool policy_take(void *context, const struct record *record, struct error *error)
{
	struct learner_service *service = context;
	struct policy_record policy;
	struct error wrong = {0};
	struct learning *learning = record->value.length > 0 ? learning_of(service, record->key) : NULL;
	(void)error;
	if (!learning)
		return true;
	arena_reset(service->arena);
	const int64_t before = policy_entry_state(learning->entry).version;
	if (!policy_record_decode(record->value, service->arena, &policy, &wrong) ||
	    !policy_entry_set(learning->entry, &policy, clock_ms(), &wrong))
		policy_note(service, learning, &wrong);
	else if (policy.version != before)
		log_say(service->config.log, LOG_LEVEL_DEBUG, NULL,
			"experiment `%s` chooses by version %" PRId64 " of its policy, learnt from %" PRId64 " rewards",
			learning->experiment->name, policy.version, policy.rewards);
	return true;
}

static void staleness_check(struct learner_service *service)
{
	const int64_t now_ms = clock_ms();
	for (size_t i = 0; i < service->count; i++) {
		struct learning *learning = &service->learnings[i];
		const struct policy_state state = policy_entry_state(learning->entry);
		const bool stale = state.version >= 0 && now_ms - state.set_ms > LEARNER_STALE_INTERVALS * learning->interval_ms;
		if (stale == learning->is_stale)
			continue;
		learning->is_stale = stale;
		if (stale)
			log_say(service->config.log, LOG_LEVEL_WARN, NULL,
				"the policy of experiment `%s` (version %" PRId64 ") was not renewed for %d intervals; it stays in "
				"force: check that an engine can read %s and %s",
				learning->experiment->name, state.version, LEARNER_STALE_INTERVALS, service->config.exposures,
				service->config.feedback);
		else
			log_say(service->config.log, LOG_LEVEL_INFO, NULL, "the policy of experiment `%s` is renewed again",
				learning->experiment->name);
	}
}

static bool policies_follow(struct learner_service *service, struct error *error)
{
	if (!service->policies) {
		service->policies_config = (struct reader_config){.brokers = service->config.brokers,
								  .topic = service->config.policy,
								  .from_beginning = true,
								  .properties = service->config.consumer};
		service->policies = reader_open(&service->policies_config, error);
	}
	if (!service->policies ||
	    !reader_give_arrived(service->policies, TURN_RECORDS, service->leads ? 0 : TURN_MS, policy_take, service, error))
		return false;
	staleness_check(service);
	return true;
}

/* ---- what the leader reads ---- */

static void exposure_give(struct learner_service *service, const struct record *record, bool replays)
{
	struct exposure exposure;
	struct error wrong = {0};
	arena_reset(service->arena);
	if (!exposure_decode(record->value, service->arena, &exposure, &wrong))
		return;
	for (size_t i = 0; i < service->count; i++) {
		struct learning *learning = &service->learnings[i];
		const bool is_old = record->offset < offsets_of(&learning->exposures, record->partition);
		if (is_old == replays && (!replays || learning->goes_on))
			learner_expose(learning->learner, &exposure);
	}
	if (!replays && exposure.time_ms > service->exposed_ms)
		service->exposed_ms = exposure.time_ms;
}

static bool exposure_take(void *context, const struct record *record, struct error *error)
{
	struct learner_service *service = context;
	service->taken++;
	exposure_give(service, record, false);
	return offsets_set(&service->exposures_next, record->partition, record->offset + 1, error);
}

static bool exposure_replay(void *context, const struct record *record, struct error *error)
{
	(void)error;
	exposure_give(context, record, true);
	return !service_is_stopping(context);
}

static void feedback_give(struct learner_service *service, const struct held_record *held, bool replays)
{
	struct feedback feedback;
	struct error wrong = {0};
	arena_reset(service->arena);
	if (!feedback_decode(held->value, service->arena, &feedback, &wrong))
		return;
	for (size_t i = 0; i < service->count; i++) {
		struct learning *learning = &service->learnings[i];
		const bool is_old = held->offset < offsets_of(&learning->feedback, held->partition);
		if (is_old == replays && (!replays || learning->goes_on))
			learner_feedback(learning->learner, &feedback, held->time_ms);
	}
}

static bool feedback_replay(void *context, const struct record *record, struct error *error)
{
	const struct held_record held = {
		.partition = record->partition, .offset = record->offset, .time_ms = record->time_ms, .value = record->value};
	(void)error;
	feedback_give(context, &held, true);
	return !service_is_stopping(context);
}

static bool feedback_hold(void *context, const struct record *record, struct error *error)
{
	struct learner_service *service = context;
	service->taken++;
	return held_add(service->held, record, clock_ms(), error);
}

/* ---- beginning to lead ---- */

static bool latest_take(void *context, const struct record *record, struct error *error)
{
	struct learner_service *service = context;
	struct learning *learning = learning_of(service, record->key);
	if (!learning)
		return true;
	learning->latest = (struct text){arena_copy(service->tenure, record->value.bytes, record->value.length),
					 record->value.length};
	return learning->latest.bytes || error_memory(error, ERROR_SYSTEM, "reading policies");
}

/* Reads a topic to its present end. */
static bool topic_read(struct learner_service *service, const char *topic, int64_t from_ms,
		       bool (*take)(void *context, const struct record *record, struct error *error), struct error *error)
{
	const struct reader_config config = {.brokers = service->config.brokers,
					     .topic = topic,
					     .from_beginning = from_ms == 0,
					     .from_time = from_ms > 0,
					     .time_ms = from_ms,
					     .properties = service->config.consumer};
	struct reader *reader = reader_open(&config, error);
	const bool good = reader && reader_give_all(reader, take, service, error);
	reader_close(reader);
	return good;
}

static struct learner *learner_make(struct learner_service *service, const struct graph_experiment *experiment, struct error *error)
{
	const struct bandits *bandits = &experiment->spec->bandits;
	struct text *arms = ARENA_ARRAY(service->tenure, struct text, experiment->count);
	for (size_t i = 0; arms && i < experiment->count; i++)
		arms[i] = text_of(experiment->shares[i].name);
	const struct learner_config config = {
		.experiment = experiment->name,
		.options = experiment_bandit(experiment->spec, experiment->count, context_length(&experiment->context)),
		.arms = arms,
		.context = experiment->context,
		.reward_metric = bandits->reward_metric ? text_of(bandits->reward_metric) : (struct text){0},
		.window_ms = bandits->outcome_window_ns / NS_PER_MS,
		.memory_bytes = LEARNER_MEMORY_BYTES};
	if (arms)
		return learner_open(&config, error);
	error_memory(error, ERROR_SYSTEM, "opening a learner");
	return NULL;
}

static bool positions_take(const struct learner_service *service, struct learning *learning, const struct policy_record *record,
			   struct error *error)
{
	for (size_t i = 0; i < record->position_count; i++) {
		const struct origin *position = &record->positions[i];
		struct offsets *offsets = text_is(position->topic, service->config.exposures)  ? &learning->exposures
					  : text_is(position->topic, service->config.feedback) ? &learning->feedback
											       : NULL;
		if (offsets && !offsets_set(offsets, position->partition, position->offset, error))
			return false;
	}
	return true;
}

/* Goes on from the last record, or begins anew: then with all that the topics have. */
static bool learning_begin(struct learner_service *service, struct learning *learning, struct error *error)
{
	struct policy_record record;
	struct error anew = {0};
	learning->learner = learner_make(service, learning->experiment, error);
	learning->due_ms = clock_ms() + learning->interval_ms;
	if (!learning->learner || learning->latest.length == 0)
		return learning->learner;
	learning->goes_on = policy_record_decode(learning->latest, service->tenure, &record, &anew) &&
			    learner_restore(learning->learner, &record, &anew);
	if (!learning->goes_on) {
		log_say(service->config.log, LOG_LEVEL_WARN, NULL, "%s", anew.text);
		return true;
	}
	learning->through_ms = record.through_ms;
	return positions_take(service, learning, &record, error);
}

/* Opens the exposures of the last window again, and marks those that have their reward. */
static bool window_replay(struct learner_service *service, struct error *error)
{
	int64_t from_ms = INT64_MAX;
	for (size_t i = 0; i < service->count; i++) {
		const struct learning *learning = &service->learnings[i];
		const int64_t window_ms = learning->experiment->spec->bandits.outcome_window_ns / NS_PER_MS;
		const int64_t its_ms = learning->through_ms - window_ms - REPLAY_MORE_MS;
		if (learning->goes_on && its_ms < from_ms)
			from_ms = its_ms > 0 ? its_ms : 1;
		learner_replay(learning->learner, true);
	}
	const bool good = from_ms == INT64_MAX ||
			  (topic_read(service, service->config.exposures, from_ms, exposure_replay, error) &&
			   topic_read(service, service->config.feedback, from_ms, feedback_replay, error));
	for (size_t i = 0; i < service->count; i++)
		learner_replay(service->learnings[i].learner, false);
	return good;
}

/* The first record that one of the learners has not read. */
static bool offsets_merge(struct learner_service *service, struct error *error)
{
	for (size_t i = 0; i < service->count; i++) {
		const struct learning *learning = &service->learnings[i];
		if (!offsets_lower(&service->exposures_next, &learning->exposures, i == 0, error) ||
		    !offsets_lower(&service->feedback_next, &learning->feedback, i == 0, error))
			return false;
	}
	return true;
}

static struct reader *reader_at(const struct learner_service *service, struct reader_config *config, const char *topic,
				const struct offsets *offsets, struct error *error)
{
	*config = (struct reader_config){.brokers = service->config.brokers,
					 .topic = topic,
					 .from_offset = true,
					 .offsets = offsets->items,
					 .offset_count = offsets->count,
					 .properties = service->config.consumer};
	return reader_open(config, error);
}

/* Takes the transactional id before it reads, so that nothing is written behind its back. */
static bool tenure_begin(struct learner_service *service, struct error *error)
{
	service->writer_config = (struct fenced_writer_config){.brokers = service->config.brokers,
							       .id = service->config.id,
							       .topic = service->config.policy,
							       .properties = service->config.producer};
	service->writer = fenced_writer_open(&service->writer_config, error);
	service->held = service->writer ? held_open(LEARNER_HELD_MAX, error) : NULL;
	bool good = service->held && topic_read(service, service->config.policy, 0, latest_take, error);
	for (size_t i = 0; good && i < service->count; i++)
		good = learning_begin(service, &service->learnings[i], error);
	good = good && window_replay(service, error) && offsets_merge(service, error);
	service->exposures = good ? reader_at(service, &service->exposures_config, service->config.exposures,
					      &service->exposures_next, error)
				  : NULL;
	service->feedback = service->exposures ? reader_at(service, &service->feedback_config, service->config.feedback,
							   &service->feedback_next, error)
					       : NULL;
	if (service->feedback)
		log_say(service->config.log, LOG_LEVEL_INFO, NULL, "this engine learns the policies of %s", service->config.policy);
	service->leads = service->feedback != NULL;
	return service->leads;
}

static void tenure_end(struct learner_service *service)
{
	reader_close(service->exposures);
	reader_close(service->feedback);
	fenced_writer_close(service->writer);
	held_close(service->held);
	for (size_t i = 0; i < service->count; i++) {
		struct learning *learning = &service->learnings[i];
		learner_close(learning->learner);
		offsets_close(&learning->exposures);
		offsets_close(&learning->feedback);
		*learning = (struct learning){.experiment = learning->experiment,
					      .entry = learning->entry,
					      .interval_ms = learning->interval_ms,
					      .is_stale = learning->is_stale};
	}
	offsets_close(&service->exposures_next);
	offsets_close(&service->feedback_next);
	arena_reset(service->tenure);
	service->exposures = service->feedback = NULL;
	service->writer = NULL;
	service->held = NULL;
	service->exposed_ms = 0;
	service->leads = false;
}

/* ---- leading ---- */

/* Whether the exposure of feedback of that time has been read, if there is one. */
static bool exposure_is_read(const struct learner_service *service, const struct held_record *held, bool idle)
{
	return held->time_ms + LEARNER_HOLD_MS <= service->exposed_ms || (idle && clock_ms() - held->since_ms >= LEARNER_HOLD_MS);
}

static bool feedback_learn(struct learner_service *service, bool idle, struct error *error)
{
	const struct held_record *held;
	while ((held = held_first(service->held)) && exposure_is_read(service, held, idle)) {
		feedback_give(service, held, false);
		if (!offsets_set(&service->feedback_next, held->partition, held->offset + 1, error))
			return false;
		held_drop_first(service->held);
	}
	return true;
}

/* Reads a share of both topics. Exposures are not read ahead of the feedback: their window would end before it came. */
static bool topics_turn(struct learner_service *service, struct error *error)
{
	service->taken = 0;
	const size_t space = held_space(service->held);
	if (!reader_give_arrived(service->feedback, space < TURN_RECORDS ? space : TURN_RECORDS, 0, feedback_hold, service, error))
		return false;
	const bool none_left = reader_has_caught_up(service->feedback) && service->taken < TURN_RECORDS && space > 0;
	const bool may_go_on = none_left || held_latest_ms(service->held) > service->exposed_ms;
	service->taken = 0;
	if (may_go_on &&
	    !reader_give_arrived(service->exposures, TURN_RECORDS, TURN_MS, exposure_take, service, error))
		return false;
	return feedback_learn(service, may_go_on && service->taken == 0 && reader_has_caught_up(service->exposures), error);
}

/* A learner that has read further than others keeps its own position. */
static struct origin *positions_of(struct learner_service *service, const struct learning *learning, size_t *count)
{
	const struct offsets *of[] = {&service->exposures_next, &service->feedback_next};
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
	struct policy_record record;
	learning->due_ms = clock_ms() + learning->interval_ms;
	if (!learner_record(learning->learner, time_of_day_ms(), &record, error))
		return error->kind == ERROR_NONE;
	arena_reset(service->arena);
	record.positions = positions_of(service, learning, &record.position_count);
	buffer_clear(&service->bytes);
	*written = true;
	return (record.positions || error_memory(error, ERROR_SYSTEM, "writing a policy")) &&
	       policy_record_encode(&record, &service->bytes, error) &&
	       fenced_writer_add(service->writer, record.experiment, buffer_view(&service->bytes), error);
}

static bool policies_write(struct learner_service *service, struct error *error)
{
	bool written = false;
	for (size_t i = 0; i < service->count; i++)
		if (clock_ms() >= service->learnings[i].due_ms &&
		    !learning_write(service, &service->learnings[i], &written, error))
			return false;
	return !written || fenced_writer_commit(service->writer, 0, error);
}

/* ---- the thread ---- */

static bool leadership_check(struct learner_service *service, bool *held, struct error *error)
{
	if (!service->config.alone && !service->leadership) {
		service->leadership_config = (struct leadership_config){.brokers = service->config.brokers,
									.group = service->config.id,
									.topic = service->config.policy,
									.properties = service->config.consumer};
		service->leadership = leadership_open(&service->leadership_config, error);
		if (!service->leadership)
			return false;
	}
	*held = service->config.alone || leadership_held(service->leadership);
	return true;
}

static bool service_turn(struct learner_service *service, struct error *error)
{
	bool held = false;
	if (!policies_follow(service, error) || !leadership_check(service, &held, error))
		return false;
	if (service->leads && !held)
		tenure_end(service);
	if (!held)
		return true;
	return (service->leads || tenure_begin(service, error)) && topics_turn(service, error) && policies_write(service, error);
}

static void failure_log(struct learner_service *service, const struct error *error)
{
	if (strcmp(service->said.text, error->text) != 0)
		log_say(service->config.log, LOG_LEVEL_WARN, NULL, "policies of %s are not learnt now: %s; it tries again",
			service->config.policy, error->text);
	service->said = *error;
}

static void service_pause(const struct learner_service *service)
{
	for (int64_t until_ms = clock_ms() + RETRY_MS; !service_is_stopping(service) && clock_ms() < until_ms;)
		nanosleep(&(struct timespec){.tv_nsec = TURN_MS * NS_PER_MS}, NULL);
}

static void *service_run(void *context)
{
	struct learner_service *service = context;
	while (!service_is_stopping(service)) {
		struct error error = {0};
		if (service_turn(service, &error))
			continue;
		if (!service_is_stopping(service))
			failure_log(service, &error);
		tenure_end(service);
		reader_close(service->policies);
		service->policies = NULL;
		service_pause(service);
	}
	tenure_end(service);
	reader_close(service->policies);
	leadership_close(service->leadership);
	return NULL;
}

/* ---- opening and closing ---- */

static bool learnings_make(struct learner_service *service)
{
	const struct graph *graph = service->config.graph;
	service->learnings = memory_take(graph->experiment_count + 1, sizeof *service->learnings);
	for (size_t i = 0; service->learnings && i < graph->experiment_count; i++) {
		const struct graph_experiment *experiment = graph->experiments[i];
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
	struct learner_service *service = memory_take(1, sizeof *service);
	if (!service) {
		error_memory(error, ERROR_SYSTEM, "starting a learner");
		return NULL;
	}
	service->config = *config;
	buffer_open(&service->bytes, POLICY_RECORD_BYTES_MAX);
	service->arena = arena_open(RECORD_ARENA_BYTES);
	service->tenure = arena_open(RECORD_ARENA_BYTES * 4);
	if (service->arena && service->tenure && learnings_make(service))
		service->has_thread = pthread_create(&service->thread, NULL, service_run, service) == 0;
	if (service->has_thread)
		return service;
	error_set(error, ERROR_SYSTEM, PLACE_NONE,
		  "a learner's thread could not be started; raise the limits on threads and memory");
	learner_service_close(service);
	return NULL;
}

void learner_service_close(struct learner_service *service)
{
	if (!service)
		return;
	atomic_store(&service->stopping, true);
	if (service->has_thread)
		pthread_join(service->thread, NULL);
	buffer_close(&service->bytes);
	arena_close(service->arena);
	arena_close(service->tenure);
	memory_give(service->learnings);
	memory_give(service);
}
