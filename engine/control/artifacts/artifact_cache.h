/* artifact_cache.h: Cache of artifacts in a folder of an engine: one file for each, whose name is its digest.
 *
 * A file gets its name when it is whole and has that digest, so several engines may share a folder. It is read and
 * compared with its digest each time before it is used; one that is not what its name says is removed. So the folder may
 * be deleted at any time, and its files need not be on the disk for sure.
 *
 * Any thread may call; a download belongs to one.
 */
#pragma once

#include "control/artifacts/artifact.h"

/* Creates the folder and those above it. CONFIG: it cannot be created or used. */
bool artifact_folder_make(const char *folder, struct error *error);

/* The path of an artifact in the folder, in the arena. NULL: memory ran out. */
const char *artifact_path(const char *folder, const struct artifact *artifact, struct arena *arena);

/* Whether the artifact is there, with its size and digest. A file that is another one is removed. */
bool artifact_is_cached(const char *folder, const struct artifact *artifact);

/* An artifact that is being written. */
struct artifact_download;

/* NULL: SYSTEM, with the path and the system's reason. The folder is borrowed as long as the download lives. */
struct artifact_download *artifact_download_begin(const char *folder, const struct artifact *artifact, struct error *error);

/* SYSTEM: for example, the disk is full. */
bool artifact_download_write(struct artifact_download *download, size_t offset, struct text bytes, struct error *error);

/* Gives the file its name, if it has its digest. Closes the download in any case. INPUT: the bytes have another digest. */
bool artifact_download_keep(struct artifact_download *download, struct error *error);
void artifact_download_drop(struct artifact_download *download); /* NULL is fine */

/* Removes from the folder what `is_kept` does not know and what was not finished, if it is older than
 * ARTIFACT_SWEEP_AFTER_S; returns how many files. */
#define ARTIFACT_SWEEP_AFTER_S 3600 /* another engine may be writing it, or has just fetched it for a newer change */
size_t artifact_cache_sweep(const char *folder, bool (*is_kept)(void *context, const char *digest), void *context);
