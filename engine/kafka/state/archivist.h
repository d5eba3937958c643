/* archivist.h: Shared parts of Kafka's archive: its jobs, its log lines and its news. Private to the archive.
 *
 * archivist.c is the thread, the worker's calls, and the snapshots. archivist_restore.c restores. Both report by
 * archivist_news.c. All functions here are for the archive's own thread.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "kafka/state/archive.h"
#include "kafka/state/changelog.h"

#define ARCHIVIST_TIMEOUT_MS 10000 /* of one request to Kafka */

enum job_kind { JOB_RESTORE, JOB_BEGIN, JOB_WRITE, JOB_KEEP, JOB_DROP };

struct job {
	struct job *next;
	enum job_kind kind;
	uint64_t ticket;
	struct archive_place place;
	struct store *store; /* of a restore */
	uint32_t *topics;    /* topics of the place, copied */
	struct buffer block; /* of a write */
	int64_t offset;	     /* of a begin: that of the snapshot */
	struct archive_report *report; /* news of this job: allocated with it, so that its result can always be reported */
};

/* A snapshot that is being written; belongs to the thread. */
struct unfinished_snapshot {
	struct unfinished_snapshot *next;
	uint64_t ticket;
	struct snapshot_file *file;
};

struct archive_report {
	struct archive_report *next;
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
	struct archive_report *reports, **reports_end;
	uint64_t current; /* ticket of the current job */
	bool forgotten;	  /* the worker has cancelled the current job */

	struct unfinished_snapshot *unfinished_snapshots;
	struct changelog_reader *reader; /* kept while restores follow each other */
	/* Of the current restore: */
	int64_t began_ms, logged_ms;
	const struct job *restoring;
};

/* Logs a line; see archive_config. */
void archivist_say(const struct archivist *archivist, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Reports the result of a job. The news, and the store in them, belong to the worker from then on, unless it has
 * cancelled the job. */
void archivist_tell(struct archivist *archivist, struct job *job, const struct archive_news *news);

/* Whether the current job is cancelled, or the archive is being closed. */
bool archivist_is_forgotten(struct archivist *archivist);

/* Restores a store and reports it. Nothing is reported of a job that was cancelled meanwhile. */
void archivist_bring_back(struct archivist *archivist, struct job *job);

/* Closes the reader that successive restores share. Fine when there is none. */
void archivist_close_reader(struct archivist *archivist);
