/* files.h: Files that options of steps name, each read once and shared.
 *
 * A relative name is relative to the folder of the YAML that contains it. A path may begin with `file:`. A
 * remote file (http:, https:, s3:) is fetched (artifact.h), and the reader blocks until it has come. Contents
 * stay in memory until the files are closed. So every worker and pipeline of a deployment sees the same bytes,
 * even if the file changes meanwhile.
 *
 * Any thread may read; opening and closing belong to one.
 */
#pragma once

#include "compiler/step/step.h"

#define FILE_BYTES_MAX ((size_t)256 << 20) /* of one file: a forest of a million leaves takes 100 MiB */

struct files;

struct files *files_open(struct error *error); /* NULL: SYSTEM */

/* A file that is read in place of the one that a document names: an artifact (control/artifacts/artifact_cache.h). */
struct file_alias {
	const char *document; /* as places of names have it */
	const char *name;     /* as the document writes it */
	const char *path;
	const char *digest; /* SHA-256 of the file, in small hexadecimal digits */
};

/* Sets the aliases, which are copied. Called before anything is read. SYSTEM: memory ran out. */
bool files_alias(struct files *files, const struct file_alias *aliases, size_t count, struct error *error);

/* Stops (or resumes) the fetching of remote files. While it is stopped, a read of one that is not here fails
 * with REMOTE, and files_left() counts it. */
void files_stay_here(struct files *files, bool stay);
size_t files_left(const struct files *files);

/* Fetches the files that were left, so that each is here, or the reason why not. Blocks. Meanwhile no other
 * thread may use the files, except for files_give_up(), which ends the fetching within a second. Local files
 * that were read are forgotten, because they may change. */
void files_fetch_left(struct files *files);
void files_give_up(struct files *files);
void files_close(struct files *files);	       /* NULL is fine */

/* The source of files for flows and plans; owned by the files. */
const struct file_source *files_source(struct files *files);

/* The path or URL from which a file is read, in the arena; NULL: the arena is full. */
const char *files_path(const struct name *file, struct arena *arena);

/* The same source, which also records what was read through it. */
struct files_view {
	struct file_source source;
	struct files *files;
	struct seen_file *seen;
};

void files_view_begin(struct files_view *view, struct files *files);

/* Equal for views through which the same files with the same bytes were read. Callable from any thread. */
uint64_t files_view_content(const struct files_view *view);
