/* keeper_service.c: see keeper_service.h. */
#include "control/keeper/keeper_service.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "control/keeper/confirm_asker.h"
#include "control/keeper/keeper_alerts.h"
#include "control/keeper/move_notices.h"
#include "kafka/produce/best_effort.h"
#include "kafka/produce/fenced_writer.h"
#include "kafka/consume/reader.h"
#include "net/loop.h"
#include "observe/repeated_failure.h"
#include "compiler/plan/plan.h"

#define BEAT_QUEUE_BYTES ((size_t)1 << 20)
#define BEAT_BYTES_MAX ((size_t)64 << 10)
#define KEEPER_NEWEST 100 /* records of `status`: what a keeper that stopped wrote is among them until many reports follow */
#define FAILURES_MAX 2 /* of the keeper at one proposal, which it then refuses */
#define REASONS_KEPT 16 /* of ignored records: the like is not logged again */
#define REASON_SEED 0x5ea50f
#define SPREAD_MS 300 /* candidates that heard the same last beat do not all take the id at once */

struct keeper_service {
	const struct keeper_service_config *config;
	int64_t absent_ms, spread_ms;
	int64_t ahead_ms; /* of the wall clock, before the monotonic one, at the last turn of a term */
	pthread_t thread;
	bool has_thread;
	atomic_bool stopping;
	atomic_bool renews; /* keeper_service_end_term() */
	_Atomic int64_t epoch; /* 0: a candidate */
	int bell;	       /* rung by the readers, and to stop */

	/* Owned by the thread: */
	struct loop *loop;
	struct watch watch;
	struct arena *arena; /* of one beat */
	struct buffer bytes;
	struct best_effort *beats; /* their producer */
	struct reader_config status_config;
	struct reader *status;
	int64_t heard_ms;      /* monotonic; when the last beat was received */
	int64_t heard_epoch;   /* of the newest keeper */
	bool is_vacant;	       /* the keeper said that it stops */
	struct error last_logged; /* last failure that was logged: the same one is not logged again */

	struct move_notices moves;
	struct error unsent;		  /* last reason why a move could not be sent: the same one is not logged again */
	struct error unasked;		  /* the same, of a question */

	struct keeper_alerts_config alerts_config;
	struct keeper_alerts *alerts; /* NULL: nobody sends notices */
	struct document_checker checker;

	/* Of a term: */
	struct keeper *keeper; /* NULL: a candidate */
	struct confirm_asker asker;
	struct fenced_writer *writer;
	struct fenced_writer_config writer_config;
	const char *written[2]; /* topics */
	struct reader_config proposals_config;
	struct reader *proposals;
	int64_t beat_ms;       /* monotonic; of the next beat */
	int64_t seen_ms;       /* monotonic; when the thread last ran */
	uint64_t refused;      /* records that were ignored and looked at */
	uint64_t refused_why[REASONS_KEPT]; /* hashes of the reasons that were logged last; 0: none */
	size_t refused_reasons;
	int64_t failed_offset; /* of the proposal at which a keeper of this engine last failed */
	unsigned failed_count; /* so many times in a row */
};

/* ---- waiting ---- */

static void service_on_bell(void *context, uint32_t events)
{
	struct keeper_service *service = context;
	(void)events;
	(void)bell_quiet(service->bell);
}

static bool service_wait(struct keeper_service *service, int64_t until_ms, struct error *error)
{
	int64_t left_ms = until_ms - clock_ms();
	return loop_turn(service->loop, left_ms <= 0 ? 0 : left_ms > KEEPER_BEAT_MS ? KEEPER_BEAT_MS : (int)left_ms, error);
}

static bool service_is_stopping(struct keeper_service *service)
{
	return atomic_load(&service->stopping);
}

/* ---- beats ---- */

static void beat_send(struct keeper_service *service, bool stops)
{
	const struct ledger *ledger = keeper_ledger(service->keeper);
	const struct control_keeper beat = {.namespace = text_of(service->config->namespace),
					    .epoch = ledger->epoch,
					    .keeper = text_of(service->config->engine),
					    .time_ms = time_of_day_ms()};
	struct error lost = {0};
	buffer_clear(&service->bytes);
	if (!stops && !record_encode(&keeper_form, &beat, &service->bytes, &lost))
		return;
	struct outgoing record = {.key = KEEPER_KEY};
	if (!stops)
		record.value = buffer_view(&service->bytes);
	(void)best_effort_produce(service->beats, &record);
	service->beat_ms = clock_ms() + KEEPER_BEAT_MS;
}

