/* answer_recovery.c: see answer_recovery.h. A lock is held over the list alone, and never while Kafka is waited for. What a pass
 * reads is in arenas of the thread's own. */
#include "engine/learn/answer_recovery.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

#include "base/clock.h"
#include "base/number/duration.h"
#include "base/memory.h"
#include "experiments/outcomes/feedback_value.h"
#include "experiments/outcomes/wanted_answers.h"
#include "kafka/consume/reader.h"
#include "message/formats/answer_decode.h"
#include "message/records/record_payload.h"
#include "message/records/reply.h"
#include "message/rows.h"
#include "observe/repeated_failure.h"
#include "engine/learn/computed_feedback.h"
#include "engine/run/service_thread.h"

#define IDLE_MS 200
#define PAUSE_MS 2000	 /* between two passes: what comes due in the meantime is read together */
#define RETRY_MS 10000	 /* after a failure */
#define PACE_RECORDS 500 /* between two looks at the clock */
#define PASS_ARENA_BYTES ((size_t)128 << 20)
#define PARTS_ARENA_BYTES ((size_t)64 << 20) /* of the requests of a pass: what does not fit is left to another one */
#define RECORD_ARENA_BYTES ((size_t)64 << 20)

static_assert(WANTED_METRICS >= FEEDBACK_METRICS_COUNTED, "each metric has a bit");

/* Which records the metrics need. */
struct needed_records {
	bool answers, requests, exposures;
};

/* What a pass has found of an item. */
struct found_parts {
	struct record request; /* `value.bytes` NULL: it is not found */
	double latency_ms;     /* NaN: likewise */
	bool is_done;
};

/* The thread, and what all who share it have told it. */
struct recovery_passes {
	const struct answer_recovery_config *config;
	struct service_thread thread;
	pthread_mutex_t lock; /* of the next three, and of what members have read */
	struct wanted_answers *wanted;
	struct answer_recovery *members;
	bool refusal_is_logged;

	/* Of the thread: */
	struct needed_records needs;
	struct arena *pass_arena, *parts_arena, *arena; /* `arena`: of one record */
	struct wanted_pass pass;
	int64_t read_ms;		    /* as it began: a member that comes meanwhile has read nothing */
	struct found_parts *parts;	    /* of each item of the pass */
	size_t found;			    /* items of it, in the topic that is being read */
	struct computed_feedback *computed; /* NULL: it is not open yet */
	struct computed_feedback_config computed_config;
	uint64_t values; /* that this pass has written */
	uint64_t recovered[FEEDBACK_METRICS_COUNTED]; /* of each metric, as the next: values that are written */
	uint64_t unjudged[FEEDBACK_METRICS_COUNTED];  /* answers that have not what it names */
	struct policy_losses told[FEEDBACK_METRICS_COUNTED];
	struct error last_logged;
};

/* Somebody who shares it. */
struct answer_recovery {
	struct answer_recovery *next;
	struct shared_recovery *shared;
	struct recovery_passes *passes;
	int64_t read_ms;	 /* INT64_MAX: it reads nothing */
	struct arena *key_arena; /* of one key */
};

/* ---- what members tell ---- */

void answer_recovery_expose(struct answer_recovery *member, const struct exposure *exposure, const struct record *record)
{
	if (!member)
		return;
	pthread_mutex_lock(&member->passes->lock);
	wanted_answers_expose(member->passes->wanted, exposure->time_ms, record->time_ms);
	pthread_mutex_unlock(&member->passes->lock);
}

/* Metrics that the feedback has by itself. */
static unsigned metrics_given(const struct recovery_passes *recovery, const struct feedback *feedback)
{
	unsigned given = 0;
	for (size_t i = 0; i < recovery->config->metric_count; i++)
		given |= (unsigned)(feedback_value_given(feedback, recovery->config->metrics[i]) != NULL) << i;
	return given;
}

