/* replay_request.h: Request that is made from a dead letter, to be sent again. For `errors replay`.
 *
 * It has the bytes, the key and the headers of the failed request, with two exceptions: the header `x-request-id` is the
 * letter's id, if it has one, and a request that had a deadline gets a new one, because the old one has passed. One of the headers
 * is the record of its assignments (message/records/assigned_record.h).
 */
#ifndef SLUICE_TOOLS_SOURCE_REPLAY_REQUEST_H
#define SLUICE_TOOLS_SOURCE_REPLAY_REQUEST_H

#include "message/records/dead_letter.h"

struct replay_request { /* borrows from the letter and the arena */
	struct text payload;
	struct headers headers;
	struct header *items; /* of `headers`, with room for REPLAY_HEADERS_ADDED more than the letter has */
};

#define REPLAY_HEADERS_ADDED 3

/* `deadline_ms` is the new deadline, in milliseconds since 1970. SYSTEM: memory ran out. */
bool replay_request_make(const struct dead_letter *letter, int64_t deadline_ms, struct arena *arena,
			 struct replay_request *request, struct error *error);

/* Sets a header in place of all that have the name, in any case. At most REPLAY_HEADERS_ADDED names, those of
 * replay_request_make() included. */
void replay_request_put(struct replay_request *request, struct text name, struct text value);

/* Removes all headers of the name, in any case. */
void replay_request_remove(struct replay_request *request, struct text name);

#endif
