/* log_writer.h: Writer of an engine's log: the sink of all its lines. It adds the time to each line and writes it in
 * one piece to one stream, as text or as JSON.
 *
 * Any thread may write to it.
 */
#pragma once

#include <pthread.h>
#include <stdio.h>

#include "observe/log_sink.h"

struct log_writer {
	struct log_sink sink; /* first member: a pointer to it is a pointer to the writer */
	FILE *to;	      /* borrowed */
	bool json;
	enum log_level least; /* lines below it are left out */
	char *engine;	      /* name of the instance, when it is known; NULL: lines have no such field. Owned */
	pthread_mutex_t lock;
};

void log_writer_open(struct log_writer *writer, FILE *to, bool json, enum log_level least);
void log_writer_close(struct log_writer *writer); /* no thread may write afterwards */

/* Sets the name of the engine for later lines, of which it keeps a copy: the last lines follow the engine's end. NULL, or no memory
 * for it: they have none. */
void log_writer_name(struct log_writer *writer, const char *engine);