/* Metrics that engines should compute by the feedback, for the exposure that lacks them. */
static unsigned metrics_lacking(const struct recovery_passes *recovery, const struct feedback *feedback, int64_t time_ms,
				struct recovery_join join, struct lacking_exposure *found)
{
	unsigned lacking = 0;
	for (size_t i = 0; i < recovery->config->metric_count; i++) {
		const struct pipeline_metric *metric = recovery->config->metrics[i];
		if (feedback_value_is_due(feedback, metric) && !feedback_value_given(feedback, metric) &&
		    join.lacks(join.context, feedback, time_ms, metric->spec.name.text, found))
			lacking |= 1U << i;
	}
	return lacking;
}

static void refusal_log(struct recovery_passes *recovery)
{
	if (recovery->refusal_is_logged || wanted_answers_refused(recovery->wanted) == 0)
		return;
	recovery->refusal_is_logged = true;
	log_say(recovery->config->log, LOG_LEVEL_WARN, NULL,
		"%s: feedback on more than %zu answers, or %zu MiB of it, waits for metrics that no engine has computed; the "
		"metrics are not computed for what comes beyond. Send feedback again later, within the outcomeWindow",
		recovery->config->graph->name, WANTED_MAX, WANTED_BYTES >> 20);
}

void answer_recovery_feedback(struct answer_recovery *member, const struct feedback *feedback, const struct held_record *held,
			      struct recovery_join join)
{
	struct lacking_exposure found = {0};
	if (!member || (feedback->id.length == 0 && feedback->origin.topic.length == 0))
		return;
	struct recovery_passes *recovery = member->passes;
	arena_reset(member->key_arena);
	const struct text name = feedback_key(feedback, member->key_arena);
	const unsigned given = metrics_given(recovery, feedback);
	const unsigned lacking =
		feedback_is_computed(feedback) ? 0 : metrics_lacking(recovery, feedback, held->time_ms, join, &found);
	if (!name.bytes || (given | lacking) == 0)
		return;
	const struct wanted_answer answer = {.name = name,
					     .feedback = held->value,
					     .written_ms = held->time_ms,
					     .variant = found.variant,
					     .exposed_ms = found.request.exposed_ms,
					     .until_ms = found.request.exposed_ms + MS_PER_S + found.window_ms,
					     .metrics = lacking};
	pthread_mutex_lock(&recovery->lock);
	if (given != 0)
		wanted_answers_settle(recovery->wanted, name, given);
	if (lacking != 0)
		wanted_answers_add(recovery->wanted, &answer);
	refusal_log(recovery);
	pthread_mutex_unlock(&recovery->lock);
}

void answer_recovery_pass(struct answer_recovery *member, int64_t read_ms)
{
	if (!member)
		return;
	pthread_mutex_lock(&member->passes->lock);
	member->read_ms = read_ms;
	pthread_mutex_unlock(&member->passes->lock);
}

/* What the slowest member has read, under the lock. 0: nobody reads. */
static int64_t members_read_ms(const struct recovery_passes *recovery)
{
	int64_t read_ms = INT64_MAX;
	for (const struct answer_recovery *member = recovery->members; member; member = member->next)
		read_ms = member->read_ms < read_ms ? member->read_ms : read_ms;
	return read_ms < INT64_MAX ? read_ms : 0;
}

/* ---- values ---- */

/* The request as the engine had it, as far as the metrics name it. False: it cannot be read. */
static bool request_of(const struct recovery_passes *recovery, const struct wanted_answer *item, const struct found_parts *parts,
		       struct message *message)
{
	const struct record *record = &parts->request;
	struct record_payload made;
	struct error wrong = {0};
	*message = (struct message){.arena = recovery->arena, .id = item->name, .time_ms = item->exposed_ms};
	if (!record->value.bytes)
		return !recovery->needs.requests;
	if (!record_payload_decode(record->headers, record->value, record->time_ms, recovery->config->graph->mapping, NULL,
				   recovery->arena, &made, &wrong))
		return false;
	message->payload = made.payload;
	message->time_ms = made.time_ms;
	message->key = record->key;
	message->headers = record->headers;
	return true;
}

static bool computed_start(struct recovery_passes *recovery, struct error *error)
{
	const struct answer_recovery_config *config = recovery->config;
	recovery->computed_config = (struct computed_feedback_config){
		.brokers = config->brokers, .producer = config->producer, .feedback = config->feedback, .log = config->log};
	if (!recovery->computed)
		recovery->computed = computed_feedback_open(&recovery->computed_config, error);
	return recovery->computed;
}

