/* file.h: Reader of a whole file, or of standard input, into an arena; a writer of one; stamps, by which a change is noticed. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* Longest time to read a pipe: one without a writer, or without an end, is refused. */
#define FILE_PIPE_MS 10000

/* Reads the file at `path` ("-": standard input) into `text`, and adds a NUL after it. Refuses a terminal, a
 * disk or a socket, and reads a pipe for at most FILE_PIPE_MS. Reads at most `bytes_max` bytes. A caller with a
 * limit passes one byte more than the limit, and refuses a text of that length. False: it cannot be read
 * (CONFIG), or memory ran out (SYSTEM). */
bool file_read(const char *path, size_t bytes_max, struct arena *arena, struct text *text, struct error *error);

/* The same for the file of that name in a folder, whose links may lead to other files there, and not out of it (CONFIG). */
bool file_read_inside(const char *folder, const char *name, size_t bytes_max, struct arena *arena, struct text *text,
		      struct error *error);

/* Writes the file anew, first beside it as PATH.new: it has the whole text, or what it had before. What is no file, such as a pipe
 * or a link, is written as it is. CONFIG: it cannot be written. */
bool file_write(const char *path, struct text text, struct error *error);

/* Number, size and time of change of a file, through links. Another file at its path has another stamp, as in a mounted ConfigMap,
 * whose folder is replaced; and so has the same file with another owner or mode. */
struct file_stamp {
	int64_t parts[5];
};

/* Takes the stamp of the file at `path`. Without a file, the stamp stays as it is. */
void file_stamp_take(const char *path, struct file_stamp *stamp);

/* Whether the file at `path` has another stamp. A deleted file has not. */
bool file_stamp_differs(const char *path, const struct file_stamp *stamp);
