/* stage_link.h: Stage link: a request between two stages of its pipeline, as a record of the stage's topic
 * (schemas/crossing.avsc, single-object Avro).
 *
 * The record holds everything that the answer needs of the request, so no later stage looks back: the envelope,
 * the answer's format, the request's own bytes (for a dead letter), and the results of the steps that later stages
 * read. A tensor that several steps passed on is written once.
 *
 * Only the engine reads and writes these records. `version` defines the fields; a record of another version is
 * refused with that version in the error.
 */
#ifndef SLUICE_MESSAGE_STAGE_LINK_H
#define SLUICE_MESSAGE_STAGE_LINK_H

#include "message/carried.h"

#define STAGE_LINK_VERSION 2

/* What a record has beside the message itself. All of it is borrowed. */
struct stage_link {
	struct text from;     /* name of the stage that sends it */
	uint64_t deployment;  /* version of its pipeline, in which the request began */
	struct text original; /* the request's record as it came */
	struct text key;      /* of that record: its answer keeps it; bytes NULL: none */
	int64_t deadline_ms;  /* of the clock on the wall; 0: none */
	bool request;	      /* whether the request's payload goes along; when read: whether it did */
};

/* Who a record is of, told without reading all of it. */
struct stage_link_head {
	struct text from;
	uint64_t deployment;
	struct text id;
	struct origin origin;
};

/* Appends the record of a message that goes on to that stage (a bit of carried->next).
 * Works in the message's arena. LIMIT: it does not fit. */
bool stage_link_encode(const struct message *message, uint64_t next, const struct stage_link *stage_link, struct buffer *out,
		       struct error *error);

/* Fills in all of the message but its arena, and `crossing`. Everything borrows from the
 * bytes and the message's arena. The message's own deadline is left as it is: it is of
 * another clock. INPUT: the bytes are no such record. */
bool stage_link_decode(struct message *message, struct text bytes, struct stage_link *stage_link, struct error *error);

/* A further record of the same request, from another stage: what that made of it is
 * added to what the message carries. */
bool stage_link_add(struct message *message, struct text bytes, struct stage_link *stage_link, struct error *error);

bool stage_link_peek(struct text bytes, struct stage_link_head *head, struct error *error);

#endif
