/* calls.h: Open calls of a gateway: requests produced for callers that wait. Each call ends once: by its reply,
 * by a refusal of Kafka, or by its deadline. Feedback and cancellations are calls too, which end when Kafka has them.
 *
 * A request that Kafka refuses as too large for its topic, whose limit was lowered, ends when that limit has been read again.
 *
 * A caller that disconnects ends its call within a tenth of a second, and cancels what can be cancelled: a request past Kafka is
 * dropped, or given up if a worker has begun it, and one in Kafka is cancelled (observe/cancel_board.h), for at most
 * CALLS_CANCELLED_A_LOOK callers each time. Those of further ones are processed.
 *
 * Independent of protocols: a front end passes in the request and gets the outcome. A call is identified by its
 * number, which is never used again. So a duplicate or late reply cannot end another call. Belongs to its
 * loop's thread.
 */
#pragma once

#include "base/number/random.h"
#include "gateway/calls/call_counts.h"
#include "gateway/calls/submission.h"
#include "gateway/calls/targets.h"
#include "gateway/calls/topic_presence.h"
#include "kafka/record.h"
#include "net/loop.h"

#define CALLS_OPEN_MAX ((size_t)65536) /* more are refused: each uses a connection, or a stream of one */
#define CALLS_CANCELLED_A_LOOK 40 /* so that callers who come and go do not double the records of a gateway */
#define CALLS_REPORT_MS 30000	  /* then a request that Kafka has not accepted is given up; most deadlines are shorter */
#define CALL_ID_BYTES_MAX ((size_t)256) /* of a request's id */

struct calls;
struct direct_hub;
struct wanted_topic;

enum call_end {
	CALL_ANSWERED, /* `body`, of `content_type` */
	CALL_ACCEPTED, /* by Kafka; the target has no output, so there is no answer, or the request was submitted */
	CALL_FILTERED, /* a step dropped the request */
	CALL_FAILED,   /* `status` of HTTP, and a JSON error body */
};

/* Borrowed while `ended` runs. */
struct call_outcome {
	enum call_end end;
	int status; /* of HTTP */
	bool limit; /* CALL_FAILED: by a limit of the engine, for which HTTP has no status */
	bool declined; /* CALL_FAILED: before its first step, so that it may be sent again */
	bool is_unsent; /* CALL_FAILED: Kafka has refused the request by its size, so that it is nowhere */
	struct text body;
	struct text content_type;
	struct text header_length; /* OIP_LENGTH_HEADER; empty: absent */
	struct text id;
	struct text target;	/* its name; empty: it is gone */
	struct text submission; /* the id for polls: of a submitted request that was accepted, or of one that is late */
	struct headers headers; /* set by steps */
	struct arena *arena;	/* for the receiver's own data; emptied with the next call */
	int retry_after_s;	/* 0: absent */
};

struct calls_config {
	const char *brokers;
	struct properties consumer, producer;
	size_t message_bytes; /* of the largest record */
	size_t queue_bytes;   /* of records that wait for Kafka */
	struct direct_hub *direct; /* to the engine of this process (engine/worker/direct_hub.h); NULL: there is none */
	const struct wanted_topic *own_topics; /* gateway/calls/topic_presence.h: as they are created again; NULL: they are not */
	/* Asks for the limits of topics again, after which calls_limits_take() is called. False: it is not. NULL: nobody asks. */
	bool (*limits_ask)(void *context);
	void *context;
};

/* Waits for Kafka, which must have the replies topic and the topics of the targets. If it does not answer in time, replies are read
 * later, and calls_are_well() is false until then. */
struct calls *calls_open(struct loop *loop, const struct calls_config *config, const struct gateway_targets *targets,
			 struct error *error);
void calls_close(struct calls *calls); /* open calls are forgotten without an outcome; NULL is fine */

/* Replaces the targets; open calls are still answered. */
bool calls_follow(struct calls *calls, const struct gateway_targets *targets, struct error *error);

/* Ends the calls that Kafka has refused by their size, as the limits of their targets are now known. */
void calls_limits_take(struct calls *calls);

