/* cancel_relay.c: see cancel_relay.h. */
#include "engine/run/cancel_relay.h"

#include <assert.h>

#include "base/memory.h"
#include "kafka/consume/loop_reader.h"

struct cancel_relay {
	struct cancel_relay_config config;
	struct loop_reader *reader;
	bool has_failed; /* other than by the absence of the topic, which was logged */
};

static void cancellation_take(void *context, const struct record *record, bool is_new)
{
	struct cancel_relay *relay = context;
	(void)is_new;
	if (record->key.bytes && record->value.bytes)
		cancel_board_add(relay->config.board, record->key, record->value);
}

static void failure_log(void *context, const struct error *reason)
{
	struct cancel_relay *relay = context;
	if (reason->kind != ERROR_CONFIG && !relay->has_failed)
		log_say(relay->config.log, LOG_LEVEL_WARN, NULL,
			"cancellations cannot be read: %s. Requests that are cancelled meanwhile are processed; they are read "
			"again in %d s",
			reason->text, CANCEL_RETRY_MS / 1000);
	relay->has_failed = reason->kind != ERROR_CONFIG;
}

static void failure_forget(void *context)
{
	((struct cancel_relay *)context)->has_failed = false;
}

struct cancel_relay *cancel_relay_open(const struct cancel_relay_config *config, struct loop *loop, struct error *error)
{
	assert(config->brokers && config->topic && config->board);
	struct cancel_relay *relay = memory_take(1, sizeof *relay);
	if (!relay)
		return error_null(error_memory(error, ERROR_SYSTEM, "reading cancellations"));
	relay->config = *config;
	const struct loop_reader_config reader = {
		.reader = {.brokers = config->brokers,
			   .topic = config->topic,
			   .from_time = true,
			   .may_be_absent = true,
			   .properties = config->consumer},
		.kept_ms = CANCEL_KEPT_MS,
		.retry_ms = CANCEL_RETRY_MS,
		.purpose = "reads cancellations",
		.context = relay,
		.take = cancellation_take,
		.failed = failure_log,
		.opened = failure_forget};
	relay->reader = loop_reader_open(&reader, loop, error);
	if (relay->reader)
		return relay;
	memory_give(relay);
	return NULL;
}

void cancel_relay_close(struct cancel_relay *relay)
{
	if (!relay)
		return;
	loop_reader_close(relay->reader);
	memory_give(relay);
}
