/* archivist.c: Kafka's archive: a thread that reads changelogs and keeps snapshots in
 * files, one thing after the other. See archive.h.
 *
 * What crosses: jobs go to the thread and news come back, each in a list under one lock.
 * A store and a block belong to whoever holds the job or the news.
 */
#include "log/archive.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "log/changelog.h"
#include "log/client.h"
#include "log/snapshot_file.h"
#include "net/loop.h"

#define CALL_TIMEOUT_MS 10000
#define RETRY_PAUSE_MS 100
#define SAY_EVERY_MS 1000
#define LINE_MAX_BYTES (ERROR_TEXT_MAX + 512)
/* Kafka tells a removal for a day (delete.retention.ms): to an older snapshot it would not
 * be told any more. */
#define SNAPSHOT_AGE_MOST_MS ((int64_t)12 * 3600 * 1000)

enum job_kind { JOB_RESTORE, JOB_BEGIN, JOB_WRITE, JOB_KEEP, JOB_DROP };

struct job {
	struct job *next;
	enum job_kind kind;
	uint64_t ticket;
	struct archive_place place;
	struct store *store; /* of a restore */
	struct buffer block; /* of a write */
	struct told *told;   /* what will come of it: made with it, so that it can be told */
};

/* A snapshot being written; the thread's. */
struct laying {
	struct laying *next;
	uint64_t ticket;
	struct snapshot_file *file;
};

struct told {
	struct told *next;
	struct archive_news news;
};

struct archivist {
	struct archive archive; /* first: it is one */
	const struct archive_config *config;
	const struct consumer *consumer;
	int bell;
	pthread_t thread;
	bool running;
	atomic_bool stopping;

	pthread_mutex_t lock; /* of the six below */
	pthread_cond_t asked;
	struct job *jobs, **jobs_end;
	struct told *told, **told_end;
	uint64_t current; /* ticket of the job that the thread is at */
	bool forgotten;	  /* nobody wants it any more */

	struct laying *layings;
	struct changelog_reader *reader; /* while restores follow each other */
	/* Of the restore that the thread is at: */
	int64_t began_ms, said_ms;
	const struct job *restoring;
};

static struct archivist *archivist_of(struct archive *archive)
{
	return (struct archivist *)archive;
}

/* ---- saying ---- */

static int64_t clock_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void say(const struct archivist *archivist, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const struct archivist *archivist, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list arguments;
	if (!archivist->config->say)
		return;
	va_start(arguments, format);
	(void)vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	archivist->config->say(archivist->config->context, line);
}

/* ---- news ---- */

static void job_close(struct job *job)
{
	memory_give(job->told);
	store_close(job->store);
	buffer_close(&job->block);
	memory_give(job);
}

/* The news, and the store with them, are the asker's from here on, unless he forgot. */
static void tell(struct archivist *archivist, struct job *job, const struct archive_news *news)
{
	pthread_mutex_lock(&archivist->lock);
	bool wanted = !archivist->forgotten;
	if (wanted) {
		job->told->news = *news;
		*archivist->told_end = job->told;
		archivist->told_end = &job->told->next;
		job->told = NULL;
		job->store = NULL;
	}
	pthread_mutex_unlock(&archivist->lock);
	if (wanted)
		bell_ring(archivist->bell);
}

static bool is_forgotten(struct archivist *archivist)
{
	pthread_mutex_lock(&archivist->lock);
	bool forgotten = archivist->forgotten;
	pthread_mutex_unlock(&archivist->lock);
	return forgotten || atomic_load(&archivist->stopping);
}

/* ---- bringing back ---- */

static void reader_close(struct archivist *archivist)
{
	changelog_reader_close(archivist->reader);
	archivist->reader = NULL;
}

static bool pause_before_retry(struct archivist *archivist)
{
	struct timespec pause = {.tv_nsec = RETRY_PAUSE_MS * 1000000L};
	nanosleep(&pause, NULL);
	return !is_forgotten(archivist);
}

/* Kafka does not say what a group has committed while a transaction is still to decide it:
 * once it does, all that belongs to it stands in the changelog. */