/* The item is over, whether its metrics have values or not: another reading would find the same. */
static void item_judge(struct recovery_passes *recovery, const struct wanted_answer *item, struct judged_answer *judged)
{
	struct feedback feedback;
	struct error wrong = {0};
	struct feedback_metric values[FEEDBACK_METRICS_COUNTED];
	size_t count = 0;
	pthread_mutex_lock(&recovery->lock);
	const unsigned metrics = wanted_answers_claim(recovery->wanted, item);
	pthread_mutex_unlock(&recovery->lock);
	if (metrics == 0 || !feedback_decode(item->feedback, recovery->arena, &feedback, &wrong))
		return;
	for (size_t i = 0; i < recovery->config->metric_count; i++) {
		const struct pipeline_metric *metric = recovery->config->metrics[i];
		struct judged_value value;
		if (!(metrics & 1U << i))
			continue;
		const double mean = feedback_value_evaluate(metric, judged, &feedback, recovery->arena, &value)
					    ? feedback_value_mean(&value)
					    : (double)NAN;
		if (isfinite(mean))
			values[count++] = (struct feedback_metric){text_of(metric->spec.name.text), mean};
		(isfinite(mean) ? recovery->recovered : recovery->unjudged)[i]++;
	}
	if (feedback.time_ms == 0)
		feedback.time_ms = item->written_ms;
	if (count > 0)
		computed_feedback_write(recovery->computed, &feedback, values, count);
	recovery->values += count;
}

/* Judges all items of a request by an answer of it, for which all else is there. */
static void items_judge(struct recovery_passes *recovery, struct wanted_answer *items, size_t count, const struct payload *answer)
{
	for (size_t i = 0; i < count; i++) {
		struct wanted_answer *item = &items[i];
		struct found_parts *parts = &recovery->parts[item - recovery->pass.items];
		struct message message;
		if (parts->is_done || (recovery->needs.exposures && isnan(parts->latency_ms)) ||
		    !request_of(recovery, item, parts, &message))
			continue;
		struct judged_answer judged = {.message = &message,
					       .answer = answer,
					       .pipeline = recovery->config->graph->name,
					       .variant = text_of(item->variant),
					       .latency_ms = parts->latency_ms};
		item_judge(recovery, item, &judged);
		parts->is_done = true;
		recovery->found++;
	}
}

/* ---- a pass ---- */

struct span_scan {
	struct recovery_passes *recovery;
	bool (*take)(struct recovery_passes *recovery, const struct record *record, struct error *error);
	int64_t began_ms;
	int64_t records;
};

/* Keeps to RECOVERY_RECORDS_S. */
static void scan_pace(struct span_scan *scan)
{
	if (++scan->records % PACE_RECORDS != 0)
		return;
	const int64_t due_ms = scan->began_ms + scan->records * MS_PER_S / RECOVERY_RECORDS_S;
	while (service_thread_nap(&scan->recovery->thread, due_ms))
		;
}

/* Records come in the order of their times. */
static bool scan_take(void *context, const struct record *record, struct error *error)
{
	struct span_scan *scan = context;
	struct recovery_passes *recovery = scan->recovery;
	if (record->time_ms > recovery->pass.to_ms || recovery->found == recovery->pass.count)
		return false;
	scan_pace(scan);
	arena_reset(recovery->arena);
	return !record->value.bytes || scan->take(recovery, record, error);
}

/* False: a failure. */
static bool span_read(struct recovery_passes *recovery, const char *topic,
		      bool (*take)(struct recovery_passes *recovery, const struct record *record, struct error *error),
		      struct error *error)
{
	const struct reader_config config = {.brokers = recovery->config->brokers,
					     .topic = topic,
					     .from_time = true,
					     .time_ms = recovery->pass.from_ms,
					     .by_time = true,
					     .stopping = &recovery->thread.stopping,
					     .properties = recovery->config->consumer};
	struct span_scan scan = {.recovery = recovery, .take = take, .began_ms = clock_ms()};
	recovery->found = 0;
	return topic_give_all(&config, scan_take, &scan, error) || error->kind == ERROR_NONE;
}

