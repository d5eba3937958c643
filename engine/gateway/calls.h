/* calls.h: Open calls of a gateway: requests produced for callers that wait, each of which is ended once: by its reply, by a
 * refusal of Kafka, or by its deadline.
 *
 * Of no protocol: whoever took a call hands in the request and is told how it ended. A call is known by its number, which
 * never returns, so a reply that comes twice, or late, ends nobody else's call. Belongs to its loop's thread.
 */
#ifndef SLUICE_GATEWAY_CALLS_H
#define SLUICE_GATEWAY_CALLS_H

#include "gateway/targets.h"
#include "log/record.h"
#include "net/loop.h"

#define CALLS_OPEN_MAX ((size_t)65536) /* more are refused: each holds a connection, or a stream of one */
#define CALL_ID_BYTES_MAX ((size_t)256) /* of a request's id */

struct calls;

enum call_end {
	CALL_ANSWERED, /* `body`, of `content_type` */
	CALL_ACCEPTED, /* by Kafka; the target has no output, and there is no answer */
	CALL_FILTERED, /* a step dropped the request */
	CALL_FAILED,   /* `status` as HTTP has it, and an error body of JSON */
};

/* Borrowed while `ended` runs. */
struct call_outcome {
	enum call_end end;
	int status; /* of HTTP */
	struct text body;
	struct text content_type;
	struct text header_length; /* Inference-Header-Content-Length; empty: not said */
	struct text id;
	struct headers headers; /* that steps have set */
	int retry_after_s;	/* 0: not said */
};

struct calls_config {
	const char *brokers;
	struct properties consumer, producer;
	size_t message_bytes; /* of the largest record */
};

/* Waits for Kafka, of which the replies topic and the topics of the targets are wanted. */
struct calls *calls_open(struct loop *loop, const struct calls_config *config, const struct gateway_targets *targets,
			 struct error *error);
void calls_close(struct calls *calls); /* open calls are forgotten, untold; NULL is fine */

/* Other targets from now on; open calls are still answered. */
bool calls_follow(struct calls *calls, const struct gateway_targets *targets, struct error *error);

struct call_request {
	const struct gateway_target *target;
	struct text body;
	struct text key;	/* bytes NULL: none */
	struct text id;		/* the caller's; empty: one is made */
	int64_t deadline_ms;	/* since 1970 */
	struct headers headers; /* those that pass, without id and deadline */
	struct text place;	/* where it came in, for errors of the gateway's own: the path. Lives until `ended` */
	void (*ended)(void *context, const struct call_outcome *outcome);
	bool (*is_over)(void *context); /* the caller is gone; looked at now and then */
	void *context;
};

/* `ended` is entered later, or at once when it cannot be taken. */
void calls_begin(struct calls *calls, const struct call_request *request);

size_t calls_open_count(const struct calls *calls);

/* Writes an error of the gateway's own and hands it to `ended`. */
void call_refuse(const struct call_request *request, int status, enum error_kind kind, const char *words);

/* Whether replies can be read. False: no call will be answered any more, and `error` says why. */
bool calls_are_well(const struct calls *calls, struct error *error);

struct calls_counts {
	uint64_t begun, answered, failed, filtered, accepted, timed_out, left;
	uint64_t foreign; /* replies of other epochs */
	uint64_t strayed; /* replies to calls that are over, or that cannot be read */
};
struct calls_counts calls_counts(const struct calls *calls);

#endif
