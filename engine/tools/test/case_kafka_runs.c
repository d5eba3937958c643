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
#include "compiler/graph/model_name.h"
#include "compiler/yaml/workspace.h"
#include "engine/run/engine.h"
#include "engine/run/log_writer.h"
#include "models/calls/caller_config.h"
#include "net/loop.h"
#include "observe/log_sink.h"
#include "tools/test/case_engine.h"
#include "tools/test/case_judge.h"

struct case_kafka {
	const char *brokers;
	const char *namespace;
	const struct workspace *workspace; /* gets the faults of the files */
	const struct log_sink *log;	   /* gets the log of the engine */
};

#define PATIENCE_MS 30000    /* beyond that time */
#define WINDOW_MS_LEAST 2000 /* of a join across topics: a commit, and a turn of a consumer, are within it */
#define QUIET_MS 200
#define QUIET_ABSENT_MS 1000 /* beyond the last reply, where something must not come */

struct comparing {
	const struct case_play *played; /* in memory */
	struct case_results *results;
	bool *matched; /* for each point and request: the answer was found there */
};

/* ---- what it cannot show ---- */

static bool expects_error(const struct case_files *files, struct text id)
{
	for (size_t i = 0; i < files->expected_count; i++) {
		const struct case_expected *expected = &files->expected[i];
		for (size_t j = 0; j < expected->count; j++)
			if (text_equal(expected->id, id) && !expected->at.length && !expected->results[j].response.bytes)
				return true;
	}
	return false;
}

/* What comes by several topics comes when Kafka gives it. */
static bool is_chance(const struct externals *externals, struct buffer *unfit)
{
	bool several = false;
	for (size_t i = 1; i < externals->count; i++)
		several = several || !external_same_topic(&externals->items[0], &externals->items[i]);
	if (several && externals->type == JOIN_ANY)
		buffer_string(unfit, "on Kafka the order of several topics is not determined");
	else if (several && externals->window_ms > 0 && externals->window_ms < WINDOW_MS_LEAST)
		buffer_print(unfit, "a join across topics within %lld ms is shorter than Kafka needs for a record",
			     (long long)externals->window_ms);
	else
		return false;
	return true;
}

static bool is_counted_in(const struct case_files *files, const char *model)
{
	for (size_t i = 0; i < files->expected_count; i++)
		for (size_t j = 0; j < files->expected[i].call_count; j++)
			if (text_is(files->expected[i].calls[j].model, model_served_name(model)))
				return true;
	return false;
}

static bool is_fit_to_call(const struct case_play *played, const struct model_calls *model, struct buffer *unfit)
{
	const struct spec *spec = case_workers_plan(played->workers)->spec;
	struct model_config config = {.name = NULL};
	struct error ignored = {0};
	if (!model->has_stub)
		buffer_print(unfit, "the model `%s` has no stub, and without one no engine starts", model->name);
	else if (model_configure(spec, model->name, played->arena, &config, &ignored) && config.batching.rows_most > 1 &&
		 is_counted_in(played->files, model->name))
		buffer_print(unfit, "which calls of the model `%s` are merged depends on when they come, and the case counts them",
			     model->name);
	else
		return true;
	return false;
}

/* Whether the request has a pipeline of the files as its target. */
static bool is_fit_to_send(const struct case_play *played, const struct case_send *send, struct buffer *unfit)
{
	const struct pipeline_plan *target = send->pipeline ? plan_find(case_workers_plan(played->workers), send->pipeline) : NULL;
	const struct resource *made_of = target ? target->graph->resource->made_of : NULL;
	if (!target || (made_of && made_of->kind->type == RESOURCE_MODEL))
		buffer_string(unfit, "a request has no pipeline as its target, and only pipelines have a topic");
	else if (!target->graph->has_output && expects_error(played->files, send->request->id))
		buffer_string(unfit, "a pipeline without output has no topic where an error could be seen");
	else
		return true;
	return false;
}

static bool has_namesake(const struct case_sends *sends, const struct case_send *send)
{
	for (size_t i = 0; i < sends->count; i++)
		if (&sends->items[i] != send && text_equal(sends->items[i].id, send->id))
			return true;
	return false;
}

