/* commit_mark.h: Mark of a commit whose partition was moved to another consumer group (kafka/consume/offset_migration.h).
 *
 * The mark begins the commit's metadata: `sluice moved to=GROUP`. What the metadata said before follows behind a space, and
 * means the same as without the mark (flow/state/changelog_identity.h). A consumer that is given a partition with a mark does
 * not read it (kafka/consume/assignment_check.h). The next commit of the group has no mark.
 *
 * Engines of versions before the mark ignore it.
 */
#pragma once

#include "base/text.h"

#define COMMIT_MARK_BYTES_MAX 1024 /* of metadata with a mark, with a NUL; Kafka accepts 4096 by default */

/* Writes the metadata `before`, which may have another mark, with a mark of this group. False: it would be too long. */
bool commit_mark_write(const char *group, struct text before, char metadata[COMMIT_MARK_BYTES_MAX]);

/* The group that the mark names; empty: there is no mark. Borrows the metadata. */
struct text commit_mark_group(struct text metadata);

/* The metadata behind the mark, or all of it if there is none. Borrows the metadata. */
struct text commit_mark_strip(struct text metadata);
