/* fetching.c: see fetching.h. */
#include "serving/fetching.h"

#include <assert.h>

static void fetching_run(void *context)
{
	struct fetching *fetching = context;
	files_fetch_left(fetching->files);
}

static void on_fetched(void *context)
{
	struct fetching *fetching = context;
	fetching->done(fetching->context, fetching->files);
}

bool fetching_start(struct fetching *fetching, struct loop *loop, struct files *files,
		    void (*done)(void *context, struct files *files), void *context, struct error *error)
{
	assert(loop && files && done);
	*fetching = (struct fetching){.files = files, .done = done, .context = context};
	fetching->task = (struct loop_task){.run = fetching_run, .done = on_fetched, .context = fetching};
	if (loop_task_start(&fetching->task, loop, "fetches files", error))
		return true;
	files_close(files);
	return false;
}

void fetching_close(struct fetching *fetching)
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

bool fetching_await(struct loop *loop, struct files **files, const bool *over, struct error *error)
{
	struct fetching fetching;
	struct files *wanted = *files;
	*files = NULL;
	bool good = fetching_start(&fetching, loop, wanted, files_keep, files, error);
	while (good && loop_task_is_running(&fetching.task) && !*over)
		good = loop_turn(loop, -1, error);
	fetching_close(&fetching);
	return good;
}
