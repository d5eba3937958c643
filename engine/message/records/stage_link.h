/* stage_link.h: Stage link: a request between two stages of its pipeline, as a record of the stage's topic
 * (schemas/crossing.avsc, single-object Avro).
 *
 * The record holds everything that the answer needs of the request, so no later stage looks back. It has the
 * envelope, the answer's format, the request's own bytes (for a dead letter), and the results of the steps that
 * later stages read. A tensor that several steps passed on is written once.
 *
 * Only the engine reads and writes these records. `version` defines the fields; a record of another version is
 * refused with that version in the error.
 */
#pragma once

#include "message/records/carried.h"

#define STAGE_LINK_VERSION 2

/* Fields of a record besides the message. All of it is borrowed. */
struct stage_link {
	struct text from;     /* name of the sending stage */
	uint64_t deployment;  /* version of the pipeline in which the request began */
	struct text original; /* the request's record, unchanged */
	struct text key;      /* of that record, and of its answer; bytes NULL: none */
	int64_t deadline_ms;  /* wall clock; 0: none */
	bool request;	      /* whether the request's payload is included */
	struct text outcomes; /* what its experiments are judged by, for the stage that answers; empty: nothing */
	struct text reads;    /* to observers: what the sender reads (sender_reads_add()); empty: one partition, to its end */
};

/* The first header of a record whose request has an event time of its own: when the request's record was written. A request that
 * brings such a header as its first is not believed: then the time is always put before it. */
#define STAGE_LINK_WRITTEN ":written"

/* Before that header, if the record says what its sender reads; a request that brings such a header is not believed either. */
#define STAGE_LINK_READS ":reads"

/* The next header, if one of the request's has no value: `1` for each of those, `0` for the others, which follow. */
#define STAGE_LINK_NULLS ":null"

/* Before all of these, if the record has outcomes; a request that brings such a header is not believed. */
#define STAGE_LINK_OUTCOMES ":outcomes"

/* Head of a record, read without decoding the rest. */
struct stage_link_head {
	struct text from;
	uint64_t deployment;
	struct text id;
	struct origin origin;
};

/* Appends the record of a message that goes on to that stage (a bit of carried->next). Uses the message's
 * arena. LIMIT: it does not fit. */
bool stage_link_encode(const struct message *message, uint64_t next, const struct stage_link *stage_link, struct buffer *out,
		       struct error *error);

/* Decodes a record: sets all of the message except its arena, and `stage_link`. Everything borrows from the
 * bytes and the message's arena. The message's own deadline is not changed, because it uses another clock.
 * INPUT: the bytes are not such a record. */
bool stage_link_decode(struct message *message, struct text bytes, struct stage_link *stage_link, struct error *error);

/* Adds a further record of the same request, from another stage: its results are added to what the message
 * carries. */
bool stage_link_add(struct message *message, struct text bytes, struct stage_link *stage_link, struct error *error);

bool stage_link_peek(struct text bytes, struct stage_link_head *head, struct error *error);

/* ---- what the sender reads ----
 *
 * Partitions that a stage is assigned, in the records that it sends to observers, and which of them it is behind in, because they
 * have more records. An observer waits for these before it takes what is younger. The text has the number of each partition, and
 * behind it `+` if the stage is behind, else `-`: `0+1-2+`. A stage of which nothing is to be said, since it reads one partition to
 * its end, writes none. */

#define SENDER_READS_MAX 256	    /* partitions; of more nothing is said, so nobody waits for them */
#define SENDER_READS_BYTES_MAX 4096 /* of their text */

void sender_reads_add(struct buffer *reads, int32_t partition, bool is_behind);

/* The next partition of the text, which is cut off behind it. False: there is none. */
bool sender_reads_next(struct text *reads, int32_t *partition, bool *is_behind);
