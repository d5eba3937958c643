/* loop_reader.c: see loop_reader.h. */
#include "log/loop_reader.h"

#include <assert.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "net/loop_task.h"

struct loop_reader {
	struct loop_reader_config config;
	struct loop *loop;
	struct reader *reader; /* NULL: none is open */
	struct watch watch;
	int bell; /* of the reader */
	struct loop_timer retry;
	struct loop_task task; /* that opens a reader: */
	struct reader *opened; /* its result; NULL: `error` has the reason */
	struct error error;
	atomic_bool stopping;
};

static void retry_later(struct loop_reader *self, const struct error *reason)
{
	struct error error = {0};
	self->config.failed(self->config.context, reason);
	(void)loop_timer_set(self->loop, &self->retry, loop_now_ms(self->loop) + self->config.retry_ms, &error);
}

/* ---- records ---- */

static bool loop_reader_take(void *context, const struct record *record, struct error *error)
{
	const struct loop_reader *self = context;
	(void)error;
	self->config.take(self->config.context, record, record->offset >= reader_end_of(self->reader, record->partition));
	return true;
}

static void loop_reader_on_bell(void *context, uint32_t events)
{
	struct loop_reader *self = context;
	struct error error = {0};
	(void)events;
	bell_quiet(self->bell);
	if (!self->reader || reader_give_arrived(self->reader, LOOP_READER_RECORDS_A_TURN, 0, loop_reader_take, self, &error))
		return;
	reader_close(self->reader);
	self->reader = NULL;
	retry_later(self, &error);
}

/* ---- opening the topic ---- */

static void reader_begin(void *context)
{
	struct loop_reader *self = context;
	self->opened = reader_open(&self->config.reader, &self->error);
}

static void on_opened(void *context)
{
	struct loop_reader *self = context;
	if (!self->opened) {
		retry_later(self, &self->error);
		return;
	}
	self->config.opened(self->config.context);
	self->reader = self->opened;
	self->opened = NULL;
	reader_ring(self->reader, self->bell);
	bell_ring(self->bell); /* for records that came before */
}

static void loop_reader_on_retry(void *context)
{
	struct loop_reader *self = context;
	struct error error = {0};
	self->error = (struct error){0};
	if (self->config.reader.from_time)
		self->config.reader.time_ms = time_of_day_ms() - self->config.kept_ms;
	self->task = (struct loop_task){.run = reader_begin, .done = on_opened, .context = self};
	if (!loop_task_start(&self->task, self->loop, self->config.purpose, &error))
		retry_later(self, &error);
}

/* ---- opening and closing ---- */

struct loop_reader *loop_reader_open(const struct loop_reader_config *config, struct loop *loop, struct error *error)
{
	assert(config->take && config->failed && config->opened);
	assert(config->purpose && config->retry_ms > 0);
	assert(!config->reader.by_time && !config->reader.stopping);
	struct loop_reader *self = memory_take(1, sizeof *self);
	if (!self) {
		error_memory(error, ERROR_SYSTEM, "reading a topic");
		return NULL;
	}
	self->config = *config;
	self->config.reader.stopping = &self->stopping;
	self->loop = loop;
	self->watch = (struct watch){.ready = loop_reader_on_bell, .context = self};
	self->retry = (struct loop_timer){.due = loop_reader_on_retry, .context = self};
	self->bell = bell_open(error);
	if (self->bell >= 0 && loop_watch(loop, &self->watch, self->bell, EPOLLIN, error)) {
		loop_reader_on_retry(self);
		return self;
	}
	if (self->bell >= 0)
		close(self->bell);
	memory_give(self);
	return NULL;
}

void loop_reader_close(struct loop_reader *reader)
{
	if (!reader)
		return;
	atomic_store(&reader->stopping, true);
	loop_timer_stop(reader->loop, &reader->retry);
	loop_task_end(&reader->task);
	reader_close(reader->opened);
	reader_close(reader->reader);
	loop_unwatch(reader->loop, &reader->watch);
	close(reader->bell);
	memory_give(reader);
}
