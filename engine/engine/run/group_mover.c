/* group_mover.c: see group_mover.h. The task has copies of all names, because a reload may free the revision meanwhile. */
#include "engine/run/group_mover.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/memory.h"
#include "net/loop_task.h"
#include "engine/run/group_migration.h"

struct group_mover {
	const struct engine_config *config;
	struct engine *engine;
	struct loop_task task;
	struct loop_timer retry_timer;
	struct group_moves *moves; /* of the task */
	uint64_t revision;	   /* whose pipelines the task moves */
	bool has_moved;		   /* its result */
	struct error error;
	int64_t logged_ms; /* of the wait; 0: nothing was said of it */
	atomic_bool is_given_up;
	pthread_mutex_t lock;
	char words[ERROR_TEXT_MAX]; /* why it waits; "": not known yet */
};

/* ---- the task ---- */

static void words_set(struct group_mover *mover, const char *words)
{
	pthread_mutex_lock(&mover->lock);
	(void)snprintf(mover->words, sizeof mover->words, "%s", words);
	pthread_mutex_unlock(&mover->lock);
}

static bool move_waits(void *context, const char *who, int64_t waited_ms)
{
	struct group_mover *mover = context;
	words_set(mover, who);
	if (atomic_load(&mover->is_given_up))
		return false;
	if (waited_ms - mover->logged_ms < GROUP_MOVER_SAY_MS)
		return true;
	mover->logged_ms = waited_ms;
	log_say(mover->config->log, LOG_LEVEL_WARN, NULL,
		"%s; pipelines pause meanwhile. Stop that engine if it does not follow the control plane", who);
	return true;
}

static void move_run(void *context)
{
	struct group_mover *mover = context;
	const struct group_waiting waiting = {move_waits, mover};
	mover->has_moved = group_moves_carry_out(mover->moves, mover->config, waiting, &mover->error);
}

/* ---- the loop ---- */

static void move_fail(struct group_mover *mover, const struct error *error)
{
	struct error ignored = {0};
	struct loop *loop = engine_loop(mover->engine);
	words_set(mover, error->text);
	log_say(mover->config->log, LOG_LEVEL_WARN, NULL,
		"the offsets of pipelines that pause were not moved: %s. Next try in %d s", error->text,
		GROUP_MOVER_RETRY_MS / 1000);
	(void)loop_timer_set(loop, &mover->retry_timer, loop_now_ms(loop) + GROUP_MOVER_RETRY_MS, &ignored);
}

static void move_end(struct group_mover *mover)
{
	struct error error = {0};
	if (!mover->has_moved)
		move_fail(mover, &mover->error);
	else if (!engine_release(mover->engine, &error))
		move_fail(mover, &error);
}

static void on_moved(void *context)
{
	struct group_mover *mover = context;
	group_moves_close(mover->moves);
	mover->moves = NULL;
	if (atomic_load(&mover->is_given_up) || engine_revision(mover->engine)->number != mover->revision)
		group_mover_follow(mover);
	else if (!engine_is_stopping(mover->engine))
		move_end(mover);
}

void group_mover_follow(struct group_mover *mover)
{
	const struct revision *revision = engine_revision(mover->engine);
	struct error error = {0};
	if (loop_task_is_running(&mover->task)) {
		atomic_store(&mover->is_given_up, true);
		return;
	}
	if (!revision->held || engine_is_stopping(mover->engine))
		return;
	mover->revision = revision->number;
	mover->error = (struct error){0};
	mover->logged_ms = 0;
	words_set(mover, "");
	atomic_store(&mover->is_given_up, false);
	mover->moves = group_moves_open(&revision->plan, revision->held, &error);
	mover->task = (struct loop_task){.run = move_run, .done = on_moved, .context = mover};
	if (mover->moves && loop_task_start(&mover->task, engine_loop(mover->engine), "moves offsets", &error))
		return;
	group_moves_close(mover->moves);
	mover->moves = NULL;
	move_fail(mover, &error);
}

static void group_mover_on_retry(void *context)
{
	group_mover_follow(context);
}

bool group_mover_waits(struct group_mover *mover, char *words, size_t size)
{
	if (!engine_revision(mover->engine)->held)
		return false;
	pthread_mutex_lock(&mover->lock);
	(void)snprintf(words, size, "%s", mover->words[0] ? mover->words : "offsets are moved");
	pthread_mutex_unlock(&mover->lock);
	return true;
}

/* ---- opening and closing ---- */

struct group_mover *group_mover_open(const struct engine_config *config, struct engine *engine, struct error *error)
{
	struct group_mover *mover = memory_take(1, sizeof *mover);
	if (!mover)
		return error_null(error_memory(error, ERROR_SYSTEM, "moving offsets of groups"));
	*mover = (struct group_mover){.config = config, .engine = engine, .lock = PTHREAD_MUTEX_INITIALIZER};
	mover->retry_timer = (struct loop_timer){.due = group_mover_on_retry, .context = mover};
	return mover;
}

void group_mover_close(struct group_mover *mover)
{
	if (!mover)
		return;
	loop_timer_stop(engine_loop(mover->engine), &mover->retry_timer);
	if (loop_task_is_running(&mover->task)) {
		atomic_store(&mover->is_given_up, true);
		loop_task_end(&mover->task);
	}
	group_moves_close(mover->moves);
	memory_give(mover);
}
