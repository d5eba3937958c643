/* identity.h: identity of a changelog partition, by which the loss of state is noticed.
 *
 * The first state that is written to a changelog partition is its identity: a number, where
 * the partition began, and the names of the steps whose state it holds. Every commit of
 * the input's offset then has, in its metadata, a reference: the changelog's name, the number,
 * and how far the changelog reached. When state is restored the two are compared. So it is
 * noticed when the changelog was deleted, made again, emptied, cut off at either end, or is
 * another one, and when its steps have other names.
 *
 * The number follows from the changelog's name, its partition and the losses that an operator has
 * accepted. So two engines that write one at the same time, one of which has lost the partition
 * and does not know yet, write the same.
 *
 * librdkafka below 2.3 does not tell the ids that Kafka gives to topics, and an id would not
 * tell that records are missing; therefore the identity is a record.
 *
 * Pure. A store belongs to one thread at a time.
 */
#ifndef SLUICE_STATE_IDENTITY_H
#define SLUICE_STATE_IDENTITY_H

#include "state/store.h"

/* Scope of the identity in a store, a changelog and a snapshot; no step can have that name. */
#define IDENTITY_SCOPE "+changelog"

/* What a commit says of the state that belongs to its offset. */
struct state_reference {
	uint64_t id;		  /* of the changelog partition; 0: the commit has no reference */
	int64_t end;		  /* the changelog partition reached at least this offset */
	const char *changelog;	  /* its topic */
};

#define STATE_REFERENCE_BYTES_MAX 350 /* of the metadata, with a NUL; Kafka takes 4096 by its defaults */
#define CHANGELOG_NAME_BYTES_MAX 250  /* of a topic's name, with a NUL */

/* As metadata of a commit: text, with a NUL. Empty when there is no reference. */
void state_reference_write(const struct state_reference *reference, char metadata[STATE_REFERENCE_BYTES_MAX]);

/* Fills in the reference and the name that it borrows. Metadata that sluice did not write, that of
 * 0.1.0 (none) among it, has no reference. */
void state_reference_read(struct text metadata, struct state_reference *reference, char changelog[CHANGELOG_NAME_BYTES_MAX]);

/* What was found when a partition's state was restored. */
struct identity_check {
	const char *pipeline;	/* whose state it is, for messages */
	const char *changelog;
	int32_t partition;
	struct state_reference reference; /* of the group's last commit */
	bool committed;	 /* whether the group has committed anything there */
	int64_t low, end; /* the partition's first offset, and that at which restoring ended */
	bool from_snapshot; /* not all of it was read */
	bool new_state;	 /* the operator accepts that state was lost */
};

enum identity_verdict {
	IDENTITY_GOOD,
	IDENTITY_LATE, /* the partition ends before what was committed: perhaps its leader has not heard of all of it yet */
	IDENTITY_LOST, /* `error` says what is wrong and the ways on (SYSTEM) */
	IDENTITY_FAILED, /* memory ran out (SYSTEM) */
};

/* Compares, and writes the identity into the store where it is new or changes, as a change that
 * is to be told. `note` gets a line for the operator, or "". `id` gets the number for references.
 * A store without IDENTITY_SCOPE is good as it is, and its id is 0. */
enum identity_verdict identity_settle(struct store *store, const struct identity_check *check, uint64_t *id,
				      char note[ERROR_TEXT_MAX], struct error *error);

#endif
