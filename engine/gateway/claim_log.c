/* claim_log.c: see claim_log.h. */
#include "gateway/claim_log.h"

#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "log/reader.h"
#include "log/request_producer.h"

#define RECORDS_AT_ONCE 1000 /* then the loop serves connections and timers */
#define LOOK_MS 100
#define PRODUCE_MS 30000
#define QUEUE_BYTES ((size_t)16 << 20)
#define RECORD_BYTES ((size_t)4096)
#define EXPIRE_AT_ONCE 64 /* claims for each record of the log: more than come */

struct claim_log {
	struct loop *loop;
	struct claim_log_config config;
	struct reader_config reader_config;
	struct request_producer_config producer_config;
	struct reader *reader;
	struct request_producer *producer;
	struct watch watch;
	int bell;
	uint64_t epoch; /* of its records */
	struct claims *claims;
	struct error failure;
};

/* ---- reading ---- */

static bool log_take(void *context, const struct record *record, struct error *error)
{
	struct claim_log *log = context;
	struct claim_record claim;
	if (!claim_record_read(record->key, record->value, &claim))
		return true;
	const int64_t now_ms = loop_time_of_day_ms(log->loop);
	enum claim_effect effect = claims_apply(log->claims, &claim, now_ms);
	claims_expire(log->claims, now_ms, EXPIRE_AT_ONCE);
	if (claim.nonce.epoch == log->epoch)
		log->config.taken(log->config.context, &claim, effect);
	return effect != CLAIM_NO_MEMORY || error_memory(error, ERROR_SYSTEM, "reading claims");
}

static bool claims_read(struct claim_log *log, int wait_ms)
{
	return log->failure.kind == ERROR_NONE &&
	       reader_give_arrived(log->reader, RECORDS_AT_ONCE, wait_ms, log_take, log, &log->failure);
}

static void claim_log_on_bell(void *context, uint32_t events)
{
	struct claim_log *log = context;
	(void)events;
	(void)bell_quiet(log->bell);
	request_producer_tell(log->producer);
	if (!claims_read(log, 0))
		log->config.lost(log->config.context);
}

void claim_log_catch_up(struct claim_log *log, int64_t until_ms)
{
	while (!claim_log_has_caught_up(log) && clock_ms() < until_ms && claims_read(log, LOOK_MS))
		continue;
}

struct claim_look claim_log_look(struct claim_log *log, const struct claim_digest *id, const struct claim_digest *body,
				 uint64_t caller)
{
	const int64_t now_ms = loop_time_of_day_ms(log->loop);
	claims_expire(log->claims, now_ms, EXPIRE_AT_ONCE);
	return claims_look(log->claims, id, body, caller, now_ms);
}

bool claim_log_has_caught_up(const struct claim_log *log)
{
	return reader_has_caught_up(log->reader);
}

bool claim_log_is_well(const struct claim_log *log, struct error *error)
{
	if (log->failure.kind == ERROR_NONE)
		return true;
	*error = log->failure;
	return false;
}

/* ---- writing ---- */

struct claim_nonce claim_log_nonce(const struct claim_log *log, uint64_t number)
{
	return (struct claim_nonce){log->epoch, number};
}

bool claim_log_write(struct claim_log *log, const struct claim_record *record, uint64_t number)
{
	struct error error = {0};
	char key[CLAIM_ID_DIGITS], value[CLAIM_VALUE_BYTES_MAX];
	size_t length = claim_record_write(record, key, value);
	const struct outgoing outgoing = {.topic = 0, .key = {key, sizeof key}, .value = {value, length}};
	return request_producer_send(log->producer, &outgoing, number, &error) == PRODUCED;
}

static void claim_log_on_reported(void *context, const struct request_report *report)
{
	struct claim_log *log = context;
	if (report->refused)
		log->config.refused(log->config.context, report->number);
}

/* ---- opening and closing ---- */

static bool clients_open(struct claim_log *log, struct error *error)
{
	const struct claim_log_config *config = &log->config;
	log->reader_config = (struct reader_config){.brokers = config->brokers,
						    .topic = config->topic,
						    .from_time = true,
						    .time_ms = loop_time_of_day_ms(log->loop) - CLAIMS_KEPT_MS,
						    .uncommitted = true,
						    .properties = config->consumer};
	log->producer_config = (struct request_producer_config){.brokers = config->brokers,
								.timeout_ms = PRODUCE_MS,
								.message_bytes = RECORD_BYTES,
								.queue_bytes = QUEUE_BYTES,
								.properties = config->producer,
								.bell = log->bell,
								.reported = claim_log_on_reported,
								.context = log};
	log->reader = reader_open(&log->reader_config, error);
	log->producer = log->reader ? request_producer_open(&log->producer_config, error) : NULL;
	if (!log->producer || !request_producer_topics(log->producer, &config->topic, 1, error))
		return false;
	reader_ring(log->reader, log->bell);
	bell_ring(log->bell); /* for records that arrived before the bell was set */
	return loop_watch(log->loop, &log->watch, log->bell, EPOLLIN, error);
}

static bool claim_log_set_up(struct claim_log *log, struct error *error)
{
	log->claims = claims_open(CLAIMS_MAX);
	if (!log->claims)
		return error_memory(error, ERROR_SYSTEM, "opening a gateway");
	if (getrandom(&log->epoch, sizeof log->epoch, 0) != (ssize_t)sizeof log->epoch)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the system gives no random number for the gateway's claims");
	log->bell = bell_open(error);
	log->watch = (struct watch){.ready = claim_log_on_bell, .context = log};
	return log->bell >= 0 && clients_open(log, error);
}

struct claim_log *claim_log_open(struct loop *loop, const struct claim_log_config *config, struct error *error)
{
	struct claim_log *log = memory_take(1, sizeof *log);
	if (!log) {
		error_memory(error, ERROR_SYSTEM, "opening a gateway");
		return NULL;
	}
	log->loop = loop;
	log->config = *config;
	log->bell = -1;
	if (claim_log_set_up(log, error))
		return log;
	claim_log_close(log);
	return NULL;
}

void claim_log_close(struct claim_log *log)
{
	if (!log)
		return;
	if (log->watch.ready && log->watch.descriptor > 0)
		loop_unwatch(log->loop, &log->watch);
	request_producer_close(log->producer);
	reader_close(log->reader);
	if (log->bell >= 0)
		close(log->bell);
	claims_close(log->claims);
	memory_give(log);
}
