/* remote_download.h: Download of the remote files of a revision, in a thread of its own. The loop of the engine continues
 * meanwhile: signals and edits are handled, and the running pipelines keep running. For `sluice run` and `sluice
 * dev`. */
#pragma once

#include "net/loop_task.h"
#include "models/files.h"

struct remote_download {
	struct loop_task task;
	struct files *files;
	void (*done)(void *context, struct files *files); /* takes ownership of the files */
	void *context;
};

/* Takes ownership of the files, which revision_open() has passed out; also when it fails. `done` is called from the loop. */
bool remote_download_start(struct remote_download *fetching, struct loop *loop, struct files *files,
			   void (*done)(void *context, struct files *files), void *context, struct error *error);

/* Waits for the files. The loop runs while a thread downloads them, until they are complete, or until another watch
 * of the loop sets `over`. Takes the files at `files`, and returns them there when they are complete; else it is
 * NULL. */
bool remote_download_await(struct loop *loop, struct files **files, const bool *over, struct error *error);

/* Cancels the download within a second; `done` is not called. Allowed when there is no download, but the struct must
 * be zeroed. */
void remote_download_close(struct remote_download *fetching);