static bool offsets_settle(struct archivist *archivist, struct position input)
{
	for (bool settled = false; !settled;) {
		settled = consumer_settled(archivist->consumer, &input, CALL_TIMEOUT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR;
		if (!settled && !pause_before_retry(archivist))
			return false;
	}
	return true;
}

static bool store_empty(struct job *job, struct error *error)
{
	struct store *empty = store_open(store_scopes(job->store), job->place.bytes_max);
	if (!empty)
		return error_memory(error, ERROR_SYSTEM, "bringing back what a stage remembers");
	store_close(job->store);
	job->store = empty;
	return true;
}

/* A snapshot that is of no use makes room for one that is. */
static bool snapshot_give_up(const struct archivist *archivist, struct job *job, const char *why, struct error *error)
{
	say(archivist, "the snapshot of %s-%d is not used, its changelog is read whole: %s", job->place.changelog,
	    (int)job->place.input.partition, why);
	snapshot_file_remove(archivist->config->folder, job->place.changelog, job->place.input.partition);
	return store_empty(job, error);
}

/* From where the changelog is to be read on, behind what the snapshot holds. */
static bool snapshot_bring_back(const struct archivist *archivist, struct job *job, int64_t *from, struct error *error)
{
	struct snapshot_head head = {0};
	struct error why = {0};
	*from = OFFSET_NONE;
	if (!archivist->config->folder)
		return true;
	bool read = snapshot_file_read(archivist->config->folder, job->place.changelog, job->place.input.partition, job->store,
				       &head, &why);
	if (!read && why.kind == ERROR_NONE)
		return true;
	int64_t age_ms = time_of_day_ms() - head.time_ms;
	if (read && (age_ms < 0 || age_ms > SNAPSHOT_AGE_MOST_MS))
		read = error_set(&why, ERROR_SYSTEM, PLACE_NONE, "it is older than 12 hours, or from the future");
	if (!read)
		return snapshot_give_up(archivist, job, why.text, error);
	*from = head.offset;
	return true;
}

static bool go_on(void *context, int64_t reached, int64_t end)
{
	struct archivist *archivist = context;
	int64_t now_ms = clock_ms();
	if (now_ms - archivist->said_ms >= SAY_EVERY_MS) {
		archivist->said_ms = now_ms;
		const struct archive_place *place = &archivist->restoring->place;
		if (end == OFFSET_NONE)
			say(archivist, "bringing back %s-%d: Kafka has not answered yet", place->changelog,
			    (int)place->input.partition);
		else
			say(archivist, "bringing back %s-%d: offset %" PRId64 " of %" PRId64 ", %zu keys", place->changelog,
			    (int)place->input.partition, reached, end, store_count(archivist->restoring->store));
	}
	return !is_forgotten(archivist);
}

static enum changelog_end changelog_bring_back(struct archivist *archivist, struct job *job, int64_t from, struct error *error)
{
	const struct changelog_source source = {
		.topic = job->place.changelog,
		.partition = job->place.input.partition,
		.from = from,
		.go_on = go_on,
		.context = archivist,
	};
	uint64_t records = 0;
	if (!archivist->reader)
		archivist->reader = changelog_reader_open(archivist->config->brokers, archivist->config->properties, error);
	if (!archivist->reader)
		return CHANGELOG_FAILED;
	enum changelog_end end = changelog_read(archivist->reader, &source, job->store, &records, error);
	int64_t took_ms = clock_ms() - archivist->began_ms;
	if (end == CHANGELOG_READ && took_ms >= SAY_EVERY_MS)
		say(archivist, "brought back %s-%d: %zu keys in %.1f s, %s and %" PRIu64 " records of the changelog", source.topic,
		    (int)source.partition, store_count(job->store), (double)took_ms / 1000,
		    from == OFFSET_NONE ? "no snapshot" : "a snapshot", records);
	return end;
}

static void restore(struct archivist *archivist, struct job *job)
{
	struct archive_news news = {.kind = ARCHIVE_FAILED, .ticket = job->ticket};
	enum changelog_end end = CHANGELOG_FAILED;
	int64_t from;
	archivist->began_ms = archivist->said_ms = clock_ms();
	archivist->restoring = job;
	if (!offsets_settle(archivist, job->place.input))
		return;
	if (snapshot_bring_back(archivist, job, &from, &news.error))
		end = changelog_bring_back(archivist, job, from, &news.error);
	if (end == CHANGELOG_GONE)
		reader_close(archivist); /* it may hear that of the next partition too */
	if (end == CHANGELOG_GONE && from != OFFSET_NONE &&
	    snapshot_give_up(archivist, job, "the changelog is another one by now", &news.error))
		end = changelog_bring_back(archivist, job, OFFSET_NONE, &news.error);
	if (end == CHANGELOG_STOPPED)
		return;
	if (end == CHANGELOG_GONE)
		error_set(&news.error, ERROR_SYSTEM, PLACE_NONE, "the changelog %s-%d vanished while it was read",
			  job->place.changelog, (int)job->place.input.partition);
	if (end == CHANGELOG_READ) {
		news.kind = ARCHIVE_RESTORED;
		news.store = job->store;
	} else {
		store_close(job->store);
		job->store = NULL;
	}
	tell(archivist, job, &news);
}

/* ---- snapshots ---- */

static struct laying **laying_find(struct archivist *archivist, uint64_t ticket)
{
	struct laying **at = &archivist->layings;
	while (*at && (*at)->ticket != ticket)
		at = &(*at)->next;
	return at;
}

/* Takes the laying out of the list; its file is the caller's. */
static struct snapshot_file *laying_end(struct archivist *archivist, uint64_t ticket)
{
	struct laying **at = laying_find(archivist, ticket), *laying = *at;
	struct snapshot_file *file = laying ? laying->file : NULL;
	if (laying)
		*at = laying->next;
	memory_give(laying);
	return file;
}

static bool head_make(const struct archivist *archivist, const struct job *job, struct snapshot_head *head, struct error *error)
{
	const char *topic = job->place.changelog;
	int32_t partition = job->place.input.partition;
	int64_t end = 0;
	rd_kafka_resp_err_t code = consumer_end(archivist->consumer, topic, partition, &end, CALL_TIMEOUT_MS);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka does not say where it ends: %s", rd_kafka_err2str(code));
	*head = (struct snapshot_head){.partition = partition, .offset = end, .time_ms = time_of_day_ms()};
	return snprintf(head->topic, sizeof head->topic, "%s", topic) < (int)sizeof head->topic ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "the name of the changelog is too long");
}