static bool exposure_take(struct recovery_passes *recovery, const struct record *record, struct error *error)
{
	struct exposure exposure;
	struct error wrong = {0};
	size_t count;
	(void)error;
	if (!exposure_decode(record->value, recovery->arena, &exposure, &wrong))
		return true;
	const struct wanted_answer *items = wanted_pass_find(&recovery->pass, exposure.id, &count);
	struct found_parts *parts = items ? &recovery->parts[items - recovery->pass.items] : NULL;
	if (!parts || !isnan(parts->latency_ms))
		return true;
	for (size_t i = 0; i < count; i++)
		parts[i].latency_ms = exposure.latency_ms;
	recovery->found += isnan(exposure.latency_ms) ? 0 : count;
	return true;
}

/* The first record of a request that has such a name; its items share a copy. */
static bool request_take(struct recovery_passes *recovery, const struct record *record, struct error *error)
{
	const struct feedback origin = {.origin = {text_of(recovery->config->inputs), record->partition, record->offset}};
	struct record copy = *record;
	struct record_payload made;
	struct error wrong = {0};
	size_t count;
	if (!record_headers(record, recovery->arena, &copy.headers, error))
		return false;
	if (!record_payload_decode(copy.headers, record->value, record->time_ms, recovery->config->graph->mapping, NULL,
				   recovery->arena, &made, &wrong))
		return true;
	const struct text name = made.id.length > 0 ? made.id : feedback_key(&origin, recovery->arena);
	const struct wanted_answer *items = wanted_pass_find(&recovery->pass, name, &count);
	struct found_parts *parts = items ? &recovery->parts[items - recovery->pass.items] : NULL;
	if (!parts || parts->request.value.bytes)
		return true;
	copy.held = NULL;
	copy.key = text_copied(recovery->parts_arena, record->key);
	copy.value = text_copied(recovery->parts_arena, record->value);
	copy.headers = headers_copied(recovery->parts_arena, copy.headers);
	for (size_t i = 0; i < count && !arena_failed(recovery->parts_arena); i++)
		parts[i].request = copy;
	recovery->found += count;
	return !arena_failed(recovery->parts_arena);
}

static bool answer_take(struct recovery_passes *recovery, const struct record *record, struct error *error)
{
	struct headers headers;
	struct decoded_answer answer;
	struct error wrong = {0};
	size_t count;
	if (!record_headers(record, recovery->arena, &headers, error))
		return false;
	if (!answer_decode(headers, record->value, NULL, recovery->arena, &answer, &wrong) || !answer.readable)
		return true;
	const struct text name = answer_request_id(&answer, headers, recovery->arena);
	struct wanted_answer *items = wanted_pass_find(&recovery->pass, name, &count);
	if (items)
		items_judge(recovery, items, count, &answer.payload);
	return true;
}

/* Metrics that name nothing of the answer. */
static void unanswered_judge(struct recovery_passes *recovery)
{
	static const struct payload nothing = {0};
	recovery->found = 0;
	for (size_t i = 0; i < recovery->pass.count; i++) {
		arena_reset(recovery->arena);
		items_judge(recovery, &recovery->pass.items[i], 1, &nothing);
	}
}

static bool parts_begin(struct recovery_passes *recovery, struct error *error)
{
	arena_reset(recovery->parts_arena);
	recovery->parts = ARENA_ARRAY(recovery->parts_arena, struct found_parts, recovery->pass.count);
	for (size_t i = 0; recovery->parts && i < recovery->pass.count; i++)
		recovery->parts[i] = (struct found_parts){.latency_ms = (double)NAN};
	recovery->found = 0;
	recovery->values = 0;
	return recovery->parts || error_memory(error, ERROR_SYSTEM, "reading answers again");
}

/* False: a failure; the pass is tried again. */
static bool pass_read(struct recovery_passes *recovery, struct error *error)
{
	const struct answer_recovery_config *config = recovery->config;
	const struct needed_records *needs = &recovery->needs;
	if (!computed_start(recovery, error) || !parts_begin(recovery, error) ||
	    (needs->exposures && !span_read(recovery, config->exposures, exposure_take, error)) ||
	    (needs->requests && !span_read(recovery, config->inputs, request_take, error)))
		return false;
	if (needs->answers)
		return span_read(recovery, config->outputs, answer_take, error);
	unanswered_judge(recovery);
	return true;
}

