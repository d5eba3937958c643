/* outcome_service.c: see outcome_service.h. All but `thread`, `asked` and `held` belongs to the thread. */
#include "engine/learn/outcome_service.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/number/duration.h"
#include "engine/learn/exposure_feed.h"
#include "engine/learn/outcome_lead.h"
#include "engine/learn/tally_reader.h"
#include "engine/run/service_thread.h"
#include "observe/repeated_failure.h"

#define RETRY_MS 250
#define RETRY_MOST_MS 60000
#define IDLE_MS 200	   /* a turn waits so long for a record */
#define IDLE_FETCH_MS "250" /* what a lead that begins wants to read waits so long */
#define ALONE_FETCH_MS "500"
#define TURN_RECORDS 2000  /* of all leads */
#define COMMIT_MS 200	   /* after the first record of a transaction */
#define COMMIT_RECORDS 2000
#define COMMIT_BYTES ((size_t)1 << 20)
#define POSITIONS_MS 1000  /* between two commits of positions alone */
#define WATCH_MS 2000
#define ANSWER_MS 4000	   /* Kafka answers as often, which is seen every WATCH_MS */
#define RECORD_ARENA_BYTES ((size_t)64 << 20)

/* A failure is logged when its reason changes, and what failed begins again after a pause that grows. */
struct retry {
	struct error last;
	int64_t until_ms, delay_ms;
};

struct served_pipeline {
	const struct pipeline_plan *plan;
	struct policy_follow *policies; /* NULL: it has none */
	struct outcome_lead *lead;	/* NULL: it has no outcomes */
	struct retry following, leading;
};

struct outcome_service {
	struct outcome_service_config config;
	struct service_thread thread;
	_Atomic(const struct plan *) asked, held;

	struct served_pipeline *pipelines;
	size_t count;
	const char **topics; /* two of each pipeline: of outcomes, and of policies, or that of outcomes again */
	const char **led;    /* of outcomes */
	struct reader_config reading;
	struct lead_group_config grouping;
	struct fenced_writer_config writing;
	char id[512];
	struct property *consumer; /* that of the configuration behind our own */
	struct arena *arena, *scratch, *committing, *answers;
	struct lead_context shared;
	uint64_t assignments;
	bool is_outdated;    /* another version of sluice leads */
	struct retry retry;  /* of the group and the writer */
	int64_t silent_ms;   /* when Kafka was last silent, by clock_ms() */
	int64_t begun_ms;    /* since when a transaction is open; 0: none is */
	int64_t committed_ms;
};

/* ---- failures ---- */

static void retry_later(const struct outcome_service *service, struct retry *retry, const char *what, const struct error *error)
{
	retry->delay_ms = retry->delay_ms == 0 ? RETRY_MS : 2 * retry->delay_ms;
	if (retry->delay_ms > RETRY_MOST_MS)
		retry->delay_ms = RETRY_MOST_MS;
	retry->until_ms = clock_ms() + retry->delay_ms;
	if (error->kind != ERROR_NONE && !service_thread_is_stopping(&service->thread) && failure_is_news(&retry->last, error))
		log_say(service->config.log, LOG_LEVEL_WARN, NULL, "%s now: %s; it tries again", what, error->text);
}

static void pipeline_retry_later(const struct outcome_service *service, const struct served_pipeline *pipeline, struct retry *retry,
				 bool follows, const struct error *error)
{
	char words[ERROR_TEXT_MAX];
	(void)snprintf(words, sizeof words, "%s of pipeline `%.200s` are not %s", follows ? "policies" : "outcomes",
		       pipeline->plan->graph->name, follows ? "followed" : "joined");
	retry_later(service, retry, words, error);
}

/* ---- clients ---- */

static void leads_end(struct outcome_service *service)
{
	for (size_t i = 0; i < service->count; i++)
		outcome_lead_end(service->pipelines[i].lead);
	fenced_writer_close(service->shared.writer);
	service->shared.writer = NULL;
	service->shared.writer_failed = false;
	service->shared.added = service->shared.added_bytes = 0;
	service->begun_ms = 0;
}

