/* fetching.c: see fetching.h. */
#include "cli/fetching.h"

#include <sys/epoll.h>
#include <unistd.h>

static void *run(void *context)
{
	struct fetching *fetching = context;
	files_fetch_left(fetching->files);
	bell_ring(fetching->bell);
	return NULL;
}

/* The thread has ended. */
static void fetching_end(struct fetching *fetching)
{
	pthread_join(fetching->thread, NULL);
	loop_unwatch(fetching->loop, &fetching->watch);
	close(fetching->bell);
	fetching->loop = NULL;
}

static void on_fetched(void *context, uint32_t events)
{
	struct fetching *fetching = context;
	(void)events;
	fetching_end(fetching);
	fetching->done(fetching->context, fetching->files);
}

bool fetching_start(struct fetching *fetching, struct loop *loop, struct files *files,
		    void (*done)(void *context, struct files *files), void *context, struct error *error)
{
	*fetching = (struct fetching){.files = files, .bell = bell_open(error), .done = done, .context = context};
	fetching->watch = (struct watch){.ready = on_fetched, .context = fetching};
	if (fetching->bell >= 0 && loop_watch(loop, &fetching->watch, fetching->bell, EPOLLIN, error)) {
		if (pthread_create(&fetching->thread, NULL, run, fetching) == 0) {
			fetching->loop = loop;
			return true;
		}
		loop_unwatch(loop, &fetching->watch);
		error_set(error, ERROR_SYSTEM, PLACE_NONE,
			  "the thread that fetches files could not be started; raise the limits on threads");
	}
	if (fetching->bell >= 0)
		close(fetching->bell);
	files_close(files);
	return false;
}

void fetching_close(struct fetching *fetching)
{
	if (!fetching->loop)
		return;
	files_give_up(fetching->files);
	fetching_end(fetching);
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
	while (good && fetching.loop && !*over)
		good = loop_turn(loop, -1, error);
	fetching_close(&fetching);
	return good;
}
