/* files.h: the files that options of steps name, read once for all who ask.
 *
 * A relative name is relative to the folder of the YAML that it stands in; `file:` may stand
 * before a path. What is elsewhere (http:, https:, s3:) is fetched (artifact.h), and waited
 * for. What was read
 * stays until the files are closed, so that every worker and pipeline of a deployment sees
 * the same bytes, whatever becomes of the file meanwhile.
 *
 * Any thread may read; opening and closing belong to one.
 */
#ifndef SLUICE_SERVING_FILES_H
#define SLUICE_SERVING_FILES_H

#include "step/step.h"

#define FILE_BYTES_MAX ((size_t)256 << 20) /* of one: a forest of a million leaves takes 100 MiB */

struct files;

struct files *files_open(struct error *error); /* NULL: SYSTEM */

/* From now on what is elsewhere is not fetched (or is again): asking for it fails with REMOTE. How often that was said says
 * files_left(). */
void files_stay_here(struct files *files, bool stay);
size_t files_left(const struct files *files);

/* For a thread that may wait: fetches what was left, so that it is there, or the reason why not. Nobody else uses the files
 * meanwhile, but for files_give_up(), which ends it within a second. What was read here is forgotten: it may change. */
void files_fetch_left(struct files *files);
void files_give_up(struct files *files);
void files_close(struct files *files);	       /* NULL is fine */

/* For flows and plans; the files'. */
const struct file_source *files_source(struct files *files);

/* The path or the URL from which a file is read, in the arena; NULL: it is full. */
const char *files_path(const struct name *file, struct arena *arena);

/* The same source, that knows what was read through it. */
struct files_view {
	struct file_source source;
	struct files *files;
	struct seen_file *seen;
};

void files_view_begin(struct files_view *view, struct files *files);

/* The same for views through which the same files were read, of the same bytes; any thread
 * may ask. */
uint64_t files_view_content(const struct files_view *view);

#endif