static void group_leave(struct outcome_service *service)
{
	lead_group_close(service->shared.group);
	service->shared.group = NULL;
}

static void reader_close(struct outcome_service *service)
{
	stream_reader_close(service->shared.reader);
	service->shared.reader = NULL;
}

/* Makes the topics of all pipelines known to the reader. */
static bool topics_know(struct outcome_service *service, struct error *error)
{
	static const enum topic_role roles[] = {TOPIC_EXPOSURES, TOPIC_FEEDBACK, TOPIC_OUTPUTS, TOPIC_OUTCOMES, TOPIC_POLICY};
	const char **topics = memory_take(service->count * (sizeof roles / sizeof *roles), sizeof *topics);
	size_t count = 0;
	for (size_t i = 0; topics && i < service->count; i++)
		for (size_t j = 0; j < sizeof roles / sizeof *roles; j++)
			if ((topics[count] = plan_topic_of(service->pipelines[i].plan, roles[j])))
				count++;
	const bool good = topics ? stream_reader_know(service->shared.reader, topics, count, error)
				 : error_memory(error, ERROR_SYSTEM, "joining outcomes");
	memory_give(topics);
	return good;
}

static bool reader_open(struct outcome_service *service, struct error *error)
{
	if (service->shared.reader)
		return true;
	service->shared.reader = stream_reader_open(&service->reading, error);
	service->silent_ms = clock_ms();
	if (service->shared.reader && topics_know(service, error))
		return true;
	reader_close(service);
	return false;
}

static bool writer_open(struct outcome_service *service, struct error *error)
{
	if (!service->shared.writer)
		service->shared.writer = fenced_writer_open(&service->writing, error);
	return service->shared.writer;
}

/* Whether what was read to its end now was so a while ago: Kafka has answered meanwhile. */
static void answers_note(struct outcome_service *service)
{
	if (stream_reader_silent_ms(service->shared.reader) > ANSWER_MS)
		service->silent_ms = clock_ms();
	service->shared.is_answered = clock_ms() - service->silent_ms >= FEED_QUIET_MS;
}

/* ---- commits ---- */

static bool any_is_changed(const struct outcome_service *service)
{
	for (size_t i = 0; i < service->count; i++)
		if (outcome_lead_is_changed(service->pipelines[i].lead))
			return true;
	return false;
}

/* Positions of those that have changed; where only readers have written, of any one: by positions Kafka knows who writes. */
static const struct fenced_position *positions_of(struct outcome_service *service, size_t *count)
{
	const bool any = any_is_changed(service);
	size_t room = 0;
	*count = 0;
	arena_reset(service->committing);
	for (size_t i = 0; i < service->count; i++)
		room += outcome_lead_position_count(service->pipelines[i].lead);
	struct fenced_position *positions = ARENA_ARRAY(service->committing, struct fenced_position, room + 1);
	for (size_t i = 0; positions && i < service->count && (any || *count == 0); i++) {
		const struct outcome_lead *lead = service->pipelines[i].lead;
		if (any ? !outcome_lead_is_changed(lead) : !outcome_lead_joins(lead))
			continue;
		if (!outcome_lead_positions(lead, positions + *count, service->committing))
			return NULL;
		*count += outcome_lead_position_count(lead);
	}
	return positions;
}

static bool commit(struct outcome_service *service, struct error *error)
{
	struct lead_context *shared = &service->shared;
	size_t count;
	const struct fenced_position *positions = positions_of(service, &count);
	if (!positions)
		return error_memory(error, ERROR_SYSTEM, "committing outcomes");
	const bool good = service->config.alone ? fenced_writer_commit(shared->writer, NULL, 0, NULL, error) &&
							  lead_group_commit(shared->group, positions, count, error)
						: fenced_writer_commit(shared->writer, positions, count, shared->group, error);
	if (!good)
		return false;
	for (size_t i = 0; i < service->count; i++)
		if (outcome_lead_is_changed(service->pipelines[i].lead))
			outcome_lead_committed(service->pipelines[i].lead);
	shared->added = shared->added_bytes = 0;
	service->begun_ms = 0;
	service->committed_ms = clock_ms();
	service->retry = (struct retry){0};
	return true;
}

