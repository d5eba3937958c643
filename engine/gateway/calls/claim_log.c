/* claim_log.c: see claim_log.h. */
#include "gateway/calls/claim_log.h"

#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/kafka_log.h"
#include "kafka/consume/reader_renewal.h"
#include "kafka/produce/request_producer.h"

#define RECORDS_AT_ONCE 1000 /* then the loop serves connections and timers */
#define LOOK_MS 100
#define RENEWAL_MS 1000 /* before claims that could not be read are read again */
#define PRODUCE_MS 30000
#define QUEUE_BYTES ((size_t)16 << 20)
#define RECORD_BYTES ((size_t)4096)
#define EXPIRE_AT_ONCE 64 /* claims for each record of the log: more than come */

struct claim_log {
	struct loop *loop;
	struct claim_log_config config;
	struct reader_config reader_config;
	struct request_producer_config producer_config;
	struct reader *reader; /* NULL: it failed, and is opened again: */
	struct reader_renewal renewal;
	int64_t *offsets; /* of each partition, after the last record that was read */
	size_t offset_count;
	struct request_producer *producer;
	struct watch watch;
	int bell;
	uint64_t epoch; /* of its records */
	struct claims *claims;
	struct error failure;
};

/* ---- reading ---- */

static bool offset_note(struct claim_log *log, const struct record *record, struct error *error)
{
	const size_t partition = (size_t)record->partition;
	if (partition >= log->offset_count) {
		int64_t *offsets = memory_resize(log->offsets, partition + 1, sizeof *offsets);
		if (!offsets)
			return error_memory(error, ERROR_SYSTEM, "reading claims");
		for (log->offsets = offsets; log->offset_count <= partition; log->offset_count++)
			offsets[log->offset_count] = 0;
	}
	log->offsets[partition] = record->offset + 1;
	return true;
}

static bool log_take(void *context, const struct record *record, struct error *error)
{
	struct claim_log *log = context;
	struct claim_record claim;
	if (!claim_record_read(record->key, record->value, &claim))
		return offset_note(log, record, error);
	const int64_t now_ms = loop_time_of_day_ms(log->loop);
	enum claim_effect effect = claims_apply(log->claims, &claim, now_ms);
	claims_expire(log->claims, now_ms, EXPIRE_AT_ONCE);
	if (claim.nonce.epoch == log->epoch)
		log->config.taken(log->config.context, &claim, effect);
	return effect != CLAIM_NO_MEMORY ? offset_note(log, record, error)
					 : error_memory(error, ERROR_SYSTEM, "reading claims");
}

/* A record that was read before may not be applied again: it is read on from where it stood. */
static void claims_renew(struct claim_log *log)
{
	struct reader *failed = log->reader;
	log->reader = NULL;
	log->reader_config.from_time = false;
	log->reader_config.from_offset = true;
	log->reader_config.offsets = log->offsets;
	log->reader_config.offset_count = log->offset_count;
	reader_renewal_log("calls with an idempotency key are refused (503) until their claims can be read again", &log->failure);
	reader_renewal_begin(&log->renewal, failed);
	log->config.lost(log->config.context);
}

static bool claims_read(struct claim_log *log, int wait_ms)
{
	if (!log->reader)
		return false;
	if (reader_give_arrived(log->reader, RECORDS_AT_ONCE, wait_ms, log_take, log, &log->failure))
		return true;
	claims_renew(log);
	return false;
}

static void claims_ring(const struct claim_log *log)
{
	reader_ring(log->reader, log->bell);
	bell_ring(log->bell); /* for records that arrived before the bell was set */
}

static void claims_on_opened(void *context, struct reader *reader)
{
	struct claim_log *log = context;
	log->reader = reader;
	log->failure = (struct error){0};
	claims_ring(log);
	kafka_log_say(LOG_LEVEL_INFO, "claims of idempotency keys are read again");
}

static void claims_on_failed(void *context, const struct error *error)
{
	struct claim_log *log = context;
	log->failure = *error;
}

static void claim_log_on_bell(void *context, uint32_t events)
{
	struct claim_log *log = context;
	(void)events;
	(void)bell_quiet(log->bell);
	request_producer_tell(log->producer);
	(void)claims_read(log, 0);
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
	return log->reader && reader_has_caught_up(log->reader);
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
						    .was_there = true,
						    .stopping = &log->renewal.stopping,
						    .properties = config->consumer};
	log->renewal = (struct reader_renewal){.config = &log->reader_config,
					       .loop = log->loop,
					       .purpose = "reads claims",
					       .pause_ms = RENEWAL_MS,
					       .opened = claims_on_opened,
					       .failed = claims_on_failed,
					       .context = log};
	log->producer_config = (struct request_producer_config){.brokers = config->brokers,
								.timeout_ms = PRODUCE_MS,
								.message_bytes = RECORD_BYTES,
								.queue_bytes = QUEUE_BYTES,
								.properties = config->producer,
								.bell = log->bell,
								.reported = claim_log_on_reported,
								.context = log};
	log->producer = request_producer_open(&log->producer_config, error);
	if (!log->producer || !request_producer_topics(log->producer, &config->topic, 1, error) ||
	    !reader_renewal_try(&log->renewal, &log->reader, error))
		return false;
	if (log->reader)
		claims_ring(log);
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
	if (!log)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a gateway"));
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
	reader_renewal_end(&log->renewal);
	reader_close(log->reader);
	memory_give(log->offsets);
	if (log->bell >= 0)
		close(log->bell);
	claims_close(log->claims);
	memory_give(log);
}
