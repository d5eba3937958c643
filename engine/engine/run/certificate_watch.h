/* certificate_watch.h: Watch of the TLS files of a server: when one of them has changed, they are loaded again for new connections.
 *
 * Each file is checked every CERTIFICATE_WATCH_MS, by its stamp (base/file.h). So a change of its owner or mode is noticed, and a
 * change behind a link to another folder. An error is reported once, and the former certificate stays in use.
 */
#pragma once

#include "base/file.h"
#include "net/loop.h"
#include "net/tls.h"
#include "compiler/yaml/workspace.h"

#define CERTIFICATE_WATCH_MS 2000 /* a check is a system call for each file */
#define CERTIFICATE_FILES 4

struct certificate_watch { /* starts as `{0}` */
	const struct workspace *workspace;
	struct loop *loop; /* NULL: nothing is watched */
	struct loop_timer timer;
	const char *paths[CERTIFICATE_FILES]; /* NULL: there is no such file */
	struct file_stamp stamps[CERTIFICATE_FILES];
	bool (*reload)(void *context, struct error *error);
	void *context;
};

/* Takes the stamps and begins to watch. To be called before the server loads the files, so that no change is missed. Borrows the
 * paths. `files` NULL: nothing is watched. */
bool certificate_watch_open(struct certificate_watch *watch, const struct workspace *workspace, struct loop *loop,
			    const struct tls_files *files, bool (*reload)(void *context, struct error *error), void *context,
			    struct error *error);

/* Takes the stamps and loads the files again, changed or not. False: the former certificate stays in use. */
bool certificate_watch_reload(struct certificate_watch *watch, struct error *error);

/* Before the loop is closed. Allowed when it is zeroed, and twice. */
void certificate_watch_close(struct certificate_watch *watch);