/* `at_once`: as before leads end. */
static bool commit_if_due(struct outcome_service *service, bool at_once, struct error *error)
{
	const struct lead_context *shared = &service->shared;
	const int64_t now_ms = clock_ms();
	const bool is_open = shared->writer && fenced_writer_is_open(shared->writer);
	if (is_open && service->begun_ms == 0)
		service->begun_ms = now_ms;
	const bool is_due = is_open ? at_once || now_ms - service->begun_ms >= COMMIT_MS || shared->added >= COMMIT_RECORDS ||
					      shared->added_bytes >= COMMIT_BYTES
				    : (at_once || now_ms - service->committed_ms >= POSITIONS_MS) && any_is_changed(service);
	return !is_due || commit(service, error);
}

/* ---- plans ---- */

static void pipelines_close(struct outcome_service *service)
{
	struct error ignored = {0};
	if (service->shared.writer && !service->shared.writer_failed)
		(void)commit_if_due(service, true, &ignored);
	leads_end(service);
	for (size_t i = 0; i < service->count; i++) {
		outcome_lead_close(service->pipelines[i].lead);
		policy_follow_close(service->pipelines[i].policies);
	}
	memory_give(service->pipelines);
	memory_give(service->topics);
	memory_give(service->led);
	service->pipelines = NULL;
	service->topics = service->led = NULL;
	service->count = 0;
}

/* One that cannot be led is left out. */
static void pipeline_open(struct outcome_service *service, const struct pipeline_plan *plan)
{
	struct error error = {0};
	const char *outcomes = plan_topic_of(plan, TOPIC_OUTCOMES), *policies = plan_topic_of(plan, TOPIC_POLICY);
	const struct policy_follow_config following = {.pipeline = plan,
						       .board = service->config.policies,
						       .arena = service->arena,
						       .log = service->config.log,
						       .stopping = &service->thread.stopping};
	struct served_pipeline pipeline = {.plan = plan, .policies = policies ? policy_follow_open(&following, &error) : NULL};
	if (!policies || pipeline.policies)
		pipeline.lead = outcome_lead_open(&service->shared, plan, 2 * service->count, pipeline.policies, &error);
	if (!pipeline.lead) {
		log_say(service->config.log, LOG_LEVEL_ERROR, NULL, "outcomes are not joined: %s", error.text);
		policy_follow_close(pipeline.policies);
		return;
	}
	service->topics[2 * service->count] = outcomes;
	service->topics[2 * service->count + 1] = policies ? policies : outcomes;
	service->led[service->count] = outcomes;
	service->pipelines[service->count++] = pipeline;
}

static bool plan_serves(const struct outcome_service *service, const struct pipeline_plan *pipeline)
{
	return strcmp(pipeline->namespace, service->config.namespace) == 0 && plan_topic_of(pipeline, TOPIC_OUTCOMES);
}

static bool pipelines_open(struct outcome_service *service, const struct plan *plan, struct error *error)
{
	size_t count = 0;
	for (size_t i = 0; plan && i < plan->count; i++)
		count += plan_serves(service, &plan->pipelines[i]);
	if (count == 0)
		return true;
	service->pipelines = memory_take(count, sizeof *service->pipelines);
	service->topics = memory_take(2 * count, sizeof *service->topics);
	service->led = memory_take(count, sizeof *service->led);
	if (!service->pipelines || !service->topics || !service->led)
		return error_memory(error, ERROR_SYSTEM, "joining outcomes");
	for (size_t i = 0; i < plan->count; i++)
		if (plan_serves(service, &plan->pipelines[i]))
			pipeline_open(service, &plan->pipelines[i]);
	service->writing.topics = service->topics;
	service->writing.topic_count = 2 * service->count;
	service->grouping.topics = service->led;
	service->grouping.topic_count = service->count;
	const bool is_member = service->shared.group && !service->config.alone && service->count > 0;
	return !is_member || lead_group_follow(service->shared.group, service->led, service->count, error);
}

