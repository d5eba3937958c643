/* snapshot_file.h: a snapshot of a store on disk, FOLDER/TOPIC-PARTITION.snapshot, by the
 * name of its changelog.
 *
 * It is written beside its place, and put there when it is whole and on the disk: what
 * stands there is whole, or damaged by others, which its checksums show.
 *
 * These calls wait for the disk; they are for the archivist's thread.
 */
#ifndef SLUICE_LOG_SNAPSHOT_FILE_H
#define SLUICE_LOG_SNAPSHOT_FILE_H

#include "state/snapshot.h"

struct snapshot_file; /* being written */

/* The room of a path in it; CONFIG: the folder cannot be made, or not be written in. */
bool snapshot_folder_check(const char *folder, struct error *error);

/* Reads the snapshot of that changelog into an empty store. False: `error` says why it
 * cannot be used (the store then holds a part of it); or there is none, its kind is NONE. */
bool snapshot_file_read(const char *folder, const char *topic, int32_t partition, struct store *store, struct snapshot_head *head,
			struct error *error);

void snapshot_file_remove(const char *folder, const char *topic, int32_t partition);

/* NULL: SYSTEM. One at a time for each changelog. */
struct snapshot_file *snapshot_file_begin(const char *folder, const char *topic, int32_t partition, struct error *error);
bool snapshot_file_write(struct snapshot_file *file, struct text bytes, struct error *error);

/* Either way the file is closed and `file` is gone: it takes its place, or leaves no trace. */
bool snapshot_file_keep(struct snapshot_file *file, struct error *error);
void snapshot_file_drop(struct snapshot_file *file); /* NULL is fine */

#endif