static bool begin(struct archivist *archivist, const struct job *job, struct snapshot_head *head, struct error *error)
{
	if (!head_make(archivist, job, head, error))
		return false;
	struct laying *laying = memory_take(1, sizeof *laying);
	if (!laying)
		return error_memory(error, ERROR_SYSTEM, "writing a snapshot");
	laying->ticket = job->ticket;
	laying->file = snapshot_file_begin(archivist->config->folder, head->topic, head->partition, error);
	if (!laying->file) {
		memory_give(laying);
		return false;
	}
	laying->next = archivist->layings;
	archivist->layings = laying;
	return true;
}

static bool lay(struct archivist *archivist, const struct job *job, struct archive_news *news)
{
	struct laying *laying = *laying_find(archivist, job->ticket);
	switch (job->kind) {
	case JOB_BEGIN:
		return begin(archivist, job, &news->head, &news->error);
	case JOB_WRITE:
		return laying && snapshot_file_write(laying->file, buffer_view(&job->block), &news->error);
	default:
		news->kind = ARCHIVE_LAID;
		return laying && snapshot_file_keep(laying_end(archivist, job->ticket), &news->error);
	}
}

static void snapshot_go_on(struct archivist *archivist, struct job *job)
{
	struct archive_news news = {.kind = ARCHIVE_READY, .ticket = job->ticket};
	if (!lay(archivist, job, &news)) {
		say(archivist, "no snapshot of %s-%d is laid down, and what it would hold is read from Kafka instead: %s",
		    job->place.changelog, (int)job->place.input.partition, news.error.text);
		snapshot_file_drop(laying_end(archivist, job->ticket));
		news.kind = ARCHIVE_LOST;
	}
	tell(archivist, job, &news);
}

