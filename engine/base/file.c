/* file.c: a file read whole; see file.h. */
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PIECE_BYTES ((size_t)65536)

static void read_stream(FILE *stream, size_t bytes_max, struct buffer *out)
{
	while (out->length < bytes_max) {
		size_t piece = bytes_max - out->length < PIECE_BYTES ? bytes_max - out->length : PIECE_BYTES;
		char *room = buffer_room(out, piece);
		size_t taken = room ? fread(room, 1, piece, stream) : 0;
		if (taken == 0)
			return;
		buffer_grown(out, taken);
	}
}

static bool cannot_read(const char *path, int why, struct error *error)
{
	return error_set(error, ERROR_CONFIG, (struct place){.file = path},
			 "%s cannot be read: %s; is the path right, and may you read it?", path, strerror(why));
}

bool file_read(const char *path, size_t bytes_max, struct arena *arena, struct text *text, struct error *error)
{
	struct buffer bytes;
	bool standard_input = strcmp(path, "-") == 0;
	FILE *stream = standard_input ? stdin : fopen(path, "rb");
	*text = (struct text){0};
	if (!stream)
		return cannot_read(path, errno, error);
	buffer_open(&bytes, bytes_max);
	read_stream(stream, bytes_max, &bytes);
	int failed = ferror(stream) ? errno : 0;
	if (!standard_input)
		(void)fclose(stream);
	const char *copy =
		failed || buffer_failed(&bytes) ? NULL : arena_copy(arena, bytes.bytes ? bytes.bytes : "", bytes.length);
	*text = (struct text){copy, copy ? bytes.length : 0};
	buffer_close(&bytes);
	if (failed)
		return cannot_read(path, failed, error);
	return copy || error_memory(error, ERROR_SYSTEM, "reading a file");
}
