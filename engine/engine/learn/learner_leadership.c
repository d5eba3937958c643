/* learner_leadership.c: Leadership of the learners of an experiment: it begins with a replay of what was learnt, and ends.
 * See learner_parts.h. */
#include <assert.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/number/duration.h"
#include "message/records/answer_label.h"
#include "engine/learn/learner_parts.h"

#define REPLAY_MORE_MS 2000 /* before the window: the join counts in whole seconds */

#define LOOK_RECORDS 1000   /* of a replay, between two looks at the leadership */

/* ---- leadership ---- */

bool leadership_check(struct learner_service *service, bool *held, struct error *error)
{
	*held = service->config.alone;
	return service->config.alone || lead_group_seek(&service->group, &service->group_config, held, error);
}

/* A replay may last longer than a group waits for its members. */
static bool replay_goes_on(struct learner_service *service, struct error *error)
{
	bool held = false;
	return service->replayed++ % LOOK_RECORDS != 0 || (leadership_check(service, &held, error) && held);
}

/* ---- what the learners are given ---- */

/* Whether it is to be given a record, which is at that offset: a new one once, an old one when it is replayed. */
static bool learning_wants(const struct learning *learning, int64_t position, int64_t offset, int64_t time_ms, bool replays)
{
	if (replays)
		return learning->goes_on && offset < position;
	return offset >= position && !(learning->remade && position == 0 && time_ms <= learning->through_ms);
}

static void exposure_give(struct learner_service *service, const struct exposure *exposure, const struct record *record,
			  bool replays)
{
	for (size_t i = 0; i < service->count; i++) {
		struct learning *learning = &service->learnings[i];
		const int64_t position = offsets_of(&learning->exposures, record->partition);
		if (learning_wants(learning, position, record->offset, exposure->time_ms, replays))
			learner_expose(learning->learner, exposure);
	}
	answer_recovery_expose(service->recovery, exposure, record);
}

/* Whether the reward of a request is still to be computed by that metric. */
static bool request_lacks(void *context, const struct feedback *feedback, int64_t time_ms, const char *metric,
			  struct lacking_exposure *found)
{
	struct learner_service *service = context;
	for (size_t i = 0; i < service->count; i++) {
		const struct graph_experiment *experiment = service->learnings[i].experiment;
		const struct bandits *bandits = &experiment->spec->bandits;
		if (!bandits->reward_metric || strcmp(bandits->reward_metric, metric) != 0 ||
		    !learner_lacks(service->learnings[i].learner, feedback, time_ms, &found->request))
			continue;
		found->variant = experiment->shares[found->request.arm].name;
		found->window_ms = bandits->outcome_window_ns / NS_PER_MS;
		return true;
	}
	return false;
}

static void feedback_give(struct learner_service *service, const struct feedback *feedback, const struct held_record *held,
			  bool replays)
{
	for (size_t i = 0; i < service->count; i++) {
		struct learning *learning = &service->learnings[i];
		const int64_t position = offsets_of(&learning->feedback, held->partition);
		if (learning_wants(learning, position, held->offset, held->time_ms, replays))
			learner_feedback(learning->learner, feedback, held->time_ms);
	}
	answer_recovery_feedback(service->recovery, feedback, held, (struct recovery_join){service, request_lacks});
}

void exposure_learn(void *service, const struct exposure *exposure, const struct record *record)
{
	exposure_give(service, exposure, record, false);
}

void feedback_learn(void *service, const struct feedback *feedback, const struct held_record *held)
{
	feedback_give(service, feedback, held, false);
}

void feedback_refuse(void *context, const struct held_record *held, const struct error *wrong)
{
	struct learner_service *service = context;
	for (size_t i = 0; i < service->count; i++) {
		struct learning *learning = &service->learnings[i];
		if (learning_wants(learning, offsets_of(&learning->feedback, held->partition), held->offset, held->time_ms, false))
			learner_refuse(learning->learner, wrong);
	}
}

