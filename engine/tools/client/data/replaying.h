/* replaying.h: Replay of failed requests: read from the errors topic, edited if that is asked for, sent again, and marked there.
 * For `sluice errors replay`. */
#pragma once

#include "message/records/dead_letter.h"
#include "tools/client/data/dead_letters.h"
#include "tools/client/kafka.h"

/* Request that is made from a dead letter, to be sent again. For `errors replay`.
 *
 * It has the bytes, the key and the headers of the failed request, with two exceptions: the header `x-request-id` is the
 * letter's id, if it has one, and a request that had a deadline gets a new one, because the old one has passed. One of the headers
 * is the record of its assignments (message/records/assigned_record.h).
 */
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

struct replay_asked {
	const struct pipeline_target_asked *target;
	const char *pipeline;
	struct dead_letters_wanted wanted;
	bool edit;	     /* opens each request in an editor first */
	bool reassign;	     /* experiments choose anew, instead of as before the requests failed */
	int64_t deadline_ns; /* new deadline of requests that had one */
};

struct replaying { /* starts with the first two, which are borrowed until replaying_close() */
	const struct workspace *workspace;
	const struct replay_asked *asked;
	bool was_sent; /* what is below is known */
	uint64_t acknowledged, refused, left_out;
	struct pipeline_target target; /* its `inputs` is the topic to which they are sent */
	struct sender *sender;
	struct arena *arena; /* of one letter */
	uint64_t sent;
	struct replayed_place *places; /* of sent requests, by their numbers from 1 */
	size_t place_room;
};

/* Waits until Kafka has acknowledged or refused each. What was refused goes to the workspace as a note. */
bool replaying_run(struct replaying *replaying, struct error *error);
void replaying_close(struct replaying *replaying);
