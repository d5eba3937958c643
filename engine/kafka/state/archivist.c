/* archivist.c: Thread of Kafka's archive: reads changelogs and keeps snapshots in files, one job after the other. See
 * archive.h and archivist.h.
 *
 * Jobs go to the thread and news come back, each in a list under one lock. A store and a block belong to the side
 * that has the job or the news.
 */
#include "kafka/state/archivist.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/client.h"
#include "kafka/state/snapshot_file.h"
#include "net/loop.h"

static struct archivist *archivist_of(struct archive *archive)
{
	return (struct archivist *)archive;
}

/* ---- jobs ---- */

static void job_close(struct job *job)
{
	memory_give(job->report);
	memory_give(job->topics);
	store_close(job->store);
	buffer_close(&job->block);
	memory_give(job);
}

/* ---- snapshots ---- */

static struct unfinished_snapshot **unfinished_snapshot_find(struct archivist *archivist, uint64_t ticket)
{
	struct unfinished_snapshot **at = &archivist->unfinished_snapshots;
	while (*at && (*at)->ticket != ticket)
		at = &(*at)->next;
	return at;
}

/* Removes the snapshot from the list; the caller then owns its file. */
static struct snapshot_file *unfinished_snapshot_end(struct archivist *archivist, uint64_t ticket)
{
	struct unfinished_snapshot **at = unfinished_snapshot_find(archivist, ticket), *unfinished_snapshot = *at;
	struct snapshot_file *file = unfinished_snapshot ? unfinished_snapshot->file : NULL;
	if (unfinished_snapshot)
		*at = unfinished_snapshot->next;
	memory_give(unfinished_snapshot);
	return file;
}

static bool head_make(const struct job *job, struct snapshot_head *head, struct error *error)
{
	*head = (struct snapshot_head){.partition = job->place.input.partition, .offset = job->offset, .time_ms = time_of_day_ms()};
	return snprintf(head->topic, sizeof head->topic, "%s", job->place.changelog) < (int)sizeof head->topic ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "the name of the changelog is too long");
}

static bool archivist_begin_snapshot(struct archivist *archivist, const struct job *job, struct snapshot_head *head,
				     struct error *error)
{
	if (!head_make(job, head, error))
		return false;
	struct unfinished_snapshot *unfinished_snapshot = memory_take(1, sizeof *unfinished_snapshot);
	if (!unfinished_snapshot)
		return error_memory(error, ERROR_SYSTEM, "writing a snapshot");
	unfinished_snapshot->ticket = job->ticket;
	unfinished_snapshot->file = snapshot_file_begin(archivist->config->folder, head->topic, head->partition, error);
	if (!unfinished_snapshot->file) {
		memory_give(unfinished_snapshot);
		return false;
	}
	unfinished_snapshot->next = archivist->unfinished_snapshots;
	archivist->unfinished_snapshots = unfinished_snapshot;
	return true;
}

static bool snapshot_job_run(struct archivist *archivist, const struct job *job, struct archive_news *news)
{
	struct unfinished_snapshot *unfinished_snapshot = *unfinished_snapshot_find(archivist, job->ticket);
	switch (job->kind) {
	case JOB_BEGIN:
		return archivist_begin_snapshot(archivist, job, &news->head, &news->error);
	case JOB_WRITE:
		return unfinished_snapshot &&
		       snapshot_file_write(unfinished_snapshot->file, buffer_view(&job->block), &news->error);
	default:
		news->kind = ARCHIVE_KEPT;
		return unfinished_snapshot && snapshot_file_keep(unfinished_snapshot_end(archivist, job->ticket), &news->error);
	}
}

static void snapshot_go_on(struct archivist *archivist, struct job *job)
{
	struct archive_news news = {.kind = ARCHIVE_READY, .ticket = job->ticket};
	if (!snapshot_job_run(archivist, job, &news)) {
		archivist_say(archivist, LOG_LEVEL_WARN,
			      "the snapshot of %s-%d could not be written; its state is read from Kafka instead: %s",
			      job->place.changelog, (int)job->place.input.partition, news.error.text);
		snapshot_file_drop(unfinished_snapshot_end(archivist, job->ticket));
		news.kind = ARCHIVE_LOST;
	}
	archivist_tell(archivist, job, &news);
}

/* ---- the thread ---- */

