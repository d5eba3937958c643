/* file.c: see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define PIECE_BYTES ((size_t)65536)

static bool cannot_read(const char *path, int why, struct error *error)
{
	return error_set(error, ERROR_CONFIG, (struct place){.file = path},
			 "%s cannot be read: %s; is the path right, and may you read it?", path, strerror(why));
}

static bool is_no_file(const char *path, const char *what, struct error *error)
{
	return error_set(error, ERROR_CONFIG, (struct place){.file = path},
			 "%s is %s, and not a file; name a file, or give `-` and pipe its bytes in", path, what);
}

/* Does not wait for whoever writes to a pipe, nor for a device. -1 and an error. */
static int open_file(const char *path, bool *pipe, struct error *error)
{
	struct stat status;
	int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (file < 0) {
		if (errno == ENXIO)
			is_no_file(path, "a socket", error);
		else
			cannot_read(path, errno, error);
		return -1;
	}
	bool good = fstat(file, &status) == 0 || cannot_read(path, errno, error);
	*pipe = good && S_ISFIFO(status.st_mode);
	if (good && (S_ISBLK(status.st_mode) || isatty(file)))
		good = is_no_file(path, S_ISBLK(status.st_mode) ? "a disk" : "a terminal", error);
	if (good)
		return file;
	close(file);
	return -1;
}

/* Waits for a pipe's next bytes, not longer than until then. */
static bool await_bytes(const char *path, int file, int64_t until_ms, struct error *error)
{
	struct pollfd wanted = {.fd = file, .events = POLLIN};
	int64_t left_ms = until_ms - clock_ms();
	if (left_ms > 0 && poll(&wanted, 1, (int)left_ms) > 0)
		return true;
	return error_set(error, ERROR_CONFIG, (struct place){.file = path},
			 "%s is a pipe whose end did not come within %d s; write a file instead", path, FILE_PIPE_MS / 1000);
}

static bool read_all(const char *path, int file, bool pipe, size_t bytes_max, struct buffer *out, struct error *error)
{
	const int64_t until_ms = clock_ms() + FILE_PIPE_MS;
	bool any = false;
	while (out->length < bytes_max) {
		size_t piece = bytes_max - out->length < PIECE_BYTES ? bytes_max - out->length : PIECE_BYTES;
		char *room = buffer_room(out, piece);
		ssize_t taken = room ? read(file, room, piece) : 0;
		if (taken == 0)
			return any || !pipe || is_no_file(path, "a pipe that nobody writes to", error);
		if (taken > 0) {
			any = true;
			buffer_grown(out, (size_t)taken);
		} else if (errno == EAGAIN) {
			if (!await_bytes(path, file, until_ms, error))
				return false;
		} else if (errno != EINTR) {
			return cannot_read(path, errno, error);
		}
	}
	return true;
}

static bool read_input(size_t bytes_max, struct buffer *out, struct error *error)
{
	while (out->length < bytes_max) {
		size_t piece = bytes_max - out->length < PIECE_BYTES ? bytes_max - out->length : PIECE_BYTES;
		char *room = buffer_room(out, piece);
		size_t taken = room ? fread(room, 1, piece, stdin) : 0;
		if (taken == 0)
			break;
		buffer_grown(out, taken);
	}
	return !ferror(stdin) || cannot_read("-", errno, error);
}

static bool read_path(const char *path, size_t bytes_max, struct buffer *out, struct error *error)
{
	bool pipe;
	if (strcmp(path, "-") == 0)
		return read_input(bytes_max, out, error);
	int file = open_file(path, &pipe, error);
	if (file < 0)
		return false;
	bool good = read_all(path, file, pipe, bytes_max, out, error);
	close(file);
	return good;
}

bool file_read(const char *path, size_t bytes_max, struct arena *arena, struct text *text, struct error *error)
{
	struct buffer bytes;
	*text = (struct text){0};
	buffer_open(&bytes, bytes_max);
	bool good = read_path(path, bytes_max, &bytes, error);
	const char *copy = good && !buffer_failed(&bytes) ? arena_copy(arena, bytes.bytes ? bytes.bytes : "", bytes.length) : NULL;
	*text = (struct text){copy, copy ? bytes.length : 0};
	buffer_close(&bytes);
	return copy || !good ? good : error_memory(error, ERROR_SYSTEM, "reading a file");
}

/* ---- writing ---- */

/* Writes all of it. False, and errno. */
static bool stream_write(FILE *out, struct text text)
{
	const bool written = out && fwrite(text.bytes, 1, text.length, out) == text.length;
	const int why = errno;
	if (!out)
		return false;
	if (fclose(out) == 0 && written)
		return true;
	errno = written ? errno : why;
	return false;
}

/* The file that is written first, beside the one that it will be, with the same mode. NULL: there is to be none, since the path is
 * of something else than a file, or no file can be made there. */
static FILE *beside_open(const char *path, char *beside, size_t size)
{
	struct stat status;
	const bool exists = lstat(path, &status) == 0;
	if ((exists && !S_ISREG(status.st_mode)) || (!exists && errno != ENOENT) ||
	    (size_t)snprintf(beside, size, "%s.new", path) >= size)
		return NULL;
	const int file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
	FILE *out = file >= 0 ? fdopen(file, "w") : NULL;
	if (file >= 0 && !out)
		(void)close(file);
	if (out && exists)
		(void)fchmod(file, status.st_mode & 07777);
	return out;
}

bool file_write(const char *path, struct text text, struct error *error)
{
	char beside[PATH_MAX];
	FILE *out = beside_open(path, beside, sizeof beside);
	const bool apart = out != NULL;
	bool good = stream_write(apart ? out : fopen(path, "w"), text);
	if (apart && good)
		good = rename(beside, path) == 0;
	const int why = errno;
	if (apart && !good)
		(void)remove(beside);
	return good || error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "cannot write %s: %s; does its folder exist, with space left, and may you write there?", path,
				 strerror(why));
}

/* ---- stamps ---- */

static bool stamp_read(const char *path, struct file_stamp *stamp)
{
	struct stat seen;
	if (stat(path, &seen) != 0)
		return false;
	*stamp = (struct file_stamp){{(int64_t)seen.st_ino, (int64_t)seen.st_dev, (int64_t)seen.st_size,
				      (int64_t)seen.st_ctim.tv_sec, (int64_t)seen.st_ctim.tv_nsec}};
	return true;
}

void file_stamp_take(const char *path, struct file_stamp *stamp)
{
	(void)stamp_read(path, stamp);
}

bool file_stamp_differs(const char *path, const struct file_stamp *stamp)
{
	struct file_stamp now;
	return stamp_read(path, &now) && memcmp(&now, stamp, sizeof now) != 0;
}
