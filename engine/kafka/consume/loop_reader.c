/* loop_reader.c: see loop_reader.h. */
#include "kafka/consume/loop_reader.h"

#include <assert.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/consume/reader_renewal.h"

struct loop_reader {
	struct loop_reader_config config;
	struct loop *loop;
	struct reader *reader; /* NULL: none is open */
	struct watch watch;
	int bell; /* of the reader */
	struct reader_renewal renewal;
};

/* Where the next reader begins. */
static void reader_time_set(struct loop_reader *self)
{
	if (self->config.reader.from_time)
		self->config.reader.time_ms = time_of_day_ms() - self->config.kept_ms;
}

/* ---- records ---- */

static bool loop_reader_take(void *context, const struct record *record, struct error *error)
{
	const struct loop_reader *self = context;
	(void)error;
	self->config.take(self->config.context, record, record->offset >= reader_end_of(self->reader, record->partition));
	return true;
}

static void loop_reader_on_failed(void *context, const struct error *reason)
{
	struct loop_reader *self = context;
	self->config.failed(self->config.context, reason);
	reader_time_set(self);
}

static void loop_reader_on_bell(void *context, uint32_t events)
{
	struct loop_reader *self = context;
	struct error error = {0};
	(void)events;
	bell_quiet(self->bell);
	if (!self->reader || reader_give_arrived(self->reader, LOOP_READER_RECORDS_A_TURN, 0, loop_reader_take, self, &error))
		return;
	loop_reader_on_failed(self, &error);
	reader_renewal_begin(&self->renewal, self->reader);
	self->reader = NULL;
}

static void loop_reader_on_opened(void *context, struct reader *reader)
{
	struct loop_reader *self = context;
	self->config.opened(self->config.context);
	self->reader = reader;
	reader_ring(self->reader, self->bell);
	bell_ring(self->bell); /* for records that came before */
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
	self->config.reader.stopping = &self->renewal.stopping;
	self->loop = loop;
	self->watch = (struct watch){.ready = loop_reader_on_bell, .context = self};
	self->renewal = (struct reader_renewal){.config = &self->config.reader,
						.loop = loop,
						.purpose = config->purpose,
						.pause_ms = config->retry_ms,
						.opened = loop_reader_on_opened,
						.failed = loop_reader_on_failed,
						.context = self};
	self->bell = bell_open(error);
	if (self->bell >= 0 && loop_watch(loop, &self->watch, self->bell, EPOLLIN, error)) {
		reader_time_set(self);
		reader_renewal_start(&self->renewal);
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
	reader_renewal_end(&reader->renewal);
	reader_close(reader->reader);
	loop_unwatch(reader->loop, &reader->watch);
	close(reader->bell);
	memory_give(reader);
}
