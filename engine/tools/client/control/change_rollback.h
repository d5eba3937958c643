/* change_rollback.h: Rollback of a resource, and of a change with all its resources: to which version each returns, and what a
 * rollback of one resource leaves in force of a change that had several.
 *
 * Pure. What is returned is borrowed from the ledger, or is in the caller's arena.
 */
#pragma once

#include "control/records/ledger.h"

enum version_before {
	BEFORE_FOUND,
	BEFORE_ABSENT,	/* the resource did not exist */
	BEFORE_UNKNOWN, /* a version in between is not kept any more */
};

/* The version that was accepted before one of a resource's versions, and did not fail. */
enum version_before version_before_find(const struct ledger *ledger, const struct ledger_resource *resource, int64_t version,
					const struct ledger_version **before);

/* The number of CHANGE/N. False: the word names no change. */
bool change_reference_read(const char *word, int64_t *change);

/* The items (struct proposal_item) by which each resource of the change returns to the version before it; one that a rollback has
 * returned already is left out. False: CONFIG, there is no such change, it failed, or later changes or a removal of versions stand
 * against it. */
bool change_rollback_items(const struct ledger *ledger, int64_t change, struct arena *arena, struct record_list *items,
			   struct error *error);

/* Appends a line, or an object, for each resource that the items leave at the version of a change which they take back. To be
 * called before the items are proposed. */
void rollback_rest_print(const struct ledger *ledger, const struct record_list *items, bool json, struct buffer *out);