/* ---- the thread ---- */

/* A client that nobody needs costs threads and connections. */
static void idle(struct archivist *archivist)
{
	pthread_mutex_lock(&archivist->lock);
	bool more = archivist->jobs != NULL;
	pthread_mutex_unlock(&archivist->lock);
	if (more)
		return;
	reader_close(archivist);
}

static struct job *next_job(struct archivist *archivist)
{
	idle(archivist);
	pthread_mutex_lock(&archivist->lock);
	while (!archivist->jobs && !atomic_load(&archivist->stopping))
		pthread_cond_wait(&archivist->asked, &archivist->lock);
	struct job *job = atomic_load(&archivist->stopping) ? NULL : archivist->jobs;
	if (job) {
		archivist->jobs = job->next;
		if (!archivist->jobs)
			archivist->jobs_end = &archivist->jobs;
		archivist->current = job->ticket;
		archivist->forgotten = false;
	}
	pthread_mutex_unlock(&archivist->lock);
	return job;
}

static void *run(void *context)
{
	struct archivist *archivist = context;
	sigset_t too_large; /* a file: then the write fails, and that is enough */
	sigemptyset(&too_large);
	sigaddset(&too_large, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &too_large, NULL);
	for (struct job *job; (job = next_job(archivist)); job_close(job)) {
		if (job->kind == JOB_RESTORE)
			restore(archivist, job);
		else if (job->kind == JOB_DROP)
			snapshot_file_drop(laying_end(archivist, job->ticket));
		else
			snapshot_go_on(archivist, job);
	}
	return NULL;
}

static bool thread_start(struct archivist *archivist, struct error *error)
{
	if (archivist->running)
		return true;
	archivist->running = pthread_create(&archivist->thread, NULL, run, archivist) == 0;
	return archivist->running || error_set(error, ERROR_SYSTEM, PLACE_NONE,
					       "the archivist's thread could not be started; raise the limit on threads");
}

/* Takes the job. */
static bool ask(struct archivist *archivist, struct job *job, struct error *error)
{
	if (!job)
		return error_memory(error, ERROR_SYSTEM, "bringing back what a stage remembers");
	if (!thread_start(archivist, error)) {
		job_close(job);
		return false;
	}
	pthread_mutex_lock(&archivist->lock);
	*archivist->jobs_end = job;
	archivist->jobs_end = &job->next;
	pthread_cond_signal(&archivist->asked);
	pthread_mutex_unlock(&archivist->lock);
	return true;
}

/* ---- for the worker ---- */

static struct job *job_make(enum job_kind kind, uint64_t ticket, const struct archive_place *place)
{
	struct job *job = memory_take(1, sizeof *job);
	if (!job)
		return NULL;
	*job = (struct job){.kind = kind, .ticket = ticket, .told = memory_take(1, sizeof *job->told)};
	if (!job->told) {
		memory_give(job);
		return NULL;
	}
	if (place)
		job->place = *place;
	job->place.scopes = (struct scopes){0}; /* the store has them */
	return job;
}

static int archivist_bell(const struct archive *archive)
{
	return ((const struct archivist *)archive)->bell;
}

static bool archivist_news(struct archive *archive, struct archive_news *news)
{
	struct archivist *archivist = archivist_of(archive);
	bell_quiet(archivist->bell);
	pthread_mutex_lock(&archivist->lock);
	struct told *told = archivist->told;
	if (told) {
		archivist->told = told->next;
		if (!archivist->told)
			archivist->told_end = &archivist->told;
	}
	pthread_mutex_unlock(&archivist->lock);
	if (!told)
		return false;
	*news = told->news;
	memory_give(told);
	return true;
}

static bool archivist_restore(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	struct job *job = job_make(JOB_RESTORE, ticket, place);
	if (job && !(job->store = store_open(place->scopes, place->bytes_max))) {
		job_close(job);
		job = NULL;
	}
	return ask(archivist_of(archive), job, error);
}