/* Another plan may be asked for while this one is taken: then this one is not used. */
static bool plan_take(struct outcome_service *service, struct error *error)
{
	const struct plan *plan = atomic_load(&service->asked);
	if (plan == atomic_load(&service->held))
		return true;
	pipelines_close(service);
	atomic_store(&service->held, plan);
	if (atomic_load(&service->asked) != plan)
		return true;
	service->retry = (struct retry){0};
	service->is_outdated = false;
	reader_close(service);
	if (!pipelines_open(service, plan, error))
		return false;
	if (service->count == 0)
		group_leave(service);
	return true;
}

/* ---- leading ---- */

/* Ends all leads if pipelines are assigned anew. What was read is committed before, where Kafka still takes it: else it is the next
 * leader's. */
static bool group_look(struct outcome_service *service, struct error *error)
{
	struct lead_context *shared = &service->shared;
	if (!shared->group) {
		shared->group = lead_group_open(&service->grouping, error);
		service->assignments = 0;
	}
	if (!shared->group || !lead_group_look(shared->group, error)) {
		group_leave(service);
		return false;
	}
	bool is_over = lead_group_is_leaving(shared->group);
	if (is_over && !commit_if_due(service, true, error))
		return false;
	is_over |= lead_group_assignments(shared->group) != service->assignments;
	service->assignments = lead_group_assignments(shared->group);
	for (size_t i = 0; i < service->count; i++)
		is_over |= outcome_lead_leads(service->pipelines[i].lead) &&
			   !lead_group_leads(shared->group, outcome_lead_topic(service->pipelines[i].lead));
	if (is_over)
		leads_end(service);
	return true;
}

static bool may_begin(const struct outcome_service *service, const struct served_pipeline *pipeline)
{
	return !outcome_lead_leads(pipeline->lead) && clock_ms() >= pipeline->leading.until_ms &&
	       !lead_group_is_leaving(service->shared.group) &&
	       lead_group_leads(service->shared.group, outcome_lead_topic(pipeline->lead)) &&
	       (!pipeline->policies || policy_follow_is_current(pipeline->policies));
}

static bool leads_begin(struct outcome_service *service, struct error *error)
{
	for (size_t i = 0; i < service->count; i++) {
		struct served_pipeline *pipeline = &service->pipelines[i];
		if (!may_begin(service, pipeline))
			continue;
		if (!writer_open(service, error))
			return false;
		outcome_lead_begin(pipeline->lead);
	}
	return true;
}

/* What all leads ask is asked together, when each has had its turn. */
static bool leads_ask(struct outcome_service *service, size_t *taken, struct error *error)
{
	size_t all = 0, count = 0, its;
	for (size_t i = 0; i < service->count; i++) {
		(void)outcome_lead_questions(service->pipelines[i].lead, &its);
		all += its;
	}
	if (all == 0) {
		arena_reset(service->answers);
		return true;
	}
	struct group_question **asked = memory_take(all, sizeof *asked);
	for (size_t i = 0; asked && i < service->count; i++) {
		struct group_question *questions = outcome_lead_questions(service->pipelines[i].lead, &its);
		for (size_t j = 0; j < its; j++)
			if (!questions[j].is_answered && questions[j].error.kind == ERROR_NONE)
				asked[count++] = &questions[j];
	}
	if (count > 0)
		lead_group_ask(service->shared.group, asked, count, service->answers);
	*taken += all; /* the leads go on */
	const bool good = asked;
	memory_give(asked);
	return good || error_memory(error, ERROR_SYSTEM, "joining outcomes");
}

/* What one has read and written is committed before it ends. */
static bool lead_give_up(struct outcome_service *service, struct served_pipeline *pipeline, struct error *own, struct error *error)
{
	if (service->shared.writer_failed) {
		*error = *own;
		return false;
	}
	service->is_outdated |= own->kind == ERROR_LIMIT;
	pipeline_retry_later(service, pipeline, &pipeline->leading, false, own);
	if (!commit_if_due(service, true, error))
		return false;
	outcome_lead_end(pipeline->lead);
	return true;
}

