/* certificate_watch.c: see certificate_watch.h. */
#include "engine/run/certificate_watch.h"

#include <assert.h>

static bool certificate_files_have_changed(const struct certificate_watch *watch)
{
	for (size_t i = 0; i < CERTIFICATE_FILES; i++)
		if (watch->paths[i] && file_stamp_differs(watch->paths[i], &watch->stamps[i]))
			return true;
	return false;
}

static void certificate_stamps_take(struct certificate_watch *watch)
{
	for (size_t i = 0; i < CERTIFICATE_FILES; i++)
		if (watch->paths[i])
			file_stamp_take(watch->paths[i], &watch->stamps[i]);
}

static bool certificate_timer_set(struct certificate_watch *watch, struct error *error)
{
	return loop_timer_set(watch->loop, &watch->timer, loop_now_ms(watch->loop) + CERTIFICATE_WATCH_MS, error);
}

static void certificate_files_load(struct certificate_watch *watch)
{
	struct error error = {0};
	if (certificate_watch_reload(watch, &error)) {
		workspace_note(watch->workspace, "the certificate was reloaded");
		return;
	}
	workspace_failed(watch->workspace, &error);
	workspace_note(watch->workspace, "the former certificate stays in use");
}

static void certificate_watch_on_due(void *context)
{
	struct certificate_watch *watch = context;
	if (certificate_files_have_changed(watch))
		certificate_files_load(watch);
	/* The timer's slot in the heap is free again, so this needs no memory. */
	(void)certificate_timer_set(watch, &(struct error){0});
}

bool certificate_watch_open(struct certificate_watch *watch, const struct workspace *workspace, struct loop *loop,
			    const struct tls_files *files, bool (*reload)(void *context, struct error *error), void *context,
			    struct error *error)
{
	assert(workspace && loop && reload);
	*watch = (struct certificate_watch){0};
	if (!files)
		return true;
	*watch = (struct certificate_watch){.workspace = workspace,
					    .loop = loop,
					    .timer = {.due = certificate_watch_on_due, .context = watch},
					    .paths = {files->certificate, files->key, files->authorities, files->revocations},
					    .reload = reload,
					    .context = context};
	certificate_stamps_take(watch);
	return certificate_timer_set(watch, error);
}

bool certificate_watch_reload(struct certificate_watch *watch, struct error *error)
{
	certificate_stamps_take(watch); /* before the files are read, so that a change during the read is noticed next time */
	return watch->reload(watch->context, error);
}

void certificate_watch_close(struct certificate_watch *watch)
{
	if (watch->loop)
		loop_timer_stop(watch->loop, &watch->timer);
	watch->loop = NULL;
}
