/* access_file.h: File that is read again when it has changed: of keys and policies, which are replaced while they are in force.
 *
 * A change is seen by the file's number, size and time of change, through links, so a mounted ConfigMap, whose folder is replaced,
 * is seen too.
 */
#ifndef SLUICE_GATEWAY_ACCESS_FILE_H
#define SLUICE_GATEWAY_ACCESS_FILE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#define ACCESS_FILES_MS 2000 /* how often files are looked at: a call of the system each */

struct access_file {
	const char *path; /* borrowed; NULL: there is none, and it never changes */
	int64_t stamp[5]; /* its own */
};

/* Whether it is not what was read last. A file that is gone has not changed. */
bool access_file_changed(const struct access_file *file);

/* Reads it whole, at most a byte more than `bytes_max`. False: CONFIG or SYSTEM; it is read again when it changes. */
bool access_file_read(struct access_file *file, size_t bytes_max, struct arena *arena, struct text *text, struct error *error);

#endif
