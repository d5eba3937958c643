/* watch_event.h: Server-sent events of a watch (answer_watches.h), as callers get them. Pure.
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
#ifndef SLUICE_GATEWAY_CALLS_WATCH_EVENT_H
#define SLUICE_GATEWAY_CALLS_WATCH_EVENT_H

#include "gateway/calls/call_outcome.h"

#define WATCH_EVENT_BYTES_MAX ((size_t)512 << 10) /* half of what a connection keeps for a caller that does not read */
#define WATCH_COMMENT ": keep-alive\n\n"

void watch_event_accepted(struct buffer *out, struct text id);

/* The event of a watch that ends before the request. */
void watch_event_pending(struct buffer *out, struct text id);

/* The event of an answer, of a request that was filtered out, or of a failure. `out` has a ceiling of
 * WATCH_EVENT_BYTES_MAX. */
void watch_event_end(struct buffer *out, const struct call_outcome *outcome, struct text id, struct text location);

#endif
