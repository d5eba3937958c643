/* call_outcome.h: Outcomes of calls, as callers get them: reads replies, and writes the gateway's own errors.
 * Pure.
 */
#pragma once

#include "gateway/calls/calls.h"

#define SELDON_STATUS 400			/* of HTTP, for what a pipeline has failed, in the form of Seldon Core 2 */
#define CALL_ERROR_BYTES_MAX ((size_t)64 << 10) /* of an error body: its texts are bounded, and JSON may write each byte as six */

/* HTTP status of an error of that kind from an engine. `limit` and `input` as message/records/reply.h writes them; empty: none. */
int call_status(struct text kind, struct text limit, struct text input);

/* The gRPC status of a failed outcome. */
int call_grpc_status(const struct call_outcome *outcome);

/* Whether the status is one of requests that an engine has failed, and no limit of the caller or of the gateway. In the form of
 * Seldon Core 2 (seldon_errors.h) all of these are one. */
bool call_status_is_of_pipeline(int status);

/* The status by which metrics count an outcome: the one that the caller gets in its protocol. */
int call_counted_status(enum counted_protocol protocol, bool has_seldon_errors, const struct call_outcome *outcome);

/* Reads the record that ends a submitted request without an answer, as the pipeline dropped it or answers no errors
 * (message/records/reply.h). False: it is none. The body is written into `body`. */
bool call_outcome_of_end(struct call_outcome *outcome, struct text value, struct headers headers, struct arena *arena,
			 struct buffer *body);

/* Reads a reply's value and headers, from which the outcome borrows; lists are in the arena. False: it is not a
 * reply. */
bool call_outcome_read(struct call_outcome *outcome, struct text value, struct headers headers, struct arena *arena);

/* Writes an error of the gateway itself. `place` empty: none. The body is written into `body`. */
void call_outcome_refused(struct call_outcome *outcome, int status, enum error_kind kind, const char *words, struct text place,
			  struct text id, struct buffer *body);

/* A call that ended by its deadline. */
struct call_late {
	int64_t allowed_ms;
	const char *pipeline; /* NULL: it was removed */
	const char *outputs;  /* the topic that an answer goes to which comes later; NULL: none does */
	const char *replies;  /* the replies topic, if it is gone; NULL: it is there */
	const char *answers;  /* the topic of the pipeline's answers, likewise */
	const char *absence;  /* with it: topic_presence_absence() */
	struct text poll;     /* with it: the id by which that answer can be polled */
	bool taken;	      /* Kafka, or a worker, has the request */
	bool is_keyed;	      /* it has an idempotency key */
	bool is_unhurried;    /* it is processed, however late Kafka gets it */
	bool is_stopping;     /* the gateway is, and there is no time left */
};

/* Writes the reason of its error. */
void call_late_write(const struct call_late *late, char words[ERROR_TEXT_MAX]);

/* Writes the outcome of a poll for an answer that is not there yet. */
void call_outcome_pending(struct call_outcome *outcome, struct text id, struct buffer *body);

/* Writes the outcome of a request that Kafka has accepted and that has no answer: `{"id": ...}`. */
void call_outcome_accepted(struct call_outcome *outcome, struct text id, struct buffer *body);

/* Where an answer was found in the outputs. All is borrowed. */
struct outcome_record {
	struct headers headers; /* of the answer */
	struct text place;	/* of its request */
	struct text id;		/* of its request; empty: it is not known */
	struct arena *arena;	/* for the decoded answer */
};

/* Gives an error from the outputs, which is only words there, the form of a reply's error, whatever its format: with its kind, the
 * place and the id of its request. One that cannot be read stays as it is. */
void call_outcome_explain(struct call_outcome *outcome, const struct outcome_record *record, struct buffer *body);

/* Whether an id can be the header x-request-id of an answer: the id of a body may have any length and any bytes, and then it is in
 * the answer's body alone. */
bool call_id_is_header(struct text id);

/* The content type of the body as callers get it: bytes follow the JSON of an answer that has `header_length`. */
struct text call_outcome_type(const struct call_outcome *outcome);

/* Copies into the arena, which the outcome then has. A failed arena: memory ran out. */
void call_outcome_keep(struct call_outcome *kept, const struct call_outcome *outcome, struct arena *arena);