/* Reads a record of the key KEEPER_KEY. */
static void beat_take(struct keeper_service *service, struct text value)
{
	struct control_keeper beat;
	struct error broken = {0};
	arena_reset(service->arena);
	if (!value.bytes) {
		service->is_vacant = true;
		return;
	}
	if (!record_decode(&keeper_form, value, service->arena, &beat, &broken) ||
	    !text_is(beat.namespace, service->config->namespace) || beat.epoch < service->heard_epoch)
		return;
	service->heard_epoch = beat.epoch;
	service->heard_ms = clock_ms();
	service->is_vacant = false;
}

/* ---- steps of the keeper ---- */

/* Writes the records of the last step in one transaction. */
static bool step_commit(struct keeper_service *service, struct error *error)
{
	const struct keeper_record *records;
	size_t count = keeper_records(service->keeper, &records);
	for (size_t i = 0; i < count; i++)
		if (!fenced_writer_add(service->writer, 0, records[i].key, records[i].value, error))
			return false;
	const struct fenced_position next = {.topic = service->config->topics.proposals, .offset = keeper_resume(service->keeper)};
	return count == 0 || fenced_writer_commit(service->writer, &next, 1, NULL, error);
}

/* Whether none of the last reasons is this one. It is kept. */
static bool reason_is_new(struct keeper_service *service, const char *why)
{
	const uint64_t hash = hash_bytes(why, strlen(why), REASON_SEED) | 1;
	for (size_t i = 0; i < REASONS_KEPT; i++)
		if (service->refused_why[i] == hash)
			return false;
	service->refused_why[service->refused_reasons++ % REASONS_KEPT] = hash;
	return true;
}

/* Logs a record that had no one to answer. Engines may send the like each second: the same reason is not logged again. */
static void refused_log(struct keeper_service *service)
{
	const char *why;
	uint64_t refused = keeper_refused(service->keeper, &why);
	if (refused > service->refused && reason_is_new(service, why))
		log_say(service->config->log, LOG_LEVEL_WARN, NULL, "the keeper ignored a record of %s or %s: %s",
			service->config->topics.proposals, service->config->topics.status, why);
	service->refused = refused;
}

static void remark_log(struct keeper_service *service)
{
	const char *words;
	if (keeper_remark_take(service->keeper, &words))
		log_say(service->config->log, LOG_LEVEL_WARN, NULL, "%s", words);
}

/* A proposal at which the keeper fails again and again would end all decisions of the namespace. */
static void failure_note(struct keeper_service *service, int64_t offset)
{
	service->failed_count = offset == service->failed_offset ? service->failed_count + 1 : 1;
	service->failed_offset = offset;
}

/* Reads one record of `status`, if there is one. In a term, reports are passed to the keeper. */
static bool status_step(struct keeper_service *service, bool *found, struct error *error)
{
	struct record record;
	bool good = reader_next(service->status, 0, &record, error);
	if (!good || !record.held)
		return good;
	*found = true;
	if (text_equal(record.key, KEEPER_KEY))
		beat_take(service, record.value);
	else if (service->keeper && record_is_of(&report_form, record_schema(record.value)))
		good = keeper_report(service->keeper, record.value, time_of_day_ms(), error) && step_commit(service, error);
	else if (service->alerts && !keeper_alerts_report(service->alerts, record.value, error))
		good = false;
	else if (service->keeper && record_is_of(&tally_form, record_schema(record.value)))
		good = keeper_tally(service->keeper, record.value, time_of_day_ms(), error) && step_commit(service, error);
	record_release(&record);
	return good;
}

static bool proposals_step(struct keeper_service *service, bool *found, struct error *error)
{
	struct record record;
	bool good = reader_next(service->proposals, 0, &record, error);
	if (!good || !record.held)
		return good;
	*found = true;
	good = keeper_propose(service->keeper, record.offset, record.value, time_of_day_ms(), error);
	if (!good)
		failure_note(service, record.offset);
	good = good && step_commit(service, error);
	record_release(&record);
	return good;
}

