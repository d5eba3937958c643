/* open_calls.h: Open calls of a gateway, each in a slot, and how one ends without a reply. Private to calls.c,
 * open_calls.c and call_reports.c. */
#pragma once

#include "engine/worker/direct_hub.h"
#include "gateway/calls/calls.h"
#include "kafka/consume/reader_renewal.h"
#include "kafka/produce/request_producer.h"
#include "message/records/reply.h"
#include "net/loop.h"

/* Calls and replies that pass between the gateway and the workers of its own process by memory (engine/worker/direct_hub.h):
 * calls of pipelines with direct ingress, and replies to all calls. */

/* Starts as {0}. */
struct direct_calls {
	struct direct_hub *hub; /* NULL: there are no workers in this process */
	struct loop *loop;
	struct watch watch;
	struct loop_timer wake; /* of workers that were given requests in this turn */
	void (*take)(void *context, const struct direct_message *message);
	void *context;
};

/* From now on `take` is called for each reply with that epoch, and each request that no worker took. A hub of NULL is fine. */
bool direct_calls_open(struct direct_calls *direct, struct loop *loop, struct direct_hub *hub, uint64_t epoch, struct error *error);
void direct_calls_close(struct direct_calls *direct);

/* DIRECT_ABSENT also if the call is not one for direct ingress. The worker is woken at the end of the turn of the loop, so that it
 * finds all requests of the turn. */
enum direct_verdict direct_call_send(struct direct_calls *direct, const struct call_request *request, const struct outgoing *record,
				     uint64_t number);

#define CALL_NO_SLOT SIZE_MAX

struct open_call {
	struct calls *calls;
	uint64_t number; /* 0: the slot is free */
	struct loop_timer deadline;
	const struct gateway_target *target; /* until the targets change */
	struct target_counts *counts;	     /* of its target; NULL: not counted */
	enum counted_protocol protocol;
	enum call_service service;
	bool has_seldon_errors;
	int64_t began_ms;   /* by the loop's clock */
	int64_t allowed_ms; /* that the caller was given, or asked for */
	bool answers;
	bool submits;
	bool is_unhurried;	      /* struct call_request */
	struct submission submission; /* its place, if it is `taken`; where its answer comes, or ANSWERS_UNKEYED; all of it of one
				       * that submits, or has `placed` */
	void (*placed)(void *context, const struct submission *origin);
	bool taken;	 /* Kafka has accepted it, or an engine has replied to it */
	bool is_overdue; /* it is past its deadline; if it is open, then for Kafka's report alone */
	bool is_direct; /* a worker has it, past Kafka */
	bool is_too_large;   /* Kafka has refused it so, and the limit of its topic is awaited */
	size_t record_bytes; /* call_record_bytes() */
	uint32_t topic;	     /* of its record: index in `topics` */
	char id[CALL_ID_BYTES_MAX];
	size_t id_length;
	struct text place;
	struct text poll; /* of one that is late: the id by which its answer can be polled */
	void (*ended)(void *context, const struct call_outcome *outcome);
	bool (*is_over)(void *context);
	bool (*is_late)(void *context); /* NULL: none is */
	void *context;
	size_t next_free;
};

struct calls {
	struct loop *loop;
	struct calls_config config;
	struct reader_config reader_config;
	struct request_producer_config producer_config;
	struct reader *reader; /* NULL: it failed, and is opened again: */
	struct reader_renewal renewal;
	struct request_producer *producer;
	struct topic_presence_config presence_config;
	struct topic_presence *presence;
	struct watch watch;
	struct direct_calls direct;
	struct loop_timer look, heartbeat;
	unsigned silent_s; /* calls_silent_s() */
	int bell;
	uint64_t epoch, kafka_epoch; /* of requests whose replies may come by memory; of others. Callers see neither */
	char secret[REPLY_SECRET_DIGITS]; /* of all their addresses */
	/* What addresses of calls begin with whose replies may come by memory; length 0: none was written yet. */
	char address[REPLY_ADDRESS_BYTES_MAX];
	size_t address_length;
	int32_t address_partition;
	uint64_t names;		     /* first part of the ids that requests are given */
	uint64_t serial;	     /* of the last call */
	struct random ids;	     /* of requests that are refused, and have none */
	char *own[GATEWAY_TOPICS];   /* names of the gateway's own topics */
	struct open_call **slots;
	size_t slot_count, first_free, open;
	struct arena *arena; /* of one request's or reply's headers */
	struct buffer body;  /* of an error of the gateway itself */
	struct error failure;
	struct calls_counts counts;
	struct client_counts producer_counts;
	struct gateway_targets targets; /* the present ones; and the counts of each */
	struct target_counts **target_counts;
	struct call_counts *call_counts;
};

/* The open call of that number; NULL: it has ended, or there was none. */
struct open_call *open_call_find(const struct calls *calls, uint64_t number);

/* Takes a slot; the number of the call is new. NULL: CALLS_OPEN_MAX are open, or memory ran out. */
struct open_call *open_call_take(struct calls *calls);
void open_call_give_back(struct open_call *call);

/* As calls_lack_topic(). */
static inline const char *own_topic_gone(const struct calls *calls, enum gateway_topic topic)
{
	return topic_presence_lacks(calls->presence, calls->own[topic]) ? calls->own[topic] : NULL;
}

/* Whether the caller was told already that it is late, here or by who placed the call. */
bool open_call_was_late(struct open_call *call);

/* Frees the slot before it calls `ended`, which may start another call at once. */
void open_call_end(struct open_call *call, struct call_outcome *outcome);
void open_call_fail(struct open_call *call, int status, enum error_kind kind, const char *words);
void open_call_on_deadline(void *context);

/* Fails a call whose record is larger than its topic takes, before it is produced. */
void open_call_fail_large(struct open_call *call);

/* The same when Kafka has refused the record, once the limit of the topic is known. */
void open_call_refused_large(struct open_call *call);

#define ANSWERS_UNKEYED INT32_MIN /* `answers` of a submission until its partition is known */

/* Tells where the answer comes to a request that Kafka has. */
void open_call_answers_find(struct open_call *call);

/* Writes the value of REPLY_HEADER of its request. Its target must be there. */
struct text open_call_address_write(const struct open_call *call, char out[REPLY_ADDRESS_BYTES_MAX]);
