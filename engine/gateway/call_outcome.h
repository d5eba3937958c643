/* call_outcome.h: Ends of calls as callers see them: a reply read, and errors of the gateway's own written. Pure.
 */
#ifndef SLUICE_GATEWAY_CALL_OUTCOME_H
#define SLUICE_GATEWAY_CALL_OUTCOME_H

#include "gateway/calls.h"

#define CALL_ERROR_BYTES_MAX ((size_t)64 << 10) /* of an error body: its texts are bounded, and JSON may write each byte as six */

/* The status of HTTP for an error of that kind, which an engine answered. `limit` as message/reply.h writes it; empty: none. */
int call_status(struct text kind, struct text limit);

/* Of a reply's value and headers, from which it borrows; lists are in the arena. False: it is no reply. */
bool call_outcome_read(struct call_outcome *outcome, struct text value, struct headers headers, struct arena *arena);

/* An error of the gateway's own. `place` empty: none. The body is written into `body`. */
void call_outcome_refused(struct call_outcome *outcome, int status, enum error_kind kind, const char *words, struct text place,
			  struct text id, struct buffer *body);

/* Kafka has the request, and no answer is to come: `{"id": ...}`. */
void call_outcome_accepted(struct call_outcome *outcome, struct text id, struct buffer *body);

#endif