/* ---- a term ---- */

static bool control_restore(void *context, const struct record *record, struct error *error)
{
	struct keeper_service *service = context;
	return keeper_restore(service->keeper, record->key, record->value, record->offset, error);
}

/* Reads `control` to its end. The former keeper is fenced, so nothing is added behind it. */
static bool control_read(struct keeper_service *service, struct error *error)
{
	const struct reader_config config = {.brokers = service->config->brokers,
					     .topic = service->config->topics.control,
					     .from_beginning = true,
					     .stopping = &service->stopping,
					     .properties = service->config->consumer};
	struct reader *reader = reader_open(&config, error);
	bool good = reader && reader_give_all(reader, control_restore, service, error);
	reader_close(reader);
	return good;
}

static bool proposals_open_at(struct keeper_service *service, int64_t offset, struct error *error)
{
	service->proposals_config = (struct reader_config){.brokers = service->config->brokers,
							   .topic = service->config->topics.proposals,
							   .from_offset = true,
							   .offset = offset,
							   .stopping = &service->stopping,
							   .properties = service->config->consumer};
	reader_close(service->proposals);
	service->proposals = reader_open(&service->proposals_config, error);
	if (!service->proposals)
		return false;
	reader_ring(service->proposals, service->bell);
	return true;
}

static bool proposals_open(struct keeper_service *service, struct error *error)
{
	if (!proposals_open_at(service, keeper_resume(service->keeper), error))
		return false;
	if (keeper_resume(service->keeper) <= reader_end(service->proposals))
		return true;
	log_say(service->config->log, LOG_LEVEL_WARN, NULL,
		"%s ends before the proposals that were decided: it was deleted and created again; it is read from its beginning",
		service->config->topics.proposals);
	keeper_rewind(service->keeper, 0);
	return proposals_open_at(service, 0, error);
}

/* Takes the transactional id before it reads, so that nothing is added to `control` behind its back. */
static bool term_begin(struct keeper_service *service, struct error *error)
{
	const struct keeper_service_config *config = service->config;
	const struct keeper_options options = {
		.namespace = config->namespace, .engine = config->engine, .checker = document_check_of(&service->checker),
		.rollouts = rollout_document_of(&service->checker)};
	if (!control_topics_check(&config->topics, config->brokers, config->consumer, &service->stopping, error))
		return false;
	atomic_store(&service->renews, false);
	service->writer = fenced_writer_open(&service->writer_config, error);
	service->keeper = service->writer ? keeper_open(&options, error) : NULL;
	if (!service->keeper || !control_read(service, error) || !keeper_begin(service->keeper, time_of_day_ms(), error) ||
	    !step_commit(service, error) || !proposals_open(service, error))
		return false;
	if (service->failed_count >= FAILURES_MAX)
		keeper_skip(service->keeper, service->failed_offset);
	service->refused = 0;
	memset(service->refused_why, 0, sizeof service->refused_why);
	service->last_logged = (struct error){0};
	service->seen_ms = clock_ms();
	service->ahead_ms = time_of_day_ms() - clock_ms();
	service->heard_epoch = keeper_ledger(service->keeper)->epoch;
	atomic_store(&service->epoch, service->heard_epoch);
	move_notices_begin(&service->moves, time_of_day_ms());
	log_say(config->log, LOG_LEVEL_INFO, NULL, "this engine is now the keeper of namespace `%s` (epoch %" PRId64 ")",
		config->namespace, service->heard_epoch);
	return true;
}

/* Checks that no other keeper took over, as far as that is known without a transaction. */
static bool term_holds(struct keeper_service *service, struct error *error)
{
	int64_t now_ms = clock_ms(), paused_ms = now_ms - service->seen_ms;
	int64_t epoch = keeper_ledger(service->keeper)->epoch;
	service->seen_ms = now_ms;
	if (service->heard_epoch > epoch)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "another engine took over (epoch %" PRId64 " after %" PRId64 ")",
				 service->heard_epoch, epoch);
	if (atomic_load(&service->renews))
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "%s cannot be read any more, or was created again",
				 service->config->topics.control);
	return paused_ms < service->absent_ms ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "it was stopped or waited for Kafka for %" PRId64 " ms", paused_ms);
}

