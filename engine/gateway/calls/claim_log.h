/* claim_log.h: Log of claims of idempotency keys: writes records to the claims topic, and applies all its records to the table of
 * claims (gateway/calls/idempotency_claims.h). Belongs to its loop's thread.
 */
#pragma once

#include "gateway/calls/idempotency_claims.h"
#include "kafka/record.h"
#include "net/loop.h"

struct claim_log;

struct claim_log_config { /* copied; what it points to is borrowed */
	const char *brokers, *topic;
	struct properties consumer, producer;
	/* A record of this log was read; Kafka did not take the record of that number; the topic cannot be read now, which is tried
	 * again. */
	void (*taken)(void *context, const struct claim_record *record, enum claim_effect effect);
	void (*refused)(void *context, uint64_t number);
	void (*lost)(void *context);
	void *context;
};

/* Waits for Kafka, which must have the topic. If it does not answer in time, claims are read later, and claim_log_is_well() is
 * false until then. */
struct claim_log *claim_log_open(struct loop *loop, const struct claim_log_config *config, struct error *error);
void claim_log_close(struct claim_log *log); /* NULL is fine */

/* The nonce of a claim that is written here, for the call of that number. */
struct claim_nonce claim_log_nonce(const struct claim_log *log, uint64_t number);

/* False: too much is on its way to Kafka. */
bool claim_log_write(struct claim_log *log, const struct claim_record *record, uint64_t number);

/* claims_look() at the claims of the records that have been read. */
struct claim_look claim_log_look(struct claim_log *log, const struct claim_digest *id, const struct claim_digest *body,
				 uint64_t caller);

/* Waits until the claims that were there when it was opened have been read, or that time of clock_ms() has come. */
void claim_log_catch_up(struct claim_log *log, int64_t until_ms);

/* Whether the claims that were there when it was opened have been read. */
bool claim_log_has_caught_up(const struct claim_log *log);

/* Whether the topic can be read now. False: `error` has the reason. */
bool claim_log_is_well(const struct claim_log *log, struct error *error);
