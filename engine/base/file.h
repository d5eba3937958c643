/* file.h: a file, or standard input, read whole into an arena. */
#ifndef SLUICE_BASE_FILE_H
#define SLUICE_BASE_FILE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* Reads what stands at `path` ("-": standard input) into `text`, behind which a NUL
 * stands. No more than `bytes_max` bytes are read: who has a limit asks for one byte
 * more, and refuses what is that long. false: it cannot be read (CONFIG), or memory ran
 * out (SYSTEM). */
bool file_read(const char *path, size_t bytes_max, struct arena *arena, struct text *text, struct error *error);

#endif