static bool leads_turn(struct outcome_service *service, size_t *taken, struct error *error)
{
	size_t count = 0;
	for (size_t i = 0; i < service->count; i++)
		count += outcome_lead_leads(service->pipelines[i].lead);
	for (size_t i = 0; i < service->count; i++) {
		struct served_pipeline *pipeline = &service->pipelines[i];
		struct error own = {0};
		size_t its = 0;
		if (!outcome_lead_leads(pipeline->lead))
			continue;
		if (!outcome_lead_turn(pipeline->lead, TURN_RECORDS / count + 1, &its, &own) &&
		    !lead_give_up(service, pipeline, &own, error))
			return false;
		if (outcome_lead_joins(pipeline->lead))
			pipeline->leading = (struct retry){.last = pipeline->leading.last};
		*taken += its;
	}
	return true;
}

static bool leading_turn(struct outcome_service *service, size_t *taken, struct error *error)
{
	if (!group_look(service, error) || !leads_begin(service, error) || !leads_turn(service, taken, error) ||
	    !leads_ask(service, taken, error) || !commit_if_due(service, false, error))
		return false;
	if (service->is_outdated) {
		leads_end(service);
		group_leave(service);
	}
	return true;
}

/* ---- the thread ---- */

static void policies_turn(struct outcome_service *service)
{
	for (size_t i = 0; i < service->count; i++) {
		struct served_pipeline *pipeline = &service->pipelines[i];
		struct error error = {0};
		if (!pipeline->policies || clock_ms() < pipeline->following.until_ms)
			continue;
		if (policy_follow_turn(pipeline->policies, service->shared.reader, &error))
			pipeline->following.delay_ms = 0;
		else
			pipeline_retry_later(service, pipeline, &pipeline->following, true, &error);
	}
}

static bool any_reads(const struct outcome_service *service)
{
	for (size_t i = 0; i < service->count; i++)
		if (outcome_lead_leads(service->pipelines[i].lead) ||
		    (service->pipelines[i].policies && policy_follow_is_current(service->pipelines[i].policies)))
			return true;
	return false;
}

/* Until the open transaction is due. */
static int service_wait_ms(const struct outcome_service *service)
{
	const int64_t left_ms = service->begun_ms + COMMIT_MS - clock_ms();
	return service->begun_ms == 0 || left_ms > IDLE_MS ? IDLE_MS : left_ms < 0 ? 0 : (int)left_ms;
}

static void service_turn(struct outcome_service *service)
{
	struct error error = {0};
	size_t taken = 0;
	const bool has_plan = plan_take(service, &error);
	if (has_plan && service->count == 0) {
		service_thread_rest(&service->thread, IDLE_MS);
		return;
	}
	bool good = has_plan && reader_open(service, &error);
	if (good) {
		answers_note(service);
		policies_turn(service);
		for (size_t i = 0; i < service->count; i++)
			tallies_announce(service->pipelines[i].plan, service->config.rollouts);
	}
	if (good && !service->is_outdated && clock_ms() >= service->retry.until_ms)
		good = leading_turn(service, &taken, &error);
	if (!good) {
		leads_end(service);
		retry_later(service, &service->retry, "outcomes are not joined", &error);
	}
	if (taken > 0)
		return;
	if (good && any_reads(service))
		(void)stream_reader_wait(service->shared.reader, service_wait_ms(service));
	else
		service_thread_rest(&service->thread, IDLE_MS);
}

static void *service_run(void *context)
{
	struct outcome_service *service = context;
	while (!service_thread_is_stopping(&service->thread))
		service_turn(service);
	pipelines_close(service);
	group_leave(service);
	reader_close(service);
	service_thread_end(&service->thread);
	return NULL;
}

/* ---- opening and closing ---- */

/* Of all leads together little is to be read ahead: each partition has a queue of its own. An idle fetch of all of them waits long,
 * whatever users set for the fetches of steps: it costs most with a broker in this process, which looks at each partition. */