/* Whether the results of requests of one id are joined: those that came first, of each topic. */
static bool joins_namesakes(const struct case_play *played, struct buffer *unfit)
{
	const struct plan *plan = case_workers_plan(played->workers);
	size_t i = 0, joining = 0;
	while (joining < plan->count && external_points(plan->pipelines[joining].graph) < 2)
		joining++;
	while (i < played->sends.count && !has_namesake(&played->sends, &played->sends.items[i]))
		i++;
	if (joining == plan->count || i == played->sends.count)
		return false;
	buffer_print(unfit, "which results of requests of one id are joined in `%s` depends on when they come",
		     plan->pipelines[joining].graph->name);
	return true;
}

static bool is_fit(const struct case_play *played, struct buffer *unfit)
{
	if (!case_runs_by_clock(played, unfit))
		return false;
	const struct plan *plan = case_workers_plan(played->workers);
	for (size_t i = 0; i < plan->count; i++)
		if (is_chance(&plan->pipelines[i].graph->inputs, unfit) || is_chance(&plan->pipelines[i].graph->triggers, unfit))
			return false;
	for (size_t i = 0; i < played->files->expected_count; i++)
		if (played->files->expected[i].demand == DEMAND_ALERT) {
			buffer_string(unfit, "whether an alert fires for a request is judged in memory");
			return false;
		}
	for (const struct model_calls *model = played->results.models; model; model = model->next)
		if (!is_fit_to_call(played, model, unfit))
			return false;
	for (size_t i = 0; i < played->sends.count; i++)
		if (!is_fit_to_send(played, &played->sends.items[i], unfit))
			return false;
	return !joins_namesakes(played, unfit);
}

/* ---- reading ---- */

/* What was sent under that id. Where that is several, they are answered in their order; and
 * those go first that were sent to the pipeline whose outputs these are. */
static const struct case_send *sent_under(const struct comparing *comparing, struct text id, const char *point, size_t number)
{
	const struct case_sends *sends = &comparing->played->sends;
	const struct case_send *found = NULL, *its_own = NULL;
	bool *matched = &comparing->matched[number * sends->count];
	for (size_t i = 0; i < sends->count && !its_own; i++) {
		const struct case_send *send = &sends->items[i];
		if (matched[i] || !text_equal(send->id, id))
			continue;
		found = found ? found : send;
		if (strcmp(send->outputs, point) == 0)
			its_own = send;
	}
	found = its_own ? its_own : found;
	if (found && has_namesake(sends, found))
		matched[found - sends->items] = true;
	return found;
}

/* The one that made or closed, in memory, what has that id: a part's, or a window's, which is called alike
 * in every pipeline; so that goes first whose outputs these are. */
static const struct case_send *sent_that_made(const struct comparing *comparing, struct text id, const char *point)
{
	const struct case_sends *sends = &comparing->played->sends;
	const struct case_send *other = NULL;
	for (const struct arrival *record = comparing->played->results.records; record; record = record->next) {
		if (!text_equal(record->record_id, id))
			continue;
		for (size_t i = 0; i < sends->count; i++) {
			const struct case_send *send = &sends->items[i];
			if (!text_equal(send->request->id, record->id))
				continue;
			if (strcmp(send->outputs, point) == 0)
				return send;
			other = other ? other : send;
		}
	}
	return other;
}

/* The one of which it is an offspring by its id: that begins with its own. */
static const struct case_send *sent_before(const struct case_sends *sends, struct text id)
{
	const struct case_send *found = NULL;
	for (size_t i = 0; i < sends->count; i++) {
		const struct case_send *send = &sends->items[i];
		if (text_starts_with(id, send->id) && (!found || found->id.length < send->id.length))
			found = send;
	}
	return found;
}

static void on_came(void *context, const struct case_point *point, size_t number, const struct case_came *came)
{
	struct comparing *comparing = context;
	const struct case_send *send = sent_under(comparing, came->id, point->name, number);
	send = send ? send : sent_that_made(comparing, came->id, point->name);
	send = send ? send : sent_before(&comparing->played->sends, came->id);
	case_came_take(comparing->results, point, send, came);
}

static int64_t count_of(const struct case_results *results, const struct case_expected *expected)
{
	int64_t count = 0;
	for (const struct arrival *record = results->records; record; record = record->next)
		count += text_equal(record->id, expected->id) && text_is(expected->at, record->at ? record->at : "");
	return count;
}

