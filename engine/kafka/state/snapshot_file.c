/* snapshot_file.c: see snapshot_file.h. */
#include "kafka/state/snapshot_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define PATH_BYTES_MAX 4096
#define SNAPSHOT_MODE 0600 /* state contains data of requests: no other user may read it */
#define FOLDER_MODE 0700

struct snapshot_file {
	int file;
	char path[PATH_BYTES_MAX];
	char place[PATH_BYTES_MAX];
	char folder[PATH_BYTES_MAX];
};

static bool path_print(char path[PATH_BYTES_MAX], const char *folder, const char *topic, int32_t partition, const char *ending)
{
	int length = snprintf(path, PATH_BYTES_MAX, "%s/%s-%d.%s", folder, topic, (int)partition, ending);
	return length > 0 && length < PATH_BYTES_MAX;
}

static bool snapshot_file_failed(struct error *error, const char *path, const char *what, int why)
{
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "%s cannot be %s: %s", path, what, strerror(why));
}

bool snapshot_folder_check(const char *folder, struct error *error)
{
	if (mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the folder %s for snapshots cannot be created: %s; choose another", folder, strerror(errno));
	return access(folder, R_OK | W_OK | X_OK) == 0 ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "the folder %s for snapshots cannot be used: %s; choose another, or grant access", folder,
			 strerror(errno));
}

/* ---- reading ---- */

/* Reads the next piece for the reader into `piece`. */
static bool piece_read(FILE *stream, const char *path, struct buffer *piece, size_t wants, struct error *error)
{
	buffer_clear(piece);
	char *room = buffer_room(piece, wants);
	if (!room)
		return error_memory(error, ERROR_SYSTEM, "reading a snapshot");
	size_t taken = fread(room, 1, wants, stream);
	buffer_grown(piece, taken);
	if (taken == wants)
		return true;
	return ferror(stream) ? snapshot_file_failed(error, path, "read", errno)
			      : error_set(error, ERROR_SYSTEM, PLACE_NONE, "it is cut off: its end is missing");
}

static bool all_read(FILE *stream, const char *path, struct snapshot_reader *reader, struct store *store, struct error *error)
{
	struct buffer piece;
	bool good = true;
	buffer_open(&piece, SNAPSHOT_BLOCK_MAX);
	for (size_t wants; good && (wants = snapshot_wants(reader)) > 0;)
		good = piece_read(stream, path, &piece, wants, error) && snapshot_take(reader, buffer_view(&piece), store, error);
	buffer_close(&piece);
	return good;
}

bool snapshot_file_read(const char *folder, const char *topic, int32_t partition, struct store *store, struct snapshot_head *head,
			struct error *error)
{
	char path[PATH_BYTES_MAX];
	FILE *stream = path_print(path, folder, topic, partition, "snapshot") ? fopen(path, "rb") : NULL;
	if (!stream)
		return errno == ENOENT ? false : snapshot_file_failed(error, path, "read", errno);
	struct snapshot_reader reader = {0};
	bool good = all_read(stream, path, &reader, store, error);
	(void)fclose(stream);
	*head = reader.head;
	if (good && (strcmp(head->topic, topic) != 0 || head->partition != partition))
		good = error_set(error, ERROR_SYSTEM, PLACE_NONE, "it is of another changelog, %s-%d", head->topic,
				 (int)head->partition);
	return good;
}

void snapshot_file_remove(const char *folder, const char *topic, int32_t partition)
{
	char path[PATH_BYTES_MAX];
	if (path_print(path, folder, topic, partition, "snapshot"))
		(void)unlink(path);
}

/* ---- writing ---- */

struct snapshot_file *snapshot_file_begin(const char *folder, const char *topic, int32_t partition, struct error *error)
{
	assert(folder && partition >= 0);
	struct snapshot_file *file = memory_take(1, sizeof *file);
	if (!file) {
		error_memory(error, ERROR_SYSTEM, "writing a snapshot");
		return NULL;
	}
	bool named = path_print(file->path, folder, topic, partition, "new") &&
		     path_print(file->place, folder, topic, partition, "snapshot") &&
		     snprintf(file->folder, sizeof file->folder, "%s", folder) < (int)sizeof file->folder;
	file->file = named ? open(file->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, SNAPSHOT_MODE) : -1;
	if (file->file >= 0)
		return file;
	snapshot_file_failed(error, file->path, "written", named ? errno : ENAMETOOLONG);
	memory_give(file);
	return NULL;
}

bool snapshot_file_write(struct snapshot_file *file, struct text bytes, struct error *error)
{
	while (bytes.length > 0) {
		ssize_t written = write(file->file, bytes.bytes, bytes.length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return snapshot_file_failed(error, file->path, "written", written < 0 ? errno : ENOSPC);
		bytes = (struct text){bytes.bytes + written, bytes.length - (size_t)written};
	}
	return true;
}

/* Syncs the folder, because only then the file's name is on the disk. */
static bool folder_sync(const struct snapshot_file *file, struct error *error)
{
	int folder = open(file->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced = folder >= 0 && fsync(folder) == 0;
	int why = errno;
	if (folder >= 0)
		close(folder);
	return synced || snapshot_file_failed(error, file->folder, "brought to the disk", why);
}

bool snapshot_file_keep(struct snapshot_file *file, struct error *error)
{
	bool kept = fsync(file->file) == 0 || snapshot_file_failed(error, file->path, "brought to the disk", errno);
	if (kept && rename(file->path, file->place) != 0)
		kept = snapshot_file_failed(error, file->place, "put in its place", errno);
	kept = kept && folder_sync(file, error);
	if (kept)
		file->path[0] = '\0'; /* it was renamed, so there is nothing to remove */
	snapshot_file_drop(file);
	return kept;
}

void snapshot_file_drop(struct snapshot_file *file)
{
	if (!file)
		return;
	close(file->file);
	if (file->path[0])
		(void)unlink(file->path);
	memory_give(file);
}
