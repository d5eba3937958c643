/* file.h: a file, or standard input, read whole into an arena. */
#ifndef SLUICE_BASE_FILE_H
#define SLUICE_BASE_FILE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* How long the bytes of a pipe may take: one that nobody writes to, or that does not end, is no file. */
#define FILE_PIPE_MS 10000

/* Reads what stands at `path` ("-": standard input) into `text`, behind which a NUL
 * stands. A terminal, a disk or a socket is refused, and a pipe is not waited for longer
 * than FILE_PIPE_MS. No more than `bytes_max` bytes are read: who has a limit asks for one byte
 * more, and refuses what is that long. false: it cannot be read (CONFIG), or memory ran
 * out (SYSTEM). */
bool file_read(const char *path, size_t bytes_max, struct arena *arena, struct text *text, struct error *error);

#endif