/* Of results at one place there may be several, of parts of one request. */
static int64_t wanted_so_far(const struct case_files *files, size_t nth)
{
	const struct case_expected *expected = &files->expected[nth];
	int64_t wanted = 0;
	if (expected->demand != DEMAND_RESULT)
		return expected->repeat;
	for (size_t i = 0; i <= nth; i++)
		wanted += files->expected[i].demand == DEMAND_RESULT && text_equal(files->expected[i].id, expected->id) &&
			  text_equal(files->expected[i].at, expected->at);
	return wanted;
}

static bool all_came(void *context)
{
	const struct comparing *comparing = context;
	const struct case_files *files = comparing->results->files;
	for (size_t i = 0; i < files->expected_count; i++) {
		const struct case_expected *expected = &files->expected[i];
		if (expected->demand == DEMAND_ABSENT || expected->demand == DEMAND_CALLS || expected->demand == DEMAND_ALERT)
			continue;
		if (count_of(comparing->results, expected) < wanted_so_far(files, i))
			return false;
	}
	return true;
}

/* ---- the run ---- */

static bool expects_absence(const struct case_files *files)
{
	for (size_t i = 0; i < files->expected_count; i++)
		if (files->expected[i].demand == DEMAND_ABSENT)
			return true;
	return false;
}

/* Models that differ only by their part of a deployment may be one model at their server. */
static bool is_counted(const struct case_results *results, const char *name)
{
	for (const struct model_calls *model = results->models; model; model = model->next)
		if (strcmp(model->name, name) == 0)
			return true;
	return false;
}

/* Counts a model once, by its name on its server. */
static void count_calls(struct comparing *comparing, struct case_engine *engine)
{
	for (const struct model_calls *model = comparing->played->results.models; model; model = model->next) {
		const char *served_name;
		const uint64_t calls = case_engine_calls(engine, model->name, &served_name);
		if (!is_counted(comparing->results, served_name))
			case_results_count(comparing->results, &(struct model_calls){.name = served_name, .calls = (int64_t)calls});
	}
}

/* What could not be opened. What cannot run yet is no fault of the case. */
static bool is_only_unfit(struct error *error, struct buffer *unfit)
{
	if (error->kind == ERROR_NONE)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "the engine refuses what runs in memory; see `sluice plan`");
	if (error->kind != ERROR_CONFIG)
		return false;
	buffer_string(unfit, error->text);
	*error = (struct error){0};
	return true;
}

static bool run_engine(struct comparing *comparing, const struct case_engine_config *config, struct buffer *unfit,
		       struct error *error)
{
	struct case_engine *engine = case_engine_open(config, error);
	if (!engine)
		return is_only_unfit(error, unfit);
	bool good = case_engine_run(engine, error);
	count_calls(comparing, engine);
	case_engine_close(engine);
	return good;
}

/* Sends the requests of a case that was played, and keeps what comes in `results`, in the same arena. `unfit` gets the reason
 * if a real clock or Kafka cannot show the case. */
static bool case_kafka_run(const struct case_kafka *kafka, const struct case_play *played, struct case_results *results,
			   struct buffer *unfit, struct error *error)
{
	struct comparing comparing = {.played = played, .results = results};
	case_results_open(results, played->files, played->arena);
	if (!is_fit(played, unfit))
		return true;
	comparing.matched = ARENA_ARRAY(played->arena, bool, played->points.count * played->sends.count);
	if (!comparing.matched)
		return error_memory(error, ERROR_SYSTEM, "sending the requests of a case");
	const struct case_engine_config config = {
		.workspace = kafka->workspace,
		.log = kafka->log,
		.brokers = kafka->brokers,
		.namespace = kafka->namespace,
		.files = played->files,
		.sends = &played->sends,
		.patience_ms = case_workers_took_ms(played->workers) + PATIENCE_MS,
		.quiet_ms = expects_absence(played->files) ? QUIET_ABSENT_MS : QUIET_MS,
		.came = on_came,
		.complete = all_came,
		.context = &comparing,
		.arena = played->arena,
	};
	return run_engine(&comparing, &config, unfit, error) &&
	       (!results->failed || error_memory(error, ERROR_SYSTEM, "running a case"));
}

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
