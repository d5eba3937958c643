/* cancel_relay.c: see cancel_relay.h. */
#include "runtime/cancel_relay.h"

#include <stdatomic.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "log/reader.h"
#include "net/loop_task.h"

struct cancel_relay {
	struct cancel_relay_config config;
	struct reader_config reader_config;
	struct loop *loop;
	struct reader *reader; /* NULL: none is open */
	struct watch watch;
	int bell; /* of the reader */
	struct loop_timer retry;
	struct loop_task task; /* that opens a reader: */
	struct reader *opened; /* its result; NULL: `error` has the reason */
	struct error error;
	atomic_bool stopping;
	bool has_failed; /* other than by the absence of the topic, which was logged */
};

static void relay_retry(struct cancel_relay *relay, const struct error *reason)
{
	struct error error = {0};
	if (reason->kind != ERROR_CONFIG && !relay->has_failed)
		log_say(relay->config.log, LOG_LEVEL_WARN, NULL,
			"cancellations cannot be read: %s. Requests that are cancelled meanwhile are processed; they are read "
			"again in %d s",
			reason->text, CANCEL_RETRY_MS / 1000);
	relay->has_failed = reason->kind != ERROR_CONFIG;
	(void)loop_timer_set(relay->loop, &relay->retry, loop_now_ms(relay->loop) + CANCEL_RETRY_MS, &error);
}

/* ---- records ---- */

/* False: the reader has failed. */
static bool records_take(struct cancel_relay *relay, struct error *error)
{
	for (size_t i = 0; i < CANCEL_RECORDS_A_TURN; i++) {
		struct record record;
		if (!reader_next(relay->reader, 0, &record, error))
			return false;
		if (!record.held)
			return true;
		if (record.key.bytes && record.value.bytes)
			cancel_board_add(relay->config.board, record.key, record.value);
		record_release(&record);
	}
	bell_ring(relay->bell);
	return true;
}

static void on_bell(void *context, uint32_t events)
{
	struct cancel_relay *relay = context;
	struct error error = {0};
	(void)events;
	bell_quiet(relay->bell);
	if (!relay->reader || records_take(relay, &error))
		return;
	reader_close(relay->reader);
	relay->reader = NULL;
	relay_retry(relay, &error);
}

/* ---- readers ---- */

static void reader_begin(void *context)
{
	struct cancel_relay *relay = context;
	relay->opened = reader_open(&relay->reader_config, &relay->error);
}

static void on_opened(void *context)
{
	struct cancel_relay *relay = context;
	if (!relay->opened) {
		relay_retry(relay, &relay->error);
		return;
	}
	relay->has_failed = false;
	relay->reader = relay->opened;
	relay->opened = NULL;
	reader_ring(relay->reader, relay->bell);
	bell_ring(relay->bell); /* for cancellations that came before */
}

static void on_retry(void *context)
{
	struct cancel_relay *relay = context;
	struct error error = {0};
	relay->error = (struct error){0};
	relay->reader_config.time_ms = time_of_day_ms() - CANCEL_KEPT_MS;
	relay->task = (struct loop_task){.run = reader_begin, .done = on_opened, .context = relay};
	if (!loop_task_start(&relay->task, relay->loop, "reads cancellations", &error))
		relay_retry(relay, &error);
}

/* ---- opening and closing ---- */

struct cancel_relay *cancel_relay_open(const struct cancel_relay_config *config, struct loop *loop, struct error *error)
{
	struct cancel_relay *relay = memory_take(1, sizeof *relay);
	if (!relay) {
		error_memory(error, ERROR_SYSTEM, "reading cancellations");
		return NULL;
	}
	relay->config = *config;
	relay->reader_config = (struct reader_config){.brokers = config->brokers,
						      .topic = config->topic,
						      .from_time = true,
						      .stopping = &relay->stopping,
						      .properties = config->consumer};
	relay->loop = loop;
	relay->watch = (struct watch){.ready = on_bell, .context = relay};
	relay->retry = (struct loop_timer){.due = on_retry, .context = relay};
	relay->bell = bell_open(error);
	if (relay->bell >= 0 && loop_watch(loop, &relay->watch, relay->bell, EPOLLIN, error)) {
		on_retry(relay);
		return relay;
	}
	if (relay->bell >= 0)
		close(relay->bell);
	memory_give(relay);
	return NULL;
}

void cancel_relay_close(struct cancel_relay *relay)
{
	if (!relay)
		return;
	atomic_store(&relay->stopping, true);
	loop_timer_stop(relay->loop, &relay->retry);
	loop_task_end(&relay->task);
	reader_close(relay->opened);
	reader_close(relay->reader);
	loop_unwatch(relay->loop, &relay->watch);
	close(relay->bell);
	memory_give(relay);
}
