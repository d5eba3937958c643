/* access_file.c: see access_file.h. */
#include "gateway/access/access_file.h"

bool access_file_changed(const struct access_file *file)
{
	return file->path && file_stamp_differs(file->path, &file->stamp);
}

bool access_file_read(struct access_file *file, size_t bytes_max, struct arena *arena, struct text *text, struct error *error)
{
	file_stamp_take(file->path, &file->stamp); /* before the file is read, so that a change during the read is noticed next
						    * time */
	return file_read(file->path, bytes_max + 1, arena, text, error);
}
