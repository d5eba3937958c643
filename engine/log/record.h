/* record.h: what goes in and out of the log, and where it stands there.
 *
 * Topics are numbers here: the place in the list that a consumer or a producer was
 * opened with, so that no record is looked up by name.
 */
#ifndef SLUICE_LOG_RECORD_H
#define SLUICE_LOG_RECORD_H

#include "message/message.h"

/* A librdkafka setting beyond those that the log makes itself; a later one of the
 * same name wins, so a user's come last. */
struct property {
	const char *name;
	const char *value; /* or where it is: base/secret.h; fetched whenever a client is made */
};

struct properties {
	size_t count;
	const struct property *items;
};

/* One record taken. Borrows from the client until record_release(). */
struct record {
	uint32_t topic;
	int32_t partition;
	int64_t offset;
	int64_t time_ms;
	struct text key; /* bytes NULL: none */
	struct text value;
	struct headers headers; /* of a record that holds nothing, as the twin's: they are apart already */
	void *held;		/* the client's */
};

/* Its headers, in the arena; names and values borrow from the record. */
bool record_headers(const struct record *record, struct arena *arena, struct headers *headers, struct error *error);
void record_release(struct record *record); /* one that holds nothing is fine */

/* The next offset to read, or to commit, of a partition. */
struct position {
	uint32_t topic;
	int32_t partition;
	int64_t offset; /* OFFSET_NONE: nothing known, nothing committed, nothing to commit */
};

#define OFFSET_NONE (-1)

struct positions {
	size_t count;
	struct position *items;
};

/* One record to write. Everything is copied when it is produced. With a key it goes where
 * Java's producers would put it; a result without one to the partition number of its
 * origin, modulo how many its topic has. */
struct outgoing {
	uint32_t topic;
	struct position origin; /* of a result: where the record that it answers stood */
	bool beside_origin;	/* it goes to the partition number of its origin, though it has a key */
	struct text key;	/* bytes NULL: none */
	struct text value;
	struct headers headers;
};

/* A result that Kafka took and then would not have. */
struct refusal {
	struct position origin; /* of the offset the low 32 bits alone */
	uint32_t topic;		/* which it was to go to */
	char reason[ERROR_TEXT_MAX / 2];
};

enum produce_verdict {
	PRODUCED,
	PRODUCE_FULL,	 /* the producer's queue is: try again in a moment */
	PRODUCE_REFUSED, /* this record can never be produced: `error` says why (LIMIT) */
	PRODUCE_SPOILT,	 /* nothing more can be produced as things stand: end now, and hear what follows */
};

#endif
