/* fetching.h: Fetch of the files of a revision that lie elsewhere, in a thread of its own, while the loop of the
 * engine goes on: signals and edits are heeded, and what runs keeps running. For `sluice run` and `sluice dev`.
 */
#ifndef SLUICE_CLI_FETCHING_H
#define SLUICE_CLI_FETCHING_H

#include <pthread.h>

#include "net/loop.h"
#include "serving/files.h"

struct fetching {
	struct loop *loop; /* NULL: nothing is fetched */
	struct files *files;
	struct watch watch;
	int bell;
	pthread_t thread;
	void (*done)(void *context, struct files *files); /* takes the files */
	void *context;
};

/* Takes the files, which revision_open() has handed out; also when it fails. `done` is entered from the loop. */
bool fetching_start(struct fetching *fetching, struct loop *loop, struct files *files,
		    void (*done)(void *context, struct files *files), void *context, struct error *error);

/* Waits for the files: the loop turns while a thread fetches them, until they are there, or `over`, which another of the loop's
 * sets, ends it. Takes the files at `files`, and hands them back there when they are there; else it is NULL. */
bool fetching_await(struct loop *loop, struct files **files, const bool *over, struct error *error);

/* Gives it up: within a second, and `done` is not entered. Fine when nothing is fetched, but zeroed. */
void fetching_close(struct fetching *fetching);

#endif