/* The wall clock may be set, by hand or by NTP after a pause. Neither liveness nor a deadline may follow it. */
static void clock_follow(struct keeper_service *service)
{
	int64_t ahead_ms = time_of_day_ms() - clock_ms(), by_ms = ahead_ms - service->ahead_ms;
	service->ahead_ms = ahead_ms;
	if (by_ms != 0)
		keeper_shift(service->keeper, by_ms);
}

/* The notifier waits for receivers, in its own threads. */
static bool move_send(void *context, const struct move_action *action, const struct move_notice *notice, struct error *error)
{
	struct keeper_service *service = context;
	const struct keeper_service_config *config = service->config;
	char subject[2 * CONTROL_NAME_BYTES_MAX + 80];
	struct ready_notice ready = {.subject = subject, .id = notice->id, .body = notice->body, .key = notice->experiment};
	(void)snprintf(subject, sizeof subject, "the notice of move %" PRId64 " of the experiment %s", notice->number,
		       notice->experiment);
	arena_reset(service->arena);
	if (action->type == MOVE_WEBHOOK) {
		ready.url = action->url;
		ready.secret = action->secret;
	} else if (!(ready.topic =
			     topic_moves_name(service->arena, config->topics.prefix, config->namespace, notice->experiment))) {
		return error_memory(error, ERROR_SYSTEM, "telling a move");
	}
	const struct notice_receipt receipt = {.fate = NOTICE_OF_MOVE};
	return notifier_post(config->notifier, &ready, NULL, &receipt, error);
}

/* Moves that are sent are committed. */
static void moves_tell(struct keeper_service *service)
{
	struct error error = {0};
	if (!service->config->notifier ||
	    move_notices_look(&service->moves, keeper_ledger(service->keeper), clock_ms(), &error)) {
		return;
	}
	if (failure_is_news(&service->unsent, &error))
		log_say(service->config->log, LOG_LEVEL_ERROR, NULL,
			"a move of a rollout cannot be sent to a receiver, and is tried again: %s", error.text);
}

/* Asks the webhooks for which stages wait, and decides by their answers. */
static bool webhooks_ask(struct keeper_service *service, struct error *error)
{
	struct error failure = {0};
	struct confirm_answer answer;
	struct asked_question *answered;
	bool good = true;
	if (!service->config->notices)
		return true;
	const bool looked =
		confirm_asker_look(&service->asker, service->keeper, service->config->notices, service->loop, &failure);
	if (failure_is_news(&service->unasked, &failure) && !looked)
		log_say(service->config->log, LOG_LEVEL_ERROR, NULL,
			"the webhook of a rollout cannot be asked, and is tried again: %s", failure.text);
	while (good && (answered = confirm_asker_take(&service->asker, &answer))) {
		good = keeper_answer(service->keeper, answer.experiment, answer.move, answer.yes, answer.reason, time_of_day_ms(),
				     error) &&
		       step_commit(service, error);
		confirm_asker_release(answered);
	}
	return good;
}

static bool alerts_turn(struct keeper_service *service, bool is_last, struct error *error)
{
	return !service->alerts ||
	       keeper_alerts_turn(service->alerts, keeper_ledger(service->keeper), service->writer, is_last, error);
}

/* One turn: at most one record of each topic, so that beats are in time. */
static bool term_turn(struct keeper_service *service, struct error *error)
{
	bool found = false;
	clock_follow(service);
	if (!status_step(service, &found, error) || !term_holds(service, error) || !proposals_step(service, &found, error))
		return false;
	int64_t now_ms = time_of_day_ms();
	if (now_ms >= keeper_due(service->keeper) &&
	    (!keeper_tick(service->keeper, now_ms, error) || !step_commit(service, error)))
		return false;
	if (!webhooks_ask(service, error) || !alerts_turn(service, false, error))
		return false;
	refused_log(service);
	remark_log(service);
	moves_tell(service);
	if (clock_ms() >= service->beat_ms)
		beat_send(service, false);
	int64_t due_ms = keeper_due(service->keeper), left_ms = due_ms == INT64_MAX ? KEEPER_BEAT_MS : due_ms - time_of_day_ms();
	int64_t until_ms = clock_ms() + left_ms < service->beat_ms ? clock_ms() + left_ms : service->beat_ms;
	if (service->alerts && keeper_alerts_due_ms(service->alerts) < until_ms)
		until_ms = keeper_alerts_due_ms(service->alerts);
	return found || service_wait(service, until_ms, error);
}