static void pass_log(const struct recovery_passes *recovery)
{
	if (recovery->values > 0)
		log_say(recovery->config->log, LOG_LEVEL_INFO, NULL,
			"%s: %" PRIu64
			" values of metrics of truth and reward are computed from the topics, for %zu answers of engines "
			"that were stopped",
			recovery->config->graph->name, recovery->values, recovery->found);
}

/* ---- counts ---- */

/* Tells them for all bandits of the pipeline that learn by the metric. */
static void metric_tell(const struct recovery_passes *recovery, const char *metric, const struct policy_losses *more)
{
	const struct graph *graph = recovery->config->graph;
	for (size_t i = 0; i < graph->reachable_count; i++) {
		const struct graph_experiment *experiment = graph->reachable[i];
		if (!experiment->learns || !strings_equal(experiment->spec->bandits.reward_metric, metric))
			continue;
		struct policy_entry *entry = policy_board_entry(recovery->config->board, graph->name, experiment->name);
		if (entry)
			policy_entry_lose(entry, more);
	}
}

static void counts_tell(struct recovery_passes *recovery)
{
	for (size_t i = 0; i < recovery->config->metric_count; i++) {
		struct policy_losses *told = &recovery->told[i];
		pthread_mutex_lock(&recovery->lock);
		const uint64_t lost = recovery->unjudged[i] + wanted_answers_lost(recovery->wanted, (unsigned)i);
		pthread_mutex_unlock(&recovery->lock);
		const struct policy_losses more = {.recovered = recovery->recovered[i] - told->recovered,
						   .unrecovered = lost - told->unrecovered};
		if (more.recovered + more.unrecovered > 0)
			metric_tell(recovery, recovery->config->metrics[i]->spec.name.text, &more);
		*told = (struct policy_losses){.recovered = recovery->recovered[i], .unrecovered = lost};
	}
}

/* ---- the thread ---- */

static bool pass_begin(struct recovery_passes *recovery)
{
	arena_reset(recovery->pass_arena);
	pthread_mutex_lock(&recovery->lock);
	recovery->read_ms = members_read_ms(recovery);
	const bool any = wanted_pass_begin(recovery->wanted, recovery->read_ms, recovery->pass_arena, &recovery->pass);
	pthread_mutex_unlock(&recovery->lock);
	return any;
}

/* Whatever a stop has cut short is left to another leader. */
static void pass_end(struct recovery_passes *recovery)
{
	computed_feedback_turn(recovery->computed);
	pass_log(recovery);
	pthread_mutex_lock(&recovery->lock);
	if (!service_thread_is_stopping(&recovery->thread))
		wanted_pass_end(recovery->wanted, &recovery->pass, recovery->read_ms);
	pthread_mutex_unlock(&recovery->lock);
}

static void failure_log(struct recovery_passes *recovery, const struct error *error)
{
	if (!service_thread_is_stopping(&recovery->thread) && failure_is_news(&recovery->last_logged, error))
		log_say(recovery->config->log, LOG_LEVEL_WARN, NULL,
			"answers of %s are not read again now for metrics of truth and reward: %s; it tries again",
			recovery->config->outputs, error->text);
}

static void *recovery_run(void *context)
{
	struct recovery_passes *recovery = context;
	while (!service_thread_is_stopping(&recovery->thread)) {
		struct error error = {0};
		int64_t rest_ms = IDLE_MS;
		if (recovery->computed)
			computed_feedback_turn(recovery->computed);
		if (pass_begin(recovery)) {
			rest_ms = PAUSE_MS;
			if (pass_read(recovery, &error)) {
				pass_end(recovery);
			} else {
				failure_log(recovery, &error);
				rest_ms = RETRY_MS;
			}
		}
		counts_tell(recovery);
		service_thread_rest(&recovery->thread, rest_ms);
	}
	computed_feedback_close(recovery->computed);
	recovery->computed = NULL;
	service_thread_end(&recovery->thread);
	return NULL;
}

