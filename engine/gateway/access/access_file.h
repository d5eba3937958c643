/* access_file.h: File that is read again when its stamp has changed: keys and policies, which are replaced while in
 * use. */
#pragma once

#include "base/file.h"

#define ACCESS_FILES_MS 2000 /* interval of checks for changes: each is a system call */

struct access_file {
	const char *path; /* borrowed; NULL: there is no file, and it never changes */
	struct file_stamp stamp; /* private */
};

/* Whether the file differs from what was read last. A deleted file has not changed. */
bool access_file_changed(const struct access_file *file);

/* Reads the whole file, but at most one byte more than `bytes_max`. False: CONFIG or SYSTEM; it is read again
 * when it changes. */
bool access_file_read(struct access_file *file, size_t bytes_max, struct arena *arena, struct text *text, struct error *error);
