/* file_watch.c: Inotify on the loop; see file_watch.h. */
#include "engine/run/file_watch.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUIET_MS 50
#define EVENTS_BYTES 4096
#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)

/* Which file it was does not matter: all are read again. */
static void file_watch_on_ready(void *context, uint32_t events)
{
	(void)events;
	struct file_watch *files = context;
	struct error error = {0};
	char bytes[EVENTS_BYTES];
	while (read(files->descriptor, bytes, sizeof bytes) > 0)
		;
	if (!loop_timer_set(files->loop, &files->timer, loop_now_ms(files->loop) + QUIET_MS, &error))
		files->changed(files->context);
}

static void on_quiet(void *context)
{
	struct file_watch *files = context;
	files->changed(files->context);
}

static bool watch_path(struct file_watch *files, const char *folder, struct error *error)
{
	return inotify_add_watch(files->descriptor, folder, EVENTS) >= 0 ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "%s cannot be watched: %s; raise fs.inotify.max_user_watches", folder,
			 strerror(errno));
}

/* False, and false in `there`, when nothing stands at the path. */
static bool is_folder(const char *path, bool *there)
{
	struct stat what;
	*there = stat(path, &what) == 0;
	return *there && S_ISDIR(what.st_mode);
}

/* A folder and those in it: pipelines of their own, or files of models. */
static bool watch_folder(struct file_watch *files, const char *folder, struct error *error)
{
	DIR *listing = opendir(folder);
	if (!listing)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "%s cannot be watched: %s", folder, strerror(errno));
	bool good = watch_path(files, folder, error);
	for (struct dirent *entry = readdir(listing); good && entry; entry = readdir(listing)) {
		bool there;
		char lower[PATH_MAX];
		int length = snprintf(lower, sizeof lower, "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] != '.' && length > 0 && (size_t)length < sizeof lower && is_folder(lower, &there))
			good = watch_path(files, lower, error);
	}
	closedir(listing);
	return good;
}

/* A file is watched by its folder, for editors put another in its place. */
static bool file_watch_add(struct file_watch *files, const char *path, struct error *error)
{
	bool there;
	char folder[PATH_MAX];
	int length = snprintf(folder, sizeof folder, "%s", path);
	if (is_folder(path, &there))
		return watch_folder(files, path, error);
	if (!there || length < 0 || (size_t)length >= sizeof folder)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "%s cannot be watched: %s", path, strerror(errno));
	char *slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder ? 1 : 0] = '\0';
	return watch_path(files, slash ? folder : ".", error);
}

bool file_watch_open(struct file_watch *files, struct loop *loop, const char *const *paths, size_t count,
		     void (*changed)(void *context), void *context, struct error *error)
{
	assert(loop && changed && (count == 0 || paths));
	*files = (struct file_watch){.watch = {.ready = file_watch_on_ready, .context = files},
				     .timer = {.due = on_quiet, .context = files},
				     .descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC),
				     .changed = changed,
				     .context = context};
	if (files->descriptor < 0)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE,
				 "files cannot be watched: %s; raise fs.inotify.max_user_instances", strerror(errno));
	bool good = true;
	for (size_t i = 0; good && i < count; i++)
		good = file_watch_add(files, paths[i], error);
	if (good && loop_watch(loop, &files->watch, files->descriptor, EPOLLIN, error)) {
		files->loop = loop;
		return true;
	}
	close(files->descriptor);
	return false;
}

void file_watch_close(struct file_watch *files)
{
	if (!files->loop)
		return;
	loop_unwatch(files->loop, &files->watch);
	loop_timer_stop(files->loop, &files->timer);
	close(files->descriptor);
	files->loop = NULL;
}
