/* file_watch.h: Watch of folders for changed files, on a loop. For commands that follow the user's edits.
 *
 * Changes come in bursts (an editor writes, renames, removes), so `changed` is called once, when a burst has been
 * quiet for a moment.
 */
#pragma once

#include "net/loop.h"

struct file_watch {
	struct loop *loop;
	struct watch watch;
	struct loop_timer timer;
	int descriptor;
	void (*changed)(void *context);
	void *context;
};

/* `paths` are folders, watched with their subfolders, or files, whose folders are watched. */
bool file_watch_open(struct file_watch *files, struct loop *loop, const char *const *paths, size_t count,
		     void (*changed)(void *context), void *context, struct error *error);
void file_watch_close(struct file_watch *files); /* allowed when it is zeroed and not opened */
