/* polls.h: Polls of submitted requests: searches for their answers (answer_search.h), each in a thread of its own, and their
 * outcomes as callers get them. A few run at once. Further ones wait, and the oldest whose caller has its share free is next. A
 * poll that has waited for POLLS_WAIT_MS waits no more. One whose caller has said for how long it waits ends with that time
 * instead, and any ends whose caller leaves, or that is open for POLLS_DRAIN_MS while the gateway stops. The search of one that
 * ends so is told to stop, and keeps its place for seconds at most. Belongs to its loop's thread. */
#pragma once

#include "gateway/calls/answer_search.h"
#include "gateway/calls/calls.h"
#include "gateway/calls/submission.h"

#define POLLS_AT_ONCE 8 /* each has a thread and a client of Kafka, for about a tenth of a second */
#define POLLS_WAITING 64 /* so that few wait longer than a second */
#define POLLS_MAX ((size_t)POLLS_AT_ONCE + POLLS_WAITING)
#define POLLS_SHARES 4	    /* a caller has at most one of so many equal parts: of those that run, and of all */
#define POLLS_DRAIN_MS 1000 /* the gateway stops: far more than a search takes */
#define POLLS_WAIT_MS 10000 /* Kafka is slow: a search takes as long at most */

struct polls;

struct polls_config { /* texts are borrowed as long as the polls */
	const char *brokers;
	struct properties consumer;
	int64_t wait_ms; /* 0: POLLS_WAIT_MS */
};

struct polls *polls_open(struct loop *loop, const struct polls_config *config, struct error *error);

/* The gateway stops: polls that are open, and those that begin, have POLLS_DRAIN_MS, and end with 503 then. */
void polls_drain(struct polls *polls);

/* Tells searches that run to stop, and waits for them: for seconds, if Kafka does not answer. The callers of polls that are open
 * get no outcome. NULL is fine. */
void polls_close(struct polls *polls);

/* What a poll found, for those that poll a request again. */
struct poll_found {
	enum answer_search_outcome outcome;
	int64_t next;	    /* as in struct answer_search */
	bool is_awaited;    /* the same */
	bool was_cancelled; /* ANSWER_FOUND: it has ended by its cancellation */
};
#define POLL_FOUND_NOTHING ((struct poll_found){.outcome = ANSWER_PENDING, .next = -1})

struct poll_request {
	const char *inputs,
		*outputs; /* topics of the pipeline; copied. `outputs` NULL: the request alone is looked for, and its id */
	struct text target;	      /* the pipeline's name; copied */
	const char *explanations;     /* that are polled instead of the answer; copied. NULL: none */
	struct submission submission;
	struct text id;	    /* of explanations: that of the request instead of a submission; copied. Empty: the submission counts */
	struct text caller; /* with it: the only one who may poll, as in struct answer_search; copied */
	struct poll_found *found; /* of the former poll; then of this one, before `ended` is called. NULL: it is not polled again */
	int64_t allowed_ms;	  /* for which its caller waits: then the outcome is 504; 0: it did not say */
	uint64_t share;		  /* hash of the caller, whose polls are counted together; 0: it has no share */
	void (*ended)(void *context, const struct call_outcome *outcome);
	bool (*is_over)(void *context); /* whether its caller has left; looked at while it is open. NULL: it does not leave */
	void *context;
};

enum poll_start {
	POLL_STARTED,  /* it runs or waits, and `ended` is called later */
	POLL_NO_SHARE, /* its caller has as many polls open as it may */
	POLL_NO_PLACE, /* as many wait as may, or memory ran out */
};

enum poll_start polls_begin(struct polls *polls, const struct poll_request *request);

/* How the caller of one that was not started is refused. */
static inline int poll_refusal_status(enum poll_start start)
{
	return start == POLL_NO_SHARE ? 429 : 503;
}

static inline const char *poll_refusal_words(enum poll_start start)
{
	return start == POLL_NO_SHARE ? "this caller has its share of polls open; wait for one to end, or watch the request"
				      : "the gateway has as many polls open as it can; try again later";
}

/* Of one that looks for the first answer to an idempotency key. */
static inline const char *poll_replay_refusal_words(enum poll_start start)
{
	return start == POLL_NO_SHARE
		       ? "the gateway looks for as many answers for this caller as it may; ask again with the same key"
		       : "the gateway looks for as many answers as it can; ask again with the same key";
}
