/* reader_renewal.h: Opens a reader in a thread, and again after it failed, as often as it takes, while its loop continues. Belongs
 * to the thread of its loop.
 */
#pragma once

#include "kafka/consume/reader.h"
#include "net/loop_task.h"

struct reader_renewal {
	const struct reader_config *config; /* borrowed; its `stopping` is that below */
	struct loop *loop;
	const char *purpose; /* for errors of the system, as in "reads replies" */
	int64_t pause_ms;    /* before each further attempt */
	/* A reader is open, which the callee owns. */
	void (*opened)(void *context, struct reader *reader);
	/* An attempt failed, and another one follows. */
	void (*failed)(void *context, const struct error *error);
	void *context;
	atomic_bool stopping;
	/* Private. */
	struct reader *failed_reader;
	struct loop_timer timer;
	struct loop_task task;
	struct reader *reader;
	struct error error;
};

/* Opens the first reader. The caller has set all but the private fields. */
void reader_renewal_start(struct reader_renewal *renewal);

/* Opens the first reader at once, which waits for Kafka. If that fails by a REMOTE error, `reader` is NULL, `failed` is called, and
 * the reader is opened in the thread, as after a failure. False: any other error. */
bool reader_renewal_try(struct reader_renewal *renewal, struct reader **reader, struct error *error);

/* Closes the reader that failed, in the thread, and opens another one. The caller has set all but the private fields, and forgets
 * the reader. */
void reader_renewal_begin(struct reader_renewal *renewal, struct reader *failed);

/* Logs what holds until then, and the error of the reader. */
void reader_renewal_log(const char *meanwhile, const struct error *error);

/* Ends an attempt, of which nothing is called any more; fine when there is none. May wait some seconds if no broker answers. */
void reader_renewal_end(struct reader_renewal *renewal);