static bool exposure_replay(void *context, const struct record *record, struct error *error)
{
	struct learner_service *service = context;
	struct exposure exposure;
	if (outcome_feed_decode(&service->feed, record, &exposure))
		exposure_give(service, &exposure, record, true);
	return replay_goes_on(service, error);
}

static bool feedback_replay(void *context, const struct record *record, struct error *error)
{
	struct learner_service *service = context;
	const struct held_record held = {.partition = record->partition,
					 .offset = record->offset,
					 .time_ms = time_arrived_ms(record->time_ms),
					 .value = record->value};
	struct feedback feedback;
	struct error wrong = {0};
	arena_reset(service->arena);
	if (feedback_decode(record->value, service->arena, &feedback, &wrong))
		feedback_give(service, &feedback, &held, true);
	return replay_goes_on(service, error);
}

/* ---- beginning to lead ---- */

static bool latest_take(void *context, const struct record *record, struct error *error)
{
	struct learner_service *service = context;
	struct learning *learning = learning_of(service, record->key);
	return (!learning || policy_keep(&learning->latest, record->value, error)) && replay_goes_on(service, error);
}

/* Reads a topic to its present end; with `until`, no further than there. */
static bool topic_read(struct learner_service *service, const char *topic, int64_t from_ms, const struct offsets *until,
		       bool (*take)(void *context, const struct record *record, struct error *error), struct error *error)
{
	const struct reader_config config = {.brokers = service->config.brokers,
					     .topic = topic,
					     .from_beginning = from_ms == 0,
					     .from_time = from_ms > 0,
					     .time_ms = from_ms,
					     .until = until ? until->items : NULL,
					     .until_count = until ? until->count : 0,
					     .stopping = &service->thread.stopping,
					     .by_time = true,
					     .properties = service->config.consumer};
	return topic_give_all(&config, take, service, error);
}

