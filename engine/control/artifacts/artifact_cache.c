/* artifact_cache.c: see artifact_cache.h. */
#include "control/artifacts/artifact_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#define PATH_BYTES_MAX 4096
#define FILE_MODE 0600 /* a model may be a secret of its owner */
#define FOLDER_MODE 0700
#define SLACK_BYTES ((size_t)1 << 20) /* of an arena, beside the file */

struct artifact_download {
	struct artifact artifact;
	int file;
	char path[PATH_BYTES_MAX], place[PATH_BYTES_MAX];
};

/* ---- the folder ---- */

bool artifact_folder_make(const char *folder, struct error *error)
{
	char path[PATH_BYTES_MAX];
	int length = snprintf(path, sizeof path, "%s", folder);
	bool good = length > 0 && length < (int)sizeof path;
	errno = good ? 0 : ENAMETOOLONG;
	for (char *slash = path + 1; good && (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		good = mkdir(path, FOLDER_MODE) == 0 || errno == EEXIST;
		*slash = '/';
	}
	good = good && (mkdir(path, FOLDER_MODE) == 0 || errno == EEXIST) && access(folder, R_OK | W_OK | X_OK) == 0;
	return good || error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the folder %s for files of documents cannot be used: %s; name another one with --artifacts",
				 folder, strerror(errno));
}

const char *artifact_path(const char *folder, const struct artifact *artifact, struct arena *arena)
{
	return arena_print(arena, "%s/%s", folder, artifact->digest);
}

/* ---- what is there ---- */

static bool file_is(const char *path, const struct artifact *artifact, struct arena *arena)
{
	struct text content;
	struct error error = {0};
	return file_read(path, artifact->size_bytes + 1, arena, &content, &error) && content.length == artifact->size_bytes &&
	       strcmp(artifact_of(content).digest, artifact->digest) == 0;
}

/* Whether the file at that path is the artifact. */
static bool path_is(const char *path, const struct artifact *artifact)
{
	struct stat status;
	if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || (uintmax_t)status.st_size != artifact->size_bytes)
		return false;
	struct arena *arena = arena_open(artifact->size_bytes + SLACK_BYTES);
	bool good = arena && file_is(path, artifact, arena);
	arena_close(arena);
	return good;
}

static bool path_print(char path[PATH_BYTES_MAX], const char *folder, const char *digest, const char *ending)
{
	int length = snprintf(path, PATH_BYTES_MAX, "%s/%s%s", folder, digest, ending);
	return length > 0 && length < PATH_BYTES_MAX;
}

bool artifact_is_cached(const char *folder, const struct artifact *artifact)
{
	char path[PATH_BYTES_MAX];
	if (!path_print(path, folder, artifact->digest, ""))
		return false;
	if (path_is(path, artifact))
		return true;
	(void)unlink(path);
	return false;
}

/* ---- writing ---- */

static bool download_failed(struct error *error, const char *path, const char *what, int why)
{
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "%s cannot be %s: %s", path, what, strerror(why));
}

struct artifact_download *artifact_download_begin(const char *folder, const struct artifact *artifact, struct error *error)
{
	static atomic_uint number; /* of all downloads of this process */
	char ending[64];
	struct artifact_download *download = memory_take(1, sizeof *download);
	if (!download) {
		error_memory(error, ERROR_SYSTEM, "fetching a file");
		return NULL;
	}
	download->artifact = *artifact;
	(void)snprintf(ending, sizeof ending, ".%d-%u.new", (int)getpid(), atomic_fetch_add(&number, 1));
	bool is_named = path_print(download->path, folder, artifact->digest, ending) &&
			path_print(download->place, folder, artifact->digest, "");
	download->file =
		is_named ? open(download->path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE) : -1;
	if (download->file >= 0)
		return download;
	download_failed(error, is_named ? download->path : folder, "written", is_named ? errno : ENAMETOOLONG);
	memory_give(download);
	return NULL;
}

bool artifact_download_write(struct artifact_download *download, size_t offset, struct text bytes, struct error *error)
{
	while (bytes.length > 0) {
		ssize_t written = pwrite(download->file, bytes.bytes, bytes.length, (off_t)offset);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return download_failed(error, download->path, "written", written < 0 ? errno : ENOSPC);
		bytes = (struct text){bytes.bytes + written, bytes.length - (size_t)written};
		offset += (size_t)written;
	}
	return true;
}

bool artifact_download_keep(struct artifact_download *download, struct error *error)
{
	bool good = path_is(download->path, &download->artifact) ||
		    error_set(error, ERROR_INPUT, PLACE_NONE, "its bytes do not have the SHA-256 %s", download->artifact.digest);
	if (good && rename(download->path, download->place) != 0)
		good = download_failed(error, download->place, "put in its place", errno);
	if (good)
		download->path[0] = '\0'; /* it was renamed, so there is nothing to remove */
	artifact_download_drop(download);
	return good;
}

void artifact_download_drop(struct artifact_download *download)
{
	if (!download)
		return;
	close(download->file);
	if (download->path[0])
		(void)unlink(download->path);
	memory_give(download);
}

/* ---- what is not needed any more ---- */

/* Files whose names are no digests are somebody else's, except unfinished ones. */
static bool name_is_swept(const char *name, bool (*is_kept)(void *context, const char *digest), void *context)
{
	static const char digits[] = "0123456789abcdef";
	if (strspn(name, digits) != ARTIFACT_DIGITS)
		return false;
	return name[ARTIFACT_DIGITS] == '\0' ? !is_kept(context, name) : text_ends_with(text_of(name), TEXT(".new"));
}

size_t artifact_cache_sweep(const char *folder, bool (*is_kept)(void *context, const char *digest), void *context)
{
	size_t count = 0;
	DIR *listing = opendir(folder);
	for (struct dirent *entry; listing && (entry = readdir(listing));) {
		struct stat status;
		if (name_is_swept(entry->d_name, is_kept, context) &&
		    fstatat(dirfd(listing), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		    time_of_day_ms() / MS_PER_S - status.st_mtime > ARTIFACT_SWEEP_AFTER_S)
			count += unlinkat(dirfd(listing), entry->d_name, 0) == 0;
	}
	if (listing)
		closedir(listing);
	return count;
}