static bool archivist_begin(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	return ask(archivist_of(archive), job_make(JOB_BEGIN, ticket, place), error);
}

static bool archivist_write(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct buffer *block,
			    struct error *error)
{
	struct job *job = job_make(JOB_WRITE, ticket, place);
	if (job) {
		job->block = *block;
		buffer_open(block, block->ceiling_bytes);
	}
	return ask(archivist_of(archive), job, error);
}

static bool archivist_keep(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	return ask(archivist_of(archive), job_make(JOB_KEEP, ticket, place), error);
}

static void jobs_forget(struct archivist *archivist, uint64_t ticket)
{
	struct job **at = &archivist->jobs;
	while (*at) {
		struct job *job = *at;
		if (job->ticket != ticket) {
			at = &job->next;
			continue;
		}
		*at = job->next;
		job_close(job);
	}
	archivist->jobs_end = at;
}

static void told_forget(struct archivist *archivist, uint64_t ticket)
{
	struct told **at = &archivist->told;
	while (*at) {
		struct told *told = *at;
		if (told->news.ticket != ticket) {
			at = &told->next;
			continue;
		}
		*at = told->next;
		store_close(told->news.store);
		memory_give(told);
	}
	archivist->told_end = at;
}

static void archivist_forget(struct archive *archive, uint64_t ticket)
{
	struct archivist *archivist = archivist_of(archive);
	struct error error = {0};
	pthread_mutex_lock(&archivist->lock);
	jobs_forget(archivist, ticket);
	told_forget(archivist, ticket);
	if (archivist->current == ticket)
		archivist->forgotten = true;
	pthread_mutex_unlock(&archivist->lock);
	if (archivist->running)
		(void)ask(archivist, job_make(JOB_DROP, ticket, NULL), &error);
}

static void archivist_close(struct archive *archive)
{
	struct archivist *archivist = archivist_of(archive);
	if (archivist->running) {
		pthread_mutex_lock(&archivist->lock);
		atomic_store(&archivist->stopping, true);
		pthread_cond_signal(&archivist->asked);
		pthread_mutex_unlock(&archivist->lock);
		pthread_join(archivist->thread, NULL);
	}
	while (archivist->jobs)
		jobs_forget(archivist, archivist->jobs->ticket);
	while (archivist->told)
		told_forget(archivist, archivist->told->news.ticket);
	reader_close(archivist);
	while (archivist->layings)
		snapshot_file_drop(laying_end(archivist, archivist->layings->ticket));
	if (archivist->bell >= 0)
		close(archivist->bell);
	pthread_cond_destroy(&archivist->asked);
	pthread_mutex_destroy(&archivist->lock);
	memory_give(archivist);
}

static const struct archive_operations operations = {
	.close = archivist_close,
	.bell = archivist_bell,
	.news = archivist_news,
	.restore = archivist_restore,
	.forget = archivist_forget,
};

static const struct archive_operations operations_with_snapshots = {
	.close = archivist_close,
	.bell = archivist_bell,
	.news = archivist_news,
	.restore = archivist_restore,
	.forget = archivist_forget,
	.begin = archivist_begin,
	.write = archivist_write,
	.keep = archivist_keep,
};

struct archive *archive_open(const struct archive_config *config, const struct consumer *consumer, struct error *error)
{
	if (config->folder && !snapshot_folder_check(config->folder, error))
		return NULL;
	struct archivist *archivist = memory_take(1, sizeof *archivist);
	if (!archivist) {
		error_memory(error, ERROR_SYSTEM, "opening an archive");
		return NULL;
	}
	archivist->archive.operations = config->folder ? &operations_with_snapshots : &operations;
	archivist->config = config;
	archivist->consumer = consumer;
	archivist->jobs_end = &archivist->jobs;
	archivist->told_end = &archivist->told;
	pthread_mutex_init(&archivist->lock, NULL);
	pthread_cond_init(&archivist->asked, NULL);
	archivist->bell = bell_open(error);
	if (archivist->bell >= 0)
		return &archivist->archive;
	archivist_close(&archivist->archive);
	return NULL;
}
