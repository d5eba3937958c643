/* record.h: Records that enter and leave the log, and their positions in it.
 *
 * Topics are numbers here: the index in the list with which a consumer or a producer was opened. So no record is
 * looked up by name.
 */
#pragma once

#include "message/message.h"

/* A librdkafka setting beyond those that this module sets itself. A later setting of the same name overrides an
 * earlier one, so the user's come last. */
struct property {
	const char *name;
	const char *value; /* or where it is stored (base/secret.h); read whenever a client is opened */
};

struct properties {
	size_t count;
	const struct property *items;
};

/* A record that was taken. Borrows from the client until record_release(). */
struct record {
	uint32_t topic;
	int32_t partition;
	int64_t offset;
	int64_t time_ms;
	struct text key; /* bytes NULL: none */
	struct text value;
	struct headers headers; /* of a record without `held`, as the simulated Kafka's: its headers are parsed already */
	void *held;		/* the client's */
	bool is_bare;		/* record_header_value() has seen that it has no headers */
};

/* Headers of a record, in the arena; names and values borrow from the record. */
bool record_headers(const struct record *record, struct arena *arena, struct headers *headers, struct error *error);

/* Value of the last header of that name, compared without case; bytes NULL: it has none, or one without a value. Borrows from the
 * record, or from the arena. For a record of which nothing else is read: it spares the copy of the others. An arena of NULL: false,
 * without an error, where that cannot be told without a copy. */
bool record_header_value(struct record *record, struct text name, struct arena *arena, struct text *value,
			 struct error *error);

void record_release(struct record *record); /* a record without `held` is fine */

/* The next offset to read, or to commit, of a partition. */
struct position {
	uint32_t topic;
	int32_t partition;
	int64_t offset; /* OFFSET_NONE: not known, not committed, or not to be committed */
};

#define OFFSET_NONE (-1)

/* The login may not read what is committed, and no commit of the reader is in doubt; or the reader has lost the partition. */
#define OFFSET_UNKNOWN (-2)

struct positions {
	size_t count;
	struct position *items;
};

bool positions_have(struct positions positions, uint32_t topic, int32_t partition); /* at whatever offset */

/* Whether all partitions of `some` are among `all`, at whatever offsets. */
bool positions_include(struct positions all, struct positions some);

/* A record to be written. Everything is copied when it is produced. With a key it goes to the partition that
 * Java's producers would choose. A result without a key goes to the partition number of its origin, modulo the
 * number of partitions of its topic. */
struct outgoing {
	uint32_t topic;
	struct position origin; /* of a result: position of the record that it answers */
	bool beside_origin;	/* it goes to the partition number of its origin, though it has a key */
	struct text key;	/* bytes NULL: none */
	struct text value;
	struct headers headers;
};

size_t outgoing_bytes(const struct outgoing *record); /* of its key, value and headers */

/* A result that the producer's queue accepted and Kafka refused later. */
struct refusal {
	struct position origin; /* its offset has only the low 32 bits */
	uint32_t topic;		/* its destination */
	bool is_denied;		/* the login may not write the topic: nothing else of the record is known */
	bool is_gone;		/* with it: because Kafka has no such topic */
	char reason[ERROR_TEXT_MAX / 2]; /* and what to do */
};

enum produce_verdict {
	PRODUCED,
	PRODUCE_FULL,	 /* the producer's queue is full: try again in a moment */
	PRODUCE_REFUSED, /* this record can never be produced; `error` has the reason (LIMIT) */
	PRODUCE_SPOILT,	 /* nothing more can be produced in this transaction or batch: end it now, and read the news */
};