static void term_end(struct keeper_service *service)
{
	if (atomic_exchange(&service->epoch, 0) > 0 && service_is_stopping(service))
		beat_send(service, true);
	if (service->alerts)
		keeper_alerts_end(service->alerts);
	confirm_asker_end(&service->asker);
	reader_close(service->proposals);
	fenced_writer_close(service->writer);
	keeper_close(service->keeper);
	service->proposals = NULL;
	service->writer = NULL;
	service->keeper = NULL;
}

static bool term_run(struct keeper_service *service, struct error *error)
{
	bool good = term_begin(service, error);
	while (good && !service_is_stopping(service))
		good = term_turn(service, error);
	return good && alerts_turn(service, true, error); /* what was delivered meanwhile is not sent again */
}

/* ---- a candidate ---- */

static bool status_open(struct keeper_service *service, struct error *error)
{
	if (service->status)
		return true;
	service->status = reader_open(&service->status_config, error);
	service->heard_ms = clock_ms();
	if (!service->status)
		return false;
	reader_ring(service->status, service->bell);
	return true;
}

/* Waits until there is no keeper. */
static bool candidate_wait(struct keeper_service *service, struct error *error)
{
	for (;;) {
		bool found = false;
		if (service_is_stopping(service))
			return true;
		if (!status_step(service, &found, error) || (service->alerts && !keeper_alerts_wait(service->alerts, error)))
			return false;
		int64_t until_ms = service->heard_ms + service->absent_ms + service->spread_ms;
		if (!found && ((service->is_vacant && reader_has_caught_up(service->status)) || clock_ms() >= until_ms))
			return true;
		if (!found && !service_wait(service, until_ms, error))
			return false;
	}
}

/* ---- the thread ---- */

/* Logs why it is a candidate again, unless that was the last line. */
static void failure_log(struct keeper_service *service, bool was_keeper, const struct error *error)
{
	const bool is_news = failure_is_news(&service->last_logged, error);
	if (!was_keeper && !is_news)
		return;
	log_say(service->config->log, LOG_LEVEL_WARN, NULL, "%s of namespace `%s`: %s; it tries again after %" PRId64 " ms",
		was_keeper ? "this engine is no longer the keeper" : "this engine cannot become the keeper",
		service->config->namespace, error->text, service->absent_ms);
}

/* After a failure it begins with a new reader: the topic may have been deleted and created again. */
static void status_forget(struct keeper_service *service)
{
	reader_close(service->status);
	service->status = NULL;
}

static void service_pause(struct keeper_service *service)
{
	const int64_t until_ms = clock_ms() + service->absent_ms;
	struct error failed = {0};
	while (!service_is_stopping(service) && clock_ms() < until_ms && service_wait(service, until_ms, &failed))
		continue;
}

static void *service_run(void *context)
{
	struct keeper_service *service = context;
	while (!service_is_stopping(service)) {
		struct error error = {0};
		bool campaigns = status_open(service, &error) && candidate_wait(service, &error);
		if (campaigns && service_is_stopping(service))
			break;
		if (!campaigns || !term_run(service, &error)) {
			if (!service_is_stopping(service))
				failure_log(service, atomic_load(&service->epoch) > 0, &error);
			if (!campaigns)
				status_forget(service);
		}
		term_end(service);
		service->heard_ms = clock_ms();
		service->is_vacant = false;
		if (!campaigns)
			service_pause(service);
	}
	return NULL;
}