/* ---- opening and closing ---- */

static struct needed_records records_needed(const struct answer_recovery_config *config)
{
	struct needed_records needs = {0};
	for (size_t i = 0; i < config->metric_count; i++) {
		needs.answers |= config->metrics[i]->of_answer;
		needs.requests |= config->metrics[i]->of_request;
		needs.exposures |= config->metrics[i]->of_latency;
	}
	return needs;
}

/* NULL is fine. */
static void passes_close(struct recovery_passes *recovery)
{
	if (!recovery)
		return;
	service_thread_join(&recovery->thread);
	wanted_answers_close(recovery->wanted);
	pthread_mutex_destroy(&recovery->lock);
	arena_close(recovery->pass_arena);
	arena_close(recovery->parts_arena);
	arena_close(recovery->arena);
	memory_give(recovery);
}

static struct recovery_passes *passes_open(const struct answer_recovery_config *config, struct error *error)
{
	assert(config->brokers && config->inputs && config->outputs && config->exposures && config->feedback);
	assert(config->metric_count > 0 && config->metric_count <= FEEDBACK_METRICS_COUNTED);
	struct recovery_passes *recovery = memory_take(1, sizeof *recovery);
	if (!recovery) {
		error_memory(error, ERROR_SYSTEM, "reading answers again");
		return NULL;
	}
	*recovery = (struct recovery_passes){.config = config,
					     .lock = PTHREAD_MUTEX_INITIALIZER,
					     .needs = records_needed(config),
					     .wanted = wanted_answers_open(WANTED_MAX, WANTED_BYTES, error),
					     .pass_arena = arena_open(PASS_ARENA_BYTES),
					     .parts_arena = arena_open(PARTS_ARENA_BYTES),
					     .arena = arena_open(RECORD_ARENA_BYTES)};
	if (recovery->wanted && recovery->pass_arena && recovery->parts_arena && recovery->arena &&
	    service_thread_begin(&recovery->thread, recovery_run, recovery))
		return recovery;
	error_set(error, ERROR_SYSTEM, PLACE_NONE,
		  "a thread that reads answers again could not be started; raise the limits on threads and memory");
	passes_close(recovery);
	return NULL;
}

/* The first member starts the thread. False: SYSTEM. */
static bool member_join(struct answer_recovery *member, struct shared_recovery *shared, struct error *error)
{
	if (!shared->passes)
		shared->passes = passes_open(&shared->config, error);
	if (!shared->passes)
		return false;
	member->passes = shared->passes;
	pthread_mutex_lock(&shared->passes->lock);
	member->next = shared->passes->members;
	shared->passes->members = member;
	pthread_mutex_unlock(&shared->passes->lock);
	return true;
}

struct answer_recovery *answer_recovery_open(struct shared_recovery *shared, struct error *error)
{
	struct answer_recovery *member = memory_take(1, sizeof *member);
	if (member)
		*member = (struct answer_recovery){.shared = shared, .key_arena = arena_open(RECORD_ARENA_BYTES)};
	bool good = (member && member->key_arena) || error_memory(error, ERROR_SYSTEM, "reading answers again");
	pthread_mutex_lock(&shared->lock);
	good = good && member_join(member, shared, error);
	pthread_mutex_unlock(&shared->lock);
	if (good)
		return member;
	answer_recovery_close(member);
	return NULL;
}

/* The last member stops the thread. */
static void member_leave(const struct answer_recovery *member)
{
	struct recovery_passes *recovery = member->passes;
	pthread_mutex_lock(&recovery->lock);
	struct answer_recovery **at = &recovery->members;
	while (*at != member)
		at = &(*at)->next;
	*at = member->next;
	const bool was_last = !recovery->members;
	pthread_mutex_unlock(&recovery->lock);
	if (!was_last)
		return;
	member->shared->passes = NULL;
	passes_close(recovery);
}

void answer_recovery_close(struct answer_recovery *member)
{
	if (!member)
		return;
	pthread_mutex_lock(&member->shared->lock);
	if (member->passes)
		member_leave(member);
	pthread_mutex_unlock(&member->shared->lock);
	arena_close(member->key_arena);
	memory_give(member);
}
