/* control_reader.h: Reader of `control` in an engine: what is in force in a namespace, and what is to be prepared.
 *
 * An engine hands in the records of `control` in their order, and the keeper's beats. What is in force changes as a
 * whole, when a change becomes active. Records that cannot be taken are refused and counted, and what was in force
 * stays. When no beat of the keeper has come for KEEPER_STALE_MS, the reader is stale: the engine says so, and goes on
 * with what it has.
 *
 * Pure; belongs to one thread. What is returned is borrowed until the next record.
 */
#ifndef SLUICE_CONTROL_CONTROL_READER_H
#define SLUICE_CONTROL_CONTROL_READER_H

#include "control/keeper.h"

struct control_reader {
	struct ledger ledger;
	int64_t beat_ms;	   /* when the last beat came, or the reader was opened */
	int64_t beat_epoch;	   /* of the newest keeper that was heard */
	struct error last_refused; /* kind NONE: none was */
};

/* `namespace` is borrowed. False: SYSTEM; it may be closed. */
bool control_reader_open(struct control_reader *reader, const char *namespace, int64_t now_ms, struct error *error);
void control_reader_close(struct control_reader *reader); /* a zeroed one is fine */

/* A record of `control`; `value` with NULL bytes: a tombstone. False: SYSTEM alone. */
bool control_reader_take(struct control_reader *reader, struct text key, struct text value, int64_t now_ms, struct error *error);

/* A keeper's beat. Bytes that are none are refused and counted; the beat of a keeper that was replaced counts for
 * nothing. */
bool control_reader_beat(struct control_reader *reader, struct text value, int64_t now_ms, struct error *error);

bool control_reader_is_stale(const struct control_reader *reader, int64_t now_ms);

/* Changes whenever something else may be in force. */
static inline uint64_t control_reader_generation(const struct control_reader *reader)
{
	return reader->ledger.activations;
}

/* The document of that resource which is in force; NULL: there is none. */
const struct control_version *control_reader_in_force(const struct control_reader *reader, const struct ledger_resource *resource);

/* The document of a resource when that change is active: its own, or what is in force. NULL: there is none then. */
const struct control_version *control_reader_prepared(const struct control_reader *reader, const struct ledger_resource *resource,
					      int64_t change);

/* Whether all is there that is in force; else `error` (INPUT) names what is missing. Then the engine keeps what it has. */
bool control_reader_is_whole(const struct control_reader *reader, struct error *error);

/* How many records were refused. */
uint64_t control_reader_refused(const struct control_reader *reader);

#endif
