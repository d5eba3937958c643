/* file.c: see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
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

/* The bytes in the arena, if they were read. Closes the buffer. */
static bool text_keep(bool read, struct buffer *bytes, struct arena *arena, struct text *text, struct error *error)
{
	const bool good = read && !buffer_failed(bytes);
	const char *copy = good ? arena_copy(arena, bytes->bytes ? bytes->bytes : "", bytes->length) : NULL;
	*text = (struct text){copy, copy ? bytes->length : 0};
	buffer_close(bytes);
	return copy || !read ? read : error_memory(error, ERROR_SYSTEM, "reading a file");
}

bool file_read(const char *path, size_t bytes_max, struct arena *arena, struct text *text, struct error *error)
{
	struct buffer bytes;
	buffer_open(&bytes, bytes_max);
	return text_keep(read_path(path, bytes_max, &bytes, error), &bytes, arena, text, error);
}

/* ---- inside a folder ---- */

#define OPENED_BYTES 32 /* of the path by which the process names what it has opened */

/* The path without links of what is opened. False, and errno: /proc does not say it. */
static bool opened_path(int opened, char *path, size_t size)
{
	char name[OPENED_BYTES];
	(void)snprintf(name, sizeof name, "/proc/self/fd/%d", opened);
	const ssize_t length = readlink(name, path, size - 1);
	path[length > 0 ? length : 0] = '\0';
	return length > 0;
}

/* Whether what is opened is a file below the folder. It is judged when it is open already, so a link that changes meanwhile
 * leads nowhere else. */
static bool is_inside(int folder, int file, const char *shown, struct error *error)
{
	char above[PATH_MAX], path[PATH_MAX];
	struct stat status;
	if (!opened_path(folder, above, sizeof above) || !opened_path(file, path, sizeof path) || fstat(file, &status) != 0)
		return cannot_read(shown, errno, error);
	const size_t length = strlen(above);
	if (strcmp(above, "/") != 0 && (strncmp(path, above, length) != 0 || path[length] != '/'))
		return error_set(error, ERROR_CONFIG, (struct place){.file = shown},
				 "%s leads out of its folder, to %s; put the file itself there", shown, path);
	return S_ISREG(status.st_mode) || error_set(error, ERROR_CONFIG, (struct place){.file = shown}, "%s is not a file", shown);
}

static bool read_opened(int opened, const char *shown, size_t bytes_max, struct buffer *out, struct error *error)
{
	char name[OPENED_BYTES];
	(void)snprintf(name, sizeof name, "/proc/self/fd/%d", opened);
	const int file = open(name, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return cannot_read(shown, errno, error);
	const bool good = read_all(shown, file, false, bytes_max, out, error);
	close(file);
	return good;
}

bool file_read_inside(const char *folder, const char *name, size_t bytes_max, struct arena *arena, struct text *text,
		      struct error *error)
{
	struct buffer bytes;
	const char *shown = arena_print(arena, "%s/%s", folder, name);
	const int root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const int file = root >= 0 ? openat(root, name, O_PATH | O_CLOEXEC) : -1;
	const int why = errno;
	buffer_open(&bytes, bytes_max);
	bool good = shown || error_memory(error, ERROR_SYSTEM, "reading a file");
	if (good && file < 0)
		good = cannot_read(root < 0 ? folder : shown, why, error);
	good = good && is_inside(root, file, shown, error) && read_opened(file, shown, bytes_max, &bytes, error);
	if (file >= 0)
		close(file);
	if (root >= 0)
		close(root);
	return text_keep(good, &bytes, arena, text, error);
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
