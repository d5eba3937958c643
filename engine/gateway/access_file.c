/* access_file.c: see access_file.h. */
#include "gateway/access_file.h"

#include <sys/stat.h>

#include "base/file.h"

static bool stamp_take(const char *path, int64_t stamp[5])
{
	struct stat seen;
	if (!path || stat(path, &seen) != 0)
		return false;
	stamp[0] = (int64_t)seen.st_ino;
	stamp[1] = (int64_t)seen.st_dev;
	stamp[2] = (int64_t)seen.st_size;
	stamp[3] = (int64_t)seen.st_ctim.tv_sec;
	stamp[4] = (int64_t)seen.st_ctim.tv_nsec;
	return true;
}

bool access_file_changed(const struct access_file *file)
{
	int64_t stamp[5];
	return stamp_take(file->path, stamp) && memcmp(stamp, file->stamp, sizeof stamp) != 0;
}

bool access_file_read(struct access_file *file, size_t bytes_max, struct arena *arena, struct text *text, struct error *error)
{
	stamp_take(file->path, file->stamp); /* taken before the file is read, so that a change during the read is noticed next
					      * time */
	return file_read(file->path, bytes_max + 1, arena, text, error);
}