static bool service_start(struct keeper_service *service, struct error *error)
{
	const struct keeper_service_config *config = service->config;
	const struct best_effort_config beats = {
		.brokers = config->brokers, .queue_bytes = BEAT_QUEUE_BYTES, .at_once = true, .properties = config->producer};
	service->bell = bell_open(error);
	service->loop = service->bell >= 0 ? loop_open(error) : NULL;
	service->arena = arena_open(BEAT_BYTES_MAX);
	service->beats = service->loop && service->arena ? best_effort_open(&beats, error) : NULL;
	if (!service->beats || !best_effort_topics(service->beats, &config->topics.status, 1, error) ||
	    !loop_watch(service->loop, &service->watch, service->bell, EPOLLIN, error))
		return error_memory(error, ERROR_SYSTEM, "starting the keeper");
	service->alerts_config = (struct keeper_alerts_config){.brokers = config->brokers,
							       .feed = config->topics.feed,
							       .proposals = config->topics.proposals,
							       .namespace = config->namespace,
							       .prefix = config->topics.prefix,
							       .engine = config->engine,
							       .consumer = config->consumer,
							       .checker = &service->checker,
							       .log = config->log,
							       .notifier = config->notifier,
							       .loop = service->loop,
							       .bell = service->bell,
							       .feed_topic = 1};
	if (config->notifier && !(service->alerts = keeper_alerts_open(&service->alerts_config, error)))
		return false;
	service->has_thread = pthread_create(&service->thread, NULL, service_run, service) == 0;
	return service->has_thread || error_set(error, ERROR_SYSTEM, PLACE_NONE,
						"the keeper's thread could not be started; raise the limit on threads");
}

struct keeper_service *keeper_service_open(const struct keeper_service_config *config, struct error *error)
{
	assert(config->brokers && config->namespace && config->engine);
	struct keeper_service *service = memory_take(1, sizeof *service);
	if (!service) {
		error_memory(error, ERROR_SYSTEM, "starting the keeper");
		return NULL;
	}
	service->config = config;
	service->absent_ms = config->absent_ms > 0 ? config->absent_ms : KEEPER_ABSENT_MS;
	service->spread_ms = (int64_t)(hash_key(text_of(config->engine)) % SPREAD_MS);
	service->watch = (struct watch){.ready = service_on_bell, .context = service};
	service->checker = (struct document_checker){
		.kinds = config->kinds, .namespace = config->namespace, .prefix = config->topics.prefix};
	service->moves = (struct move_notices){.reader = rollout_document_of(&service->checker),
					       .sender = {service, move_send}};
	service->status_config = (struct reader_config){.brokers = config->brokers,
							.topic = config->topics.status,
							.newest = KEEPER_NEWEST,
							.stopping = &service->stopping,
							.properties = config->consumer};
	service->written[0] = config->topics.control;
	service->written[1] = config->topics.feed;
	service->writer_config = (struct fenced_writer_config){.brokers = config->brokers,
							       .id = config->topics.keeper,
							       .topic_count = config->topics.feed ? 2 : 1,
							       .topics = service->written,
							       .properties = config->producer,
							       .stopping = &service->stopping};
	buffer_open(&service->bytes, BEAT_BYTES_MAX);
	if (service_start(service, error))
		return service;
	keeper_service_close(service);
	return NULL;
}

void keeper_service_close(struct keeper_service *service)
{
	if (!service)
		return;
	atomic_store(&service->stopping, true);
	if (service->bell >= 0)
		bell_ring(service->bell);
	if (service->has_thread)
		pthread_join(service->thread, NULL);
	keeper_alerts_close(service->alerts);
	move_notices_close(&service->moves);
	reader_close(service->status);
	best_effort_close(service->beats);
	loop_close(service->loop);
	if (service->bell >= 0)
		close(service->bell);
	arena_close(service->arena);
	buffer_close(&service->bytes);
	memory_give(service);
}

void keeper_service_end_term(struct keeper_service *service)
{
	atomic_store(&service->renews, true);
	bell_ring(service->bell);
}

void keeper_service_take_beginning(struct keeper_service *service, struct text key, struct text record)
{
	if (service->alerts)
		keeper_alerts_take_beginning(service->alerts, key, record);
}

int64_t keeper_service_epoch(const struct keeper_service *service)
{
	return atomic_load(&service->epoch);
}