struct call_request {
	const struct gateway_target *target;
	enum counted_protocol protocol; /* of the caller, for counts; likewise the service */
	enum call_service service;
	bool has_seldon_errors; /* its caller gets errors of pipelines in the form of Seldon Core 2 (seldon_errors.h) */
	bool is_feedback; /* goes to the target's feedback topic, without headers */
	bool cancels;	  /* a cancellation of a request of the target, whose token is `key`; without a body and headers */
	struct text body;
	struct text key;	/* bytes NULL: none */
	struct text id;		/* the caller's; empty: one is generated */
	int64_t arrived_ms;	/* since 1970, as is the deadline */
	int64_t deadline_ms;
	bool submits;		/* ends when Kafka has the request; the caller polls for the answer (gateway/calls/polls.h) */
	bool is_unhurried;	/* submits, and has no deadline of its own: only Kafka has one */
	struct headers headers; /* those that are passed on, without id and deadline */
	struct text place;	/* the request's path, for the gateway's own errors. Lives until `ended` */
	/* Called when Kafka has the request, by its report or by a reply, before `ended`. The request then also has what a search
	 * for its answer needs (gateway/calls/polls.h). While neither has come, the call stays open for CALLS_REPORT_MS beyond its
	 * deadline, after which its caller is not to wait. NULL: no search is wanted, unless it submits. */
	void (*placed)(void *context, const struct submission *origin);
	void (*ended)(void *context, const struct call_outcome *outcome);
	bool (*is_over)(void *context); /* whether the caller has disconnected; checked now and then */
	bool (*is_late)(void *context); /* whether one that is over was told by `placed`'s owner that it is late. NULL: none is */
	void *context;
};

/* Starts a call. `ended` is called later, or at once if the call cannot be accepted. */
void calls_begin(struct calls *calls, const struct call_request *request);

/* For refusal_id_write(): each refusal of a gateway names an id, which its caller may quote. */
struct random *calls_ids(struct calls *calls);

/* Counts a request that a front end has refused with that status of HTTP, or of gRPC, instead of starting a call. */
void calls_count_refused(struct calls *calls, const struct call_request *request, int status);

/* Counts a request that a front end refuses itself. */
void calls_count_refusal(struct calls *calls, enum counted_protocol protocol, int status);

/* Writes the metrics of refusals and of each pipeline; `has_seldon`: with Seldon's names, too. */
void calls_write_metrics(const struct calls *calls, bool has_seldon, struct exposition *exposition);

size_t calls_open_count(const struct calls *calls);

/* Ends all open calls of a gateway that stops, by 503 and the place where a later answer is found. Returns their number. */
size_t calls_stop(struct calls *calls);

/* Whether replies can be read now. False: no call is answered until they can, and `error` has the reason. */
bool calls_are_well(const struct calls *calls, struct error *error);

/* Whether Kafka has the topics that calls of the target need (NULL: of any target). False: one is gone, and `error` names it, and
 * the next step. */
bool calls_have_topics(const struct calls *calls, const struct gateway_target *target, struct error *error);

/* The same without those of the gateway: a pipeline with direct ingress answers only while its engine can log, too. */
bool calls_have_topics_of(const struct calls *calls, const struct gateway_target *target, struct error *error);

/* The name of one of the gateway's own topics that is gone; NULL: it is there, or that is not known. */
const char *calls_lack_topic(const struct calls *calls, enum gateway_topic topic);

/* Seconds since a broker of Kafka last answered the reader of replies; at most one too many. */
unsigned calls_silent_s(const struct calls *calls);

/* What librdkafka last said of the producer of requests, or the consumer of replies. */
struct client_counts calls_client_counts(const struct calls *calls, bool of_producer);

struct calls_counts {
	uint64_t begun, answered, failed, filtered, accepted, timed_out, left;
	uint64_t cancelled; /* in Kafka, of those whose callers have left */
	uint64_t foreign; /* replies of other epochs */
	uint64_t strayed; /* replies to calls that are over, or that cannot be decoded */
	uint64_t open;	  /* calls that have begun and not ended */
	uint64_t dropped_traces; /* requests whose lines of traceparent differ */
};
struct calls_counts calls_counts(const struct calls *calls);

/* The last of these, for call_source.dropped_traces. */
uint64_t *calls_dropped_traces(struct calls *calls);
