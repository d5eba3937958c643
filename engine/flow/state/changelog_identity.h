/* changelog_identity.h: Identity of a changelog partition, by which the loss of state is detected.
 *
 * The first commit that writes state to a changelog partition also writes its identity. It has a number, the
 * partition's first offset, and the names of the steps whose state the partition contains. Every commit of the
 * input's offset has in its metadata a reference: the changelog's name, the number, and the end of the changelog at
 * that time. A restore compares the two. So it detects a changelog that was deleted, made again, emptied, or cut off
 * at either end; another changelog; and other names of steps.
 *
 * The number follows from the changelog's name, its partition and the losses that an operator has accepted. So two
 * engines that write one at the same time, one of which has lost the partition and does not know it yet, write the
 * same. A partition that is lost before any commit refers to it gets the same number again when it is made again, and
 * no restore detects that. So a snapshot must not replace more of a changelog than commits refer to.
 *
 * librdkafka below 2.3 does not report the ids of topics, and an id would not show that records are missing.
 * Therefore the identity is a record.
 *
 * Pure. A store belongs to one thread at a time.
 */
#pragma once

#include "flow/state/store.h"

/* Scope of the identity in a store, a changelog and a snapshot; no step can have that name. */
#define IDENTITY_SCOPE "+changelog"

/* Reference of a commit to the state that belongs to its offset. */
struct state_reference {
	uint64_t id;		  /* of the changelog partition; 0: the commit has no reference */
	int64_t end;		  /* the changelog partition reached at least this offset */
	const char *changelog;	  /* its topic */
};

#define STATE_REFERENCE_BYTES_MAX 350 /* of the metadata, with a NUL; Kafka accepts 4096 by default */
#define CHANGELOG_NAME_BYTES_MAX 250  /* of a topic's name, with a NUL */
#define CHANGELOG_DIFFERENCE_BYTES_MAX 120 /* leaves space in an error for the reason and the advice */

/* Writes a reference as metadata of a commit: text, with a NUL. Empty if there is no reference. */
void state_reference_write(const struct state_reference *reference, char metadata[STATE_REFERENCE_BYTES_MAX]);

/* Reads a reference, and the name that it borrows. Metadata that sluice did not write has no reference, and neither
 * has that of 0.1.0, which is empty. */
void state_reference_read(struct text metadata, struct state_reference *reference, char changelog[CHANGELOG_NAME_BYTES_MAX]);

/* Writes the difference between the names of two changelogs: "pipeline `p` is now `q`", "stage `request` is now
 * `count`", or both. Empty: they are equal, they are not names that sluice gives to changelogs, or they are too long
 * for a message. */
void changelog_difference_write(const char *before, const char *now, char words[CHANGELOG_DIFFERENCE_BYTES_MAX]);

/* Findings of a restore of one partition's state. */
struct identity_check {
	const char *pipeline;	/* that the state belongs to, for messages */
	const char *changelog;
	int32_t partition;
	struct state_reference reference; /* of the group's last commit */
	bool committed;	 /* the group has committed an offset there */
	int64_t low, end; /* the partition's first offset, and that at which the restore ended */
	bool from_snapshot; /* the changelog was not read from its beginning */
	bool new_state;	 /* the operator accepts that state was lost */
	/* A control plane names the changelog. The last commit may then refer to another changelog of the pipeline, of another
	 * version of it: the state is used as it was left. */
	bool versioned;
	bool observes; /* the stage has observers alone: one that has another name begins anew, which changes no answer */
	/* Observers whose changelog was made again, or emptied, begin without state; what it has got since is removed. */
	bool begins_anew;
};

enum identity_verdict {
	IDENTITY_GOOD,
	IDENTITY_LATE, /* the partition ends before the committed reference: its leader may not have received all of it yet */
	IDENTITY_LOST, /* `error` has the reason and what to do (SYSTEM) */
	IDENTITY_FAILED, /* memory ran out (SYSTEM) */
};

/* Checks the identity, and writes it into the store if it is new or changes; the write counts as a change. `note`
 * gets a line for the operator, or "". `id` gets the number for references. A store without IDENTITY_SCOPE passes,
 * with id 0. */
enum identity_verdict identity_settle(struct store *store, const struct identity_check *check, uint64_t *id,
				      char note[ERROR_TEXT_MAX], struct error *error);
