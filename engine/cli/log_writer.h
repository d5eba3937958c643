/* log_writer.h: Writer of an engine's log: the sink behind all its lines, which gives each its time and writes it whole to one
 * stream, as text or as JSON.
 *
 * Written to from any thread.
 */
#ifndef SLUICE_CLI_LOG_WRITER_H
#define SLUICE_CLI_LOG_WRITER_H

#include <pthread.h>
#include <stdio.h>

#include "observe/log_sink.h"

struct log_writer {
	struct log_sink sink; /* first: whoever is handed it is handed the writer */
	FILE *to;	      /* borrowed */
	bool json;
	enum log_level least; /* lines below it are left out */
	const char *engine;   /* the instance, as soon as it is known; NULL: lines have no such field. Borrowed */
	pthread_mutex_t lock;
};

void log_writer_open(struct log_writer *writer, FILE *to, bool json, enum log_level least);
void log_writer_close(struct log_writer *writer); /* no thread writes any more */

/* Names the engine whose lines come from now on. */
void log_writer_name(struct log_writer *writer, const char *engine);

#endif
