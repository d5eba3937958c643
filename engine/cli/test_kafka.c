/* test_kafka.c: `sluice test --kafka`: runs cases in memory and then on Kafka, several at once. Each case has a
 * thread and all its resources of its own. Threads take the next case from a counter and signal when it is done; only
 * the first thread reports the results. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cli/case_kafka.h"
#include "cli/testing.h"
#include "net/loop.h"
#include "runtime/engine.h"

#define AT_ONCE 8 /* most of a case's time its group comes together, and nothing works */
#define SESSION_BYTES_MAX ((size_t)1 << 30)
#define NAMESPACE_BYTES 64

struct case_job {
	const char *folder;
	enum verdict verdict;
	struct buffer why;
	atomic_bool done;
};

struct pool {
	struct testing *testing;
	int64_t begun_ms; /* names the run */
	struct case_job *jobs;
	size_t count;
	size_t said;
	atomic_size_t next;
	int bell;
	struct loop *loop;
	struct watch watch;
};

/* ---- one case ---- */

/* What the engine says belongs to the case. */
static void on_kafka(struct pool *pool, struct case_job *job, const struct case_play *played, struct error *error)
{
	char name[NAMESPACE_BYTES];
	char *said = NULL;
	size_t length = 0;
	struct case_results results;
	struct buffer unfit;
	snprintf(name, sizeof name, "test-%lld-%zu", (long long)pool->begun_ms, (size_t)(job - pool->jobs));
	FILE *out = open_memstream(&said, &length);
	struct arena *arena = arena_open(SESSION_BYTES_MAX);
	struct session session = {.out = out, .err = out, .kinds = pool->testing->session->kinds, .arena = arena};
	const struct case_kafka kafka = {.brokers = pool->testing->options->kafka, .namespace = name, .session = &session};
	buffer_open(&unfit, OUTPUT_BYTES_MAX);
	if (!out || !arena) {
		error_memory(error, ERROR_SYSTEM, "running a case");
	} else if (case_kafka_run(&kafka, played, &results, &unfit, error)) {
		job->verdict = unfit.length ? CASE_SKIPPED : judge_results(&results, &job->why) ? CASE_PASSED : CASE_FAILED;
		buffer_text(&job->why, buffer_view(&unfit));
	} else {
		(void)judge_results(&results, &job->why);
	}
	if (out)
		(void)fclose(out);
	if (job->verdict == CASE_FAILED)
		buffer_text(&job->why, (struct text){said, length});
	free(said);
	buffer_close(&unfit);
	arena_close(arena);
}

static void conclude(struct pool *pool, struct case_job *job, const struct case_play *play, const struct error *refused,
		     struct error *error)
{
	if (!judge_results(&play->results, &job->why)) {
		buffer_string(&job->why, "  and this in memory too\n");
	} else if (refused->kind != ERROR_NONE) {
		job->verdict = CASE_SKIPPED;
		buffer_string(&job->why, "its files have the expected fault, so no engine starts");
	} else {
		on_kafka(pool, job, play, error);
	}
}

static void run_job(struct pool *pool, struct case_job *job)
{
	const struct step_kind *const *kinds = pool->testing->session->kinds;
	const struct spec_options options = {.kinds = kinds, .experiment_pipelines = true};
	const struct case_play_options how = {.kinds = kinds};
	struct error error = {0}, refused = {0};
	struct case_files files;
	struct case_play play = {.workers = NULL};
	struct spec spec;
	bool spec_is_open = false;
	struct arena *arena = arena_open(CASE_BYTES_MAX);
	job->verdict = CASE_FAILED;
	if (!arena)
		error_memory(&error, ERROR_SYSTEM, "running a case");
	else if (case_read(job->folder, arena, &files, &error) && (spec_is_open = spec_open(&spec, &error)) &&
		 spec_read(&spec, &files.pipeline, 1, &options, &error) &&
		 play_case(&play, &files, &spec, &how, arena, &refused, &error))
		conclude(pool, job, &play, &refused, &error);
	case_play_close(&play);
	if (spec_is_open)
		spec_close(&spec);
	arena_close(arena);
	if (error.kind == ERROR_NONE)
		return;
	job->verdict = CASE_FAILED;
	say_error(&error, &job->why);
}

/* ---- several at once ---- */

static void *work(void *context)
{
	struct pool *pool = context;
	for (size_t i; (i = atomic_fetch_add(&pool->next, 1)) < pool->count;) {
		run_job(pool, &pool->jobs[i]);
		atomic_store(&pool->jobs[i].done, true);
		bell_ring(pool->bell);
	}
	return NULL;
}

/* In their order. */
static void on_done(void *context, uint32_t events)
{
	(void)events;
	struct pool *pool = context;
	bell_quiet(pool->bell);
	for (; pool->said < pool->count && atomic_load(&pool->jobs[pool->said].done); pool->said++) {
		const struct case_job *job = &pool->jobs[pool->said];
		say_case(pool->testing, job->folder, job->verdict, &job->why);
		fflush(pool->testing->session->out);
	}
}

static bool pool_open(struct pool *pool, struct error *error)
{
	pool->jobs = ARENA_ARRAY(pool->testing->arena, struct case_job, pool->count);
	if (!pool->jobs)
		return error_memory(error, ERROR_SYSTEM, "gathering cases");
	for (size_t i = 0; i < pool->count; i++) {
		pool->jobs[i].folder = pool->testing->folders[i];
		buffer_open(&pool->jobs[i].why, OUTPUT_BYTES_MAX);
	}
	pool->watch = (struct watch){.ready = on_done, .context = pool};
	pool->bell = bell_open(error);
	return pool->bell >= 0 && (pool->loop = loop_open(error)) &&
	       loop_watch(pool->loop, &pool->watch, pool->bell, EPOLLIN, error);
}

static void pool_close(struct pool *pool)
{
	for (size_t i = 0; pool->jobs && i < pool->count; i++)
		buffer_close(&pool->jobs[i].why);
	loop_close(pool->loop);
	if (pool->bell >= 0)
		close(pool->bell);
}

static bool pool_run(struct pool *pool, struct error *error)
{
	pthread_t threads[AT_ONCE];
	size_t started = 0;
	bool good = true;
	while (started < AT_ONCE && started < pool->count && pthread_create(&threads[started], NULL, work, pool) == 0)
		started++;
	if (started == 0 && pool->count > 0)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "no thread could be started; raise the limit on threads");
	while (good && pool->said < pool->count)
		good = loop_turn(pool->loop, -1, error);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return good;
}

bool test_on_kafka(struct testing *testing, struct error *error)
{
	struct pool pool = {.testing = testing, .count = testing->folder_count, .begun_ms = time_of_day_ms(), .bell = -1};
	sigset_t before;
	engine_block_signals(&before);
	bool good = pool_open(&pool, error) && pool_run(&pool, error);
	pool_close(&pool);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return good;
}
