/* snapshot_file.h: Snapshot of a store on disk, FOLDER/TOPIC-PARTITION.snapshot, named after its changelog.
 *
 * It is written to a temporary file, which replaces the former snapshot when it is complete and on the disk. So a
 * snapshot is complete, or was damaged by others, which its checksums detect.
 *
 * These calls wait for the disk; they are for the archivist's thread.
 */
#pragma once

#include "flow/state/snapshot.h"

struct snapshot_file; /* a snapshot that is being written */

/* Creates the folder if it is missing, and checks that it can be used. CONFIG: it cannot be created, or not be
 * written to. */
bool snapshot_folder_check(const char *folder, struct error *error);

/* Reads the snapshot of that changelog into an empty store. False: `error` has the reason why it cannot be used,
 * and the store then has a part of it. If the kind of `error` is NONE, there is no snapshot. */
bool snapshot_file_read(const char *folder, const char *topic, int32_t partition, struct store *store, struct snapshot_head *head,
			struct error *error);

void snapshot_file_remove(const char *folder, const char *topic, int32_t partition);

/* Begins a snapshot; at most one at a time for each changelog. NULL: SYSTEM. */
struct snapshot_file *snapshot_file_begin(const char *folder, const char *topic, int32_t partition, struct error *error);
bool snapshot_file_write(struct snapshot_file *file, struct text bytes, struct error *error);

/* Both close the file and free `file`. The first puts it in place of the former snapshot; the second leaves no
 * trace. */
bool snapshot_file_keep(struct snapshot_file *file, struct error *error);
void snapshot_file_drop(struct snapshot_file *file); /* NULL is fine */
