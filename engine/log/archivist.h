/* archivist.h: what the files of Kafka's archive share: its jobs, and what its thread says
 * and tells. archivist.c is the thread and what the worker asks of it, and keeps snapshots;
 * archivist_restore.c brings back. All functions here are for the archive's own thread.
 */
#ifndef SLUICE_LOG_ARCHIVIST_H
#define SLUICE_LOG_ARCHIVIST_H

#include <pthread.h>
#include <stdatomic.h>

#include "log/archive.h"
#include "log/changelog.h"

#define ARCHIVIST_TIMEOUT_MS 10000 /* of one question to Kafka */

enum job_kind { JOB_RESTORE, JOB_BEGIN, JOB_WRITE, JOB_KEEP, JOB_DROP };

struct job {
	struct job *next;
	enum job_kind kind;
	uint64_t ticket;
	struct archive_place place;
	struct store *store; /* of a restore */
	uint32_t *topics;    /* those of the place, its own */
	struct buffer block; /* of a write */
	struct told *told;   /* what will come of it: made with it, so that it can be told */
};

/* A snapshot being written; the thread's. */
struct unfinished_snapshot {
	struct unfinished_snapshot *next;
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

	struct unfinished_snapshot *unfinished_snapshots;
	struct changelog_reader *reader; /* while restores follow each other */
	/* Of the restore that the thread is at: */
	int64_t began_ms, said_ms;
	const struct job *restoring;
};

/* A line for whoever listens; see archive_config. */
void archivist_say(const struct archivist *archivist, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The news, and the store with them, are the asker's from here on, unless he forgot. */
void archivist_tell(struct archivist *archivist, struct job *job, const struct archive_news *news);

/* Nobody waits any more for what the thread is at, or the archive is being closed. */
bool archivist_is_forgotten(struct archivist *archivist);

/* Brings a store back and tells of it; silent when it was forgotten meanwhile. */
void archivist_bring_back(struct archivist *archivist, struct job *job);

/* Gives back the reader that restores which follow each other share; there need be none. */
void archivist_close_reader(struct archivist *archivist);

#endif