/* Closes clients that are not needed, because they cost threads and connections. */
static void idle(struct archivist *archivist)
{
	pthread_mutex_lock(&archivist->lock);
	bool more = archivist->jobs != NULL;
	pthread_mutex_unlock(&archivist->lock);
	if (more)
		return;
	archivist_close_reader(archivist);
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

static void *archivist_run(void *context)
{
	struct archivist *archivist = context;
	sigset_t too_large; /* signal for a file that is too large: the failed write is enough */
	sigemptyset(&too_large);
	sigaddset(&too_large, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &too_large, NULL);
	for (struct job *job; (job = next_job(archivist)); job_close(job)) {
		if (job->kind == JOB_RESTORE)
			archivist_bring_back(archivist, job);
		else if (job->kind == JOB_DROP)
			snapshot_file_drop(unfinished_snapshot_end(archivist, job->ticket));
		else
			snapshot_go_on(archivist, job);
	}
	return NULL;
}

static bool thread_start(struct archivist *archivist, struct error *error)
{
	if (archivist->running)
		return true;
	archivist->running = pthread_create(&archivist->thread, NULL, archivist_run, archivist) == 0;
	return archivist->running || error_set(error, ERROR_SYSTEM, PLACE_NONE,
					       "the archivist's thread could not be started; raise the limit on threads");
}

/* Takes the job. */
static bool archivist_ask(struct archivist *archivist, struct job *job, struct error *error)
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
	*job = (struct job){.kind = kind, .ticket = ticket, .report = memory_take(1, sizeof *job->report)};
	size_t topics = place ? place->topic_count : 0;
	if (topics > 0)
		job->topics = memory_take(topics, sizeof *job->topics);
	if (!job->report || (topics > 0 && !job->topics)) {
		job_close(job);
		return NULL;
	}
	if (place)
		job->place = *place;
	if (topics > 0)
		memcpy(job->topics, place->topics, topics * sizeof *job->topics);
	job->place.topics = job->topics;
	job->place.scopes = (struct store_scopes){0}; /* the store has them now */
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
	struct archive_report *report = archivist->reports;
	if (report) {
		archivist->reports = report->next;
		if (!archivist->reports)
			archivist->reports_end = &archivist->reports;
	}
	pthread_mutex_unlock(&archivist->lock);
	if (!report)
		return false;
	*news = report->news;
	memory_give(report);
	return true;
}

static bool archivist_restore(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	struct job *job = job_make(JOB_RESTORE, ticket, place);
	if (job && !(job->store = store_open(place->scopes, place->bytes_max))) {
		job_close(job);
		job = NULL;
	}
	return archivist_ask(archivist_of(archive), job, error);
}

static bool archivist_begin(struct archive *archive, uint64_t ticket, const struct archive_place *place, int64_t offset,
			    struct error *error)
{
	struct job *job = job_make(JOB_BEGIN, ticket, place);
	if (job)
		job->offset = offset;
	return archivist_ask(archivist_of(archive), job, error);
}

static bool archivist_write(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct buffer *block,
			    struct error *error)
{
	struct job *job = job_make(JOB_WRITE, ticket, place);
	if (job) {
		job->block = *block;
		buffer_open(block, block->ceiling_bytes);
	}
	return archivist_ask(archivist_of(archive), job, error);
}

static bool archivist_keep(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	return archivist_ask(archivist_of(archive), job_make(JOB_KEEP, ticket, place), error);
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

static void reports_forget(struct archivist *archivist, uint64_t ticket)
{
	struct archive_report **at = &archivist->reports;
	while (*at) {
		struct archive_report *report = *at;
		if (report->news.ticket != ticket) {
			at = &report->next;
			continue;
		}
		*at = report->next;
		store_close(report->news.store);
		memory_give(report);
	}
	archivist->reports_end = at;
}

static void archivist_forget(struct archive *archive, uint64_t ticket)
{
	struct archivist *archivist = archivist_of(archive);
	struct error error = {0};
	pthread_mutex_lock(&archivist->lock);
	jobs_forget(archivist, ticket);
	reports_forget(archivist, ticket);
	if (archivist->current == ticket)
		archivist->forgotten = true;
	pthread_mutex_unlock(&archivist->lock);
	if (archivist->running)
		(void)archivist_ask(archivist, job_make(JOB_DROP, ticket, NULL), &error);
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
	while (archivist->reports)
		reports_forget(archivist, archivist->reports->news.ticket);
	archivist_close_reader(archivist);
	while (archivist->unfinished_snapshots)
		snapshot_file_drop(unfinished_snapshot_end(archivist, archivist->unfinished_snapshots->ticket));
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
	assert(config->brokers && consumer);
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
	archivist->reports_end = &archivist->reports;
	pthread_mutex_init(&archivist->lock, NULL);
	pthread_cond_init(&archivist->asked, NULL);
	archivist->bell = bell_open(error);
	if (archivist->bell >= 0)
		return &archivist->archive;
	archivist_close(&archivist->archive);
	return NULL;
}