static bool clients_configure(struct outcome_service *service)
{
	static const struct property own[] = {{"queued.min.messages", "2000"}, {"queued.max.messages.kbytes", "1024"}};
	const size_t own_count = sizeof own / sizeof *own;
	const struct properties users = service->config.consumer;
	const size_t count = own_count + users.count + 1;
	service->consumer = memory_take(count, sizeof *service->consumer);
	if (!service->consumer)
		return false;
	memcpy(service->consumer, own, sizeof own);
	if (users.count > 0)
		memcpy(service->consumer + own_count, users.items, users.count * sizeof *users.items);
	service->consumer[count - 1] =
		(struct property){"fetch.wait.max.ms", service->config.alone ? ALONE_FETCH_MS : IDLE_FETCH_MS};
	service->reading = (struct reader_config){.brokers = service->config.brokers,
						  .is_watched = true,
						  .watch_ms = WATCH_MS,
						  .properties = {count, service->consumer},
						  .stopping = &service->thread.stopping};
	service->grouping = (struct lead_group_config){.brokers = service->config.brokers,
						       .group = service->config.group,
						       .instance = service->config.alone ? NULL : service->config.instance,
						       .alone = service->config.alone,
						       .properties = users};
	(void)snprintf(service->id, sizeof service->id, "%s.%s", service->config.group, service->config.instance);
	service->writing = (struct fenced_writer_config){.brokers = service->config.brokers,
							 .id = service->id,
							 .properties = service->config.producer,
							 .stopping = &service->thread.stopping};
	return true;
}

/* All but the thread. */
static bool service_make(struct outcome_service *service)
{
	const struct outcome_service_config *config = &service->config;
	service->arena = arena_open(RECORD_ARENA_BYTES);
	service->scratch = arena_open(RECORD_ARENA_BYTES);
	service->committing = arena_open(RECORD_ARENA_BYTES);
	service->answers = arena_open(RECORD_ARENA_BYTES);
	service->shared = (struct lead_context){.hold_ms = config->hold_ms > 0 ? config->hold_ms : FEED_HOLD_MS,
						.memory_bytes = config->memory_bytes,
						.policies = config->policies,
						.rollouts = config->rollouts,
						.series = config->series,
						.arena = service->arena,
						.scratch = service->scratch,
						.log = config->log,
						.stopping = &service->thread.stopping};
	return service->arena && service->scratch && service->committing && service->answers && clients_configure(service);
}

static void service_free(struct outcome_service *service)
{
	arena_close(service->arena);
	arena_close(service->scratch);
	arena_close(service->committing);
	arena_close(service->answers);
	memory_give(service->consumer);
	memory_give(service);
}

struct outcome_service *outcome_service_open(const struct outcome_service_config *config, struct error *error)
{
	assert(config->brokers && config->group && config->instance && config->namespace && config->policies && config->rollouts);
	struct outcome_service *service = memory_take(1, sizeof *service);
	if (!service) {
		error_memory(error, ERROR_SYSTEM, "joining outcomes");
		return NULL;
	}
	service->config = *config;
	if (config->memory_bytes == 0 || config->memory_bytes > OUTCOME_MEMORY_BYTES)
		service->config.memory_bytes = OUTCOME_MEMORY_BYTES;
	else if (config->memory_bytes < JOIN_MEMORY_LEAST)
		service->config.memory_bytes = JOIN_MEMORY_LEAST;
	if (service_make(service) && service_thread_begin(&service->thread, service_run, service))
		return service;
	error_set(error, ERROR_SYSTEM, PLACE_NONE,
		  "a thread that joins outcomes could not be started; raise the limits on threads and memory");
	service_free(service);
	return NULL;
}

void outcome_service_follow(struct outcome_service *service, const struct plan *plan)
{
	atomic_store(&service->asked, plan);
}

bool outcome_service_holds(const struct outcome_service *service, const struct plan *plan)
{
	return atomic_load(&service->asked) == plan || atomic_load(&service->held) == plan;
}

void outcome_service_stop(struct outcome_service *service)
{
	service_thread_stop(&service->thread);
}

void outcome_service_close(struct outcome_service *service)
{
	if (!service)
		return;
	service_thread_join(&service->thread);
	service_free(service);
}
