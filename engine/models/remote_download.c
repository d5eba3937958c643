/* remote_download.c: see remote_download.h. */
#include "models/remote_download.h"

static void remote_download_run(void *context)
{
	struct remote_download *fetching = context;
	files_fetch_left(fetching->files);
}

static void on_fetched(void *context)
{
	struct remote_download *fetching = context;
	fetching->done(fetching->context, fetching->files);
}

bool remote_download_start(struct remote_download *fetching, struct loop *loop, struct files *files,
			   void (*done)(void *context, struct files *files), void *context, struct error *error)
{
	assert(loop && files && done);
	*fetching = (struct remote_download){.files = files, .done = done, .context = context};
	fetching->task = (struct loop_task){.run = remote_download_run, .done = on_fetched, .context = fetching};
	if (loop_task_start(&fetching->task, loop, "fetches files", error))
		return true;
	files_close(files);
	return false;
}

void remote_download_close(struct remote_download *fetching)
{
	if (!loop_task_is_running(&fetching->task))
		return;
	files_give_up(fetching->files);
	loop_task_end(&fetching->task);
	files_close(fetching->files);
}

static void files_keep(void *context, struct files *fetched)
{
	struct files **files = context;
	*files = fetched;
}

bool remote_download_await(struct loop *loop, struct files **files, const bool *over, struct error *error)
{
	struct remote_download fetching;
	struct files *wanted = *files;
	*files = NULL;
	bool good = remote_download_start(&fetching, loop, wanted, files_keep, files, error);
	while (good && loop_task_is_running(&fetching.task) && !*over)
		good = loop_turn(loop, -1, error);
	remote_download_close(&fetching);
	return good;
}
