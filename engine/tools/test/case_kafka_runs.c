/* case_kafka_runs.c: see case_kafka_runs.h. Each case has a thread and all its resources of its own. Threads take the next case
 * from a counter and signal when it is done; only the first thread reports the results. */
#include "tools/test/case_kafka_runs.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/quote.h"
#include "tools/test/case_judge.h"
#include "tools/test/case_kafka.h"
#include "net/loop.h"
#include "engine/run/engine.h"
#include "engine/run/log_writer.h"

#define AT_ONCE 8 /* most of a case's time its group comes together, and nothing works */
#define ENGINE_BYTES_MAX ((size_t)1 << 30)
#define NAMESPACE_BYTES 64

struct case_job {
	const char *folder;
	enum case_verdict verdict;
	struct buffer why;
	atomic_bool done;
};

struct case_pool {
	const struct case_kafka_runs_config *config;
	int64_t begun_ms; /* names the run */
	struct case_job *jobs;
	size_t count;
	size_t reported;
	atomic_size_t next;
	int bell;
	struct loop *loop;
	struct watch watch;
};

/* ---- one case ---- */

static void case_kafka_runs_on_faults(void *context, const struct faults *faults)
{
	struct buffer page;
	buffer_open(&page, CASE_OUTPUT_BYTES_MAX);
	faults_print_text(faults, &page, (struct fault_look){0});
	(void)fwrite(page.bytes, 1, page.length, context);
	buffer_close(&page);
}

static void case_kafka_runs_on_note(void *context, const char *line)
{
	print_shown(context, line);
	fputc('\n', context);
}

static void case_kafka_runs_on_failure(void *context, const struct error *error)
{
	case_kafka_runs_on_note(context, error->text);
}

static void job_engine_run(struct case_pool *pool, struct case_job *job, const struct case_play *played, FILE *log_stream,
			   struct error *error)
{
	char name[NAMESPACE_BYTES];
	struct case_results results;
	struct buffer unfit;
	struct log_writer log;
	snprintf(name, sizeof name, "test-%lld-%zu", (long long)pool->begun_ms, (size_t)(job - pool->jobs));
	const struct workspace workspace = {
		.kinds = pool->config->kinds,
		.arena = arena_open(ENGINE_BYTES_MAX),
		.report = {case_kafka_runs_on_faults, case_kafka_runs_on_note, case_kafka_runs_on_note, case_kafka_runs_on_failure,
			   log_stream},
	};
	const struct case_kafka kafka = {
		.brokers = pool->config->brokers, .namespace = name, .workspace = &workspace, .log = &log.sink};
	log_writer_open(&log, log_stream, false, LOG_LEVEL_INFO);
	buffer_open(&unfit, CASE_OUTPUT_BYTES_MAX);
	if (!workspace.arena) {
		error_memory(error, ERROR_SYSTEM, "running a case");
	} else if (case_kafka_run(&kafka, played, &results, &unfit, error)) {
		job->verdict = unfit.length ? CASE_SKIPPED : case_results_judge(&results, &job->why) ? CASE_PASSED : CASE_FAILED;
		buffer_text(&job->why, buffer_view(&unfit));
	} else {
		(void)case_results_judge(&results, &job->why);
	}
	buffer_close(&unfit);
	log_writer_close(&log);
	arena_close(workspace.arena);
}

/* What the engine says belongs to the case. */
static void on_kafka(struct case_pool *pool, struct case_job *job, const struct case_play *played, struct error *error)
{
	char *logged = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&logged, &length);
	if (!out) {
		error_memory(error, ERROR_SYSTEM, "running a case");
		return;
	}
	job_engine_run(pool, job, played, out, error);
	(void)fclose(out);
	if (job->verdict == CASE_FAILED)
		buffer_text(&job->why, (struct text){logged, length});
	free(logged);
}

static void case_kafka_runs_conclude(struct case_pool *pool, struct case_job *job, const struct case_run *run, struct error *error)
{
	if (!case_results_judge(&run->play.results, &job->why)) {
		buffer_string(&job->why, "  and this in memory too\n");
	} else if (run->refused.kind != ERROR_NONE) {
		job->verdict = CASE_SKIPPED;
		buffer_string(&job->why, "its files have the expected fault, so no engine starts");
	} else {
		on_kafka(pool, job, &run->play, error);
	}
}

static void run_job(struct case_pool *pool, struct case_job *job)
{
	const struct case_play_options options = {.kinds = pool->config->kinds, .secrets = pool->config->secrets};
	struct error error = {0};
	struct case_run run;
	job->verdict = CASE_FAILED;
	if (case_run_open(&run, job->folder, &options, false, &error))
		case_kafka_runs_conclude(pool, job, &run, &error);
	if (error.kind != ERROR_NONE) {
		job->verdict = CASE_FAILED;
		case_error_print(&error, &job->why); /* its place is in what the case has read */
	}
	case_run_close(&run);
}

/* ---- several at once ---- */

static void *work(void *context)
{
	struct case_pool *pool = context;
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
	struct case_pool *pool = context;
	bell_quiet(pool->bell);
	for (; pool->reported < pool->count && atomic_load(&pool->jobs[pool->reported].done); pool->reported++) {
		const struct case_job *job = &pool->jobs[pool->reported];
		pool->config->judged.judged(pool->config->judged.context, job->folder, job->verdict, &job->why);
	}
}

static bool pool_open(struct case_pool *pool, struct error *error)
{
	pool->jobs = ARENA_ARRAY(pool->config->arena, struct case_job, pool->count);
	if (!pool->jobs)
		return error_memory(error, ERROR_SYSTEM, "gathering cases");
	for (size_t i = 0; i < pool->count; i++) {
		pool->jobs[i].folder = pool->config->folders[i];
		buffer_open(&pool->jobs[i].why, CASE_OUTPUT_BYTES_MAX);
	}
	pool->watch = (struct watch){.ready = on_done, .context = pool};
	pool->bell = bell_open(error);
	return pool->bell >= 0 && (pool->loop = loop_open(error)) &&
	       loop_watch(pool->loop, &pool->watch, pool->bell, EPOLLIN, error);
}

static void pool_close(struct case_pool *pool)
{
	for (size_t i = 0; pool->jobs && i < pool->count; i++)
		buffer_close(&pool->jobs[i].why);
	loop_close(pool->loop);
	if (pool->bell >= 0)
		close(pool->bell);
}

static bool pool_run(struct case_pool *pool, struct error *error)
{
	pthread_t threads[AT_ONCE];
	size_t started = 0;
	bool good = true;
	while (started < AT_ONCE && started < pool->count && pthread_create(&threads[started], NULL, work, pool) == 0)
		started++;
	if (started == 0 && pool->count > 0)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "no thread could be started; raise the limit on threads");
	while (good && pool->reported < pool->count)
		good = loop_turn(pool->loop, -1, error);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return good;
}

bool case_kafka_runs_run(const struct case_kafka_runs_config *config, struct error *error)
{
	struct case_pool pool = {.config = config, .count = config->count, .begun_ms = time_of_day_ms(), .bell = -1};
	sigset_t before;
	engine_block_signals(&before);
	bool good = pool_open(&pool, error) && pool_run(&pool, error);
	pool_close(&pool);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return good;
}
