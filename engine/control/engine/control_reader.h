/* control_reader.h: Reader of `control` in an engine: returns the documents that are in force in a namespace, and
 * those that a change would bring into force.
 *
 * An engine passes in the records of `control` in their order, and the keeper's beats. The documents in force change
 * only as a whole, when a change becomes active. An invalid record is refused and counted, and has no other effect.
 * Without a beat of the keeper for KEEPER_STALE_MS, the reader is stale. The engine then reports this, and continues
 * with the documents that are in force.
 *
 * Pure; belongs to one thread. What is returned is borrowed until the next record.
 */
#pragma once

#include "control/keeper/keeper.h"

struct control_reader {
	struct ledger ledger;
	int64_t beat_ms;	   /* when the last beat was received, or the reader was opened */
	int64_t beat_epoch;	   /* of the newest keeper whose beat was received */
	struct error last_refused; /* kind NONE: no record was refused */
};

/* `namespace` is borrowed. False: SYSTEM; it may be closed. */
bool control_reader_open(struct control_reader *reader, const char *namespace, int64_t now_ms, struct error *error);
void control_reader_close(struct control_reader *reader); /* a zeroed one is fine */

/* Reads a record of `control`; `value` with NULL bytes: a tombstone. False only for SYSTEM. */
bool control_reader_take(struct control_reader *reader, struct text key, struct text value, int64_t now_ms, struct error *error);

/* Reads a keeper's beat. Bytes that are not a beat are refused and counted. A beat of a keeper that was replaced is
 * ignored. */
bool control_reader_beat(struct control_reader *reader, struct text value, int64_t now_ms, struct error *error);

bool control_reader_is_stale(const struct control_reader *reader, int64_t now_ms);

/* A number that changes with every activation of a change. While it is the same, the documents in force are the same. */
static inline uint64_t control_reader_generation(const struct control_reader *reader)
{
	return reader->ledger.activations;
}

/* The document of that resource that is in force; NULL: there is none. */
const struct control_version *control_reader_in_force(const struct control_reader *reader, const struct ledger_resource *resource);

/* The document that a resource will have when that change is active: the one of the change, or else the one in force.
 * NULL: it will have none. */
const struct control_version *control_reader_prepared(const struct control_reader *reader, const struct ledger_resource *resource,
					      int64_t change);

/* Whether all documents in force were read. False: `error` (INPUT) names what is missing, and the engine keeps the
 * documents that it runs. */
bool control_reader_is_whole(const struct control_reader *reader, struct error *error);

/* Number of refused records. */
uint64_t control_reader_refused(const struct control_reader *reader);