static struct learner *learner_make(struct learner_service *service, const struct graph_experiment *experiment, struct error *error)
{
	const struct bandits *bandits = &experiment->spec->bandits;
	struct text *arms = ARENA_ARRAY(service->term, struct text, experiment->count);
	for (size_t i = 0; arms && i < experiment->count; i++)
		arms[i] = text_of(experiment->shares[i].name);
	const bool computed = graph_computes(service->config.graph, bandits->reward_metric);
	const struct learner_config config = {
		.experiment = experiment->name,
		.options = experiment_bandit(experiment->spec, experiment->count, context_length(&experiment->context, NULL)),
		.arms = arms,
		.priors = experiment->priors,
		.context = experiment->context,
		.reward_metric = bandits->reward_metric ? text_of(bandits->reward_metric) : (struct text){0},
		.computed = computed,
		.judges = !computed && bandits->reward_metric && strcmp(bandits->reward_metric, ACCURACY_METRIC) == 0,
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

/* The interval that the last record began goes on: leaders that change often would never reach the end of one that each begins. */
static int64_t interval_end_ms(const struct learning *learning, const struct policy_record *record)
{
	const int64_t past_ms = time_of_day_ms() - record->time_ms, left_ms = learning->interval_ms - past_ms;
	return clock_ms() + (past_ms < 0 ? learning->interval_ms : left_ms < 0 ? 0 : left_ms);
}

/* It counts as learnt, and is written at once; what the topics have is read after it. */
static void learning_warm(const struct learner_service *service, struct learning *learning)
{
	struct error refused = {0};
	if (!learner_warm(learning->learner, &refused))
		log_say(service->config.log, LOG_LEVEL_WARN, NULL, "the bandits of `%s` start without warmStart: %s",
			learning->experiment->name, refused.text);
	if (learner_is_due(learning->learner))
		learning->due_ms = clock_ms();
}

/* Goes on from the last record, or begins anew: then with all that the topics have, and no interval goes on: its first policy is
 * due as soon as they are read, since nothing chooses until then. LIMIT: the record is of another version. */
static bool learning_begin(struct learner_service *service, struct learning *learning, struct error *error)
{
	struct policy_record record;
	struct error anew = {0};
	learning->learner = learner_make(service, learning->experiment, error);
	learning->due_ms = clock_ms() + learning->interval_ms;
	learning->is_behind = true;
	if (!learning->learner)
		return false;
	if (learning->latest.length == 0) {
		learning_warm(service, learning);
		return true;
	}
	if (policy_record_is_foreign(buffer_view(&learning->latest)))
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "the policy of experiment `%s` was written by another version of sluice; update sluice on this "
				 "engine, or, if it is the later one, delete topic %s to learn again",
				 learning->experiment->name, service->config.policy);
	learning->goes_on = policy_record_decode(buffer_view(&learning->latest), service->term, &record, &anew) &&
			    learner_restore(learning->learner, &record, &anew);
	if (!learning->goes_on) {
		log_say(service->config.log, LOG_LEVEL_WARN, NULL, "%s", anew.text);
		learning_warm(service, learning);
		return true;
	}
	learning->is_behind = false;
	learning->through_ms = record.through_ms;
	learning->due_ms = learner_is_due(learning->learner) ? clock_ms() : interval_end_ms(learning, &record);
	return positions_take(service, learning, &record, error);
}

/* When the window of the widest of those begins that go on; INT64_MAX: none does. */
static int64_t window_begin_ms(const struct learner_service *service)
{
	int64_t from_ms = INT64_MAX;
	for (size_t i = 0; i < service->count; i++) {
		const struct learning *learning = &service->learnings[i];
		const int64_t window_ms = learning->experiment->spec->bandits.outcome_window_ns / NS_PER_MS;
		const int64_t its_ms = learning->through_ms - window_ms - REPLAY_MORE_MS;
		if (learning->goes_on && its_ms < from_ms)
			from_ms = its_ms > 0 ? its_ms : 1;
	}
	return from_ms;
}

/* Reads the records of the window up to where each learner has read them: what follows comes later anyway. */
static bool window_read(struct learner_service *service, int64_t from_ms, struct error *error)
{
	struct offsets exposures = {0}, feedback = {0};
	bool good = true;
	for (size_t i = 0; good && i < service->count; i++)
		good = offsets_raise(&exposures, &service->learnings[i].exposures, error) &&
		       offsets_raise(&feedback, &service->learnings[i].feedback, error);
	if (good && exposures.count > 0)
		good = topic_read(service, service->config.exposures, from_ms, &exposures, exposure_replay, error);
	if (good && feedback.count > 0)
		good = topic_read(service, service->config.feedback, from_ms, &feedback, feedback_replay, error);
	offsets_close(&exposures);
	offsets_close(&feedback);
	return good;
}

/* Opens the exposures of the last window again, and marks those that have their reward. */
static bool window_replay(struct learner_service *service, struct error *error)
{
	const int64_t from_ms = window_begin_ms(service);
	for (size_t i = 0; i < service->count; i++)
		learner_replay(service->learnings[i].learner, true);
	const bool good = from_ms == INT64_MAX || window_read(service, from_ms, error);
	for (size_t i = 0; i < service->count; i++)
		learner_replay(service->learnings[i].learner, false);
	for (size_t i = 0; i < service->count; i++)
		service->learnings[i].told = learner_counts(service->learnings[i].learner);
	return good;
}

/* The first record that one of the learners has not read. */
static bool offsets_merge(struct learner_service *service, struct error *error)
{
	for (size_t i = 0; i < service->count; i++) {
		const struct learning *learning = &service->learnings[i];
		if (!offsets_lower(&service->feed.exposures_next, &learning->exposures, i == 0, error) ||
		    !offsets_lower(&service->feed.feedback_next, &learning->feedback, i == 0, error))
			return false;
	}
	return true;
}

static bool feed_open(struct learner_service *service, struct error *error)
{
	return offsets_merge(service, error) && outcome_feed_open(&service->feed, error);
}

/* Forgets positions behind the end of a topic. Whether there was one. */
static bool positions_correct(const struct learner_service *service, struct learning *learning, struct offsets *offsets,
			      const struct reader *reader, const char *topic)
{
	bool any = false;
	for (size_t i = 0; i < offsets->count; i++) {
		const int64_t end = reader_end_of(reader, (int32_t)i);
		if (offsets->items[i] <= end)
			continue;
		log_say(service->config.log, LOG_LEVEL_WARN, NULL,
			"experiment `%s`: partition %zu of %s ends at %" PRId64 ", and was read up to %" PRId64 ": the topic was "
			"made again, or has lost records; those that are newer than what was learnt are learnt from",
			learning->experiment->name, i, topic, end, offsets->items[i]);
		offsets->items[i] = 0;
		any = learning->remade = true;
	}
	return any;
}

/* Opens the topics where the learners go on; after a look at their ends, once more if need be. */
static bool topics_open(struct learner_service *service, struct error *error)
{
	bool any = false;
	if (!feed_open(service, error))
		return false;
	const struct outcome_feed *feed = &service->feed;
	for (size_t i = 0; i < service->count; i++) {
		struct learning *learning = &service->learnings[i];
		any |= positions_correct(service, learning, &learning->exposures, feed->exposures, service->config.exposures);
		any |= positions_correct(service, learning, &learning->feedback, feed->feedback, service->config.feedback);
	}
	return !any || feed_open(service, error);
}

static bool writer_open(struct learner_service *service, struct error *error)
{
	service->writer_config = (struct fenced_writer_config){.brokers = service->config.brokers,
							       .id = service->config.id,
							       .topic_count = 1,
							       .topics = &service->config.policy,
							       .properties = service->config.producer};
	service->writer = fenced_writer_open(&service->writer_config, error);
	return service->writer;
}

static bool recovery_begin(struct learner_service *service, struct error *error)
{
	if (service->config.recovery)
		service->recovery = answer_recovery_open(service->config.recovery, error);
	return service->recovery || !service->config.recovery;
}

bool term_begin(struct learner_service *service, struct error *error)
{
	assert(!service->leads);
	service->term_ms = time_of_day_ms();
	bool good = writer_open(service, error) && topic_read(service, service->config.policy, 0, NULL, latest_take, error);
	for (size_t i = 0; good && i < service->count; i++)
		good = learning_begin(service, &service->learnings[i], error);
	service->leads = good && topics_open(service, error) && recovery_begin(service, error) && window_replay(service, error);
	if (service->leads)
		log_say(service->config.log, LOG_LEVEL_INFO, NULL, "this engine learns the policies of %s", service->config.policy);
	service->is_outdated = error->kind == ERROR_LIMIT;
	if (service->is_outdated) {
		lead_group_close(service->group);
		service->group = NULL;
	}
	return service->leads;
}

void term_end(struct learner_service *service)
{
	answer_recovery_close(service->recovery);
	service->recovery = NULL;
	outcome_feed_close(&service->feed);
	fenced_writer_close(service->writer);
	for (size_t i = 0; i < service->count; i++) {
		struct learning *learning = &service->learnings[i];
		learner_close(learning->learner);
		buffer_close(&learning->latest);
		offsets_close(&learning->exposures);
		offsets_close(&learning->feedback);
		*learning = (struct learning){.experiment = learning->experiment,
					      .entry = learning->entry,
					      .interval_ms = learning->interval_ms,
					      .is_stale = learning->is_stale,
					      .is_noted = learning->is_noted,
					      .arrived = learning->arrived};
	}
	arena_reset(service->term);
	service->writer = NULL;
	service->leads = false;
}
