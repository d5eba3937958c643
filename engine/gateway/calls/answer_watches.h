/* answer_watches.h: Watches of submitted requests: their callers get server-sent events until the answer is there.
 *
 * A watch begins with a search for the answer (polls.h). If that finds no such request, or fails, the caller gets what a poll
 * gets. Else the caller gets the event `accepted`, a comment every WATCH_COMMENT_MS, and the outcome as the last event. Searches
 * repeat after a quarter of the time that the watch has taken, between WATCH_PAUSE_MS_LEAST and WATCH_PAUSE_MS_MAX; each begins
 * where the former one ended. At most WATCH_SEARCHES run at once, so that polls always find a place.
 *
 * A watch ends without an outcome (event `pending`) after the time that its caller gives it, after WATCH_MS_MAX, as the caller must
 * show again who it is, or when the gateway stops. If Kafka says nothing for that time, the caller gets what a poll gets. A caller
 * that has disconnected is noticed within WATCH_LOOK_MS.
 *
 * Independent of protocols. Belongs to its loop's thread.
 */
#pragma once

#include "gateway/calls/call_outcome.h"
#include "gateway/calls/polls.h"

/* Server-sent events of a watch (answer_watches.h), as callers get them. Pure.
 *
 * `accepted` is the first one. One of `answer`, `filtered`, `failed` and `pending` is the last: the request was answered, a step
 * dropped it, it failed, or the watch ended before. None is called `error`: that is what browsers call a connection that is lost.
 * The data is one line of JSON: `id` (of the submitted request), and in the last event `status` (what a poll would get). An
 * answer and a failure have `content_type`, `headers` and `request_id`, where they are known, and `body` if it is JSON, else
 * `body_base64`; with binary tensors `header_length`, the number of bytes of JSON before them. An event that would be longer than
 * WATCH_EVENT_BYTES_MAX has `location` instead, where a poll gets the body.
 *
 * The event of a request that has ended has its id, too, as SSE's `id`. Browsers connect again when a stream ends, and send the id
 * of the last event as Last-Event-ID: then all was said. `accepted` and `pending` have none, so that they watch again, nor has a
 * failure with 503, which may have been that of the watch.
 */
#define WATCH_EVENT_BYTES_MAX ((size_t)512 << 10) /* half of what a connection keeps for a caller that does not read */
#define WATCH_COMMENT ": keep-alive\n\n"

/* The event of an answer, of a request that was filtered out, or of a failure. `out` has a ceiling of
 * WATCH_EVENT_BYTES_MAX. */
void watch_event_end(struct buffer *out, const struct call_outcome *outcome, struct text id, struct text location);

#define WATCHES_MAX 128	 /* at once; further ones are refused */
#define WATCHES_SHARES 4 /* a caller has at most one of so many equal parts of them */
#define WATCH_SEARCHES (POLLS_AT_ONCE / 2)
#define WATCH_PAUSE_MS_LEAST 100 /* between two searches */
#define WATCH_PAUSE_MS_MAX 5000
#define WATCH_COMMENT_MS 15000 /* less than the 30 s or more after which proxies close a silent connection */
#define WATCH_LOOK_MS 1000
#define WATCH_MS_MAX 600000

struct answer_watches;

struct answer_watches_config {
	/* Starts a search, as polls_begin() does with `searcher`. */
	bool (*search)(void *searcher, const struct poll_request *request);
	void *searcher;
};

struct answer_watches *answer_watches_open(struct loop *loop, const struct answer_watches_config *config, struct error *error);

/* Forgets open watches, whose callers get nothing more. Before the polls are closed. NULL is fine. */
void answer_watches_close(struct answer_watches *watches);

/* Ends all watches, now and from now on, in the next turns of the loop. */
void answer_watches_drain(struct answer_watches *watches);

/* What is done for a watch's caller: `refuse` once, or `begin` once, `send` for each event, and `end` once. */
struct answer_watch_caller {
	void (*refuse)(void *context, const struct call_outcome *outcome);
	void (*begin)(void *context);
	bool (*send)(void *context, struct text piece); /* false: the caller has disconnected */
	void (*end)(void *context);
	bool (*is_over)(void *context); /* whether it has disconnected */
};

struct answer_watch_request {
	const char *inputs, *outputs; /* topics of the pipeline; copied, as is `location` */
	struct submission submission;
	struct text location; /* where the request is polled */
	uint64_t share;	      /* hash of the caller, whose watches are counted together; 0: it has no share */
	int64_t allowed_ms;   /* for which its caller watches; 0: it did not say */
	bool heads_only;      /* ends when the stream would begin */
	const struct answer_watch_caller *caller;
	void *context;
};

enum answer_watch_start {
	WATCH_STARTED,
	WATCH_NO_SHARE, /* its caller watches as many as it may */
	WATCH_NO_PLACE, /* WATCHES_MAX run, or memory ran out */
};

/* Starts a watch; its caller hears of it later. */
enum answer_watch_start answer_watches_begin(struct answer_watches *watches, const struct answer_watch_request *request);

size_t answer_watches_count(const struct answer_watches *watches);
