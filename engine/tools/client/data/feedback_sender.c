/* feedback_sender.c: Sender of feedback for `sluice feedback`: one, or a line each of a file, checked, sent and counted. */
#include "tools/client/data/feedback_sender.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"

#define LINE_ARENA_BYTES ((size_t)64 << 20)
#define SETTLE_MS 250

static void feedback_sender_on_refused(void *context, uint64_t line, const char *reason)
{
	struct feedback_sender *self = context;
	refused_lines_add(&self->refused, line, reason);
}

/* Its time is now, unless it has one. */
static bool record_send(struct feedback_sender *self, struct feedback *feedback, struct error *error)
{
	const int64_t now_ms = time_of_day_ms();
	if (feedback->time_ms == 0)
		feedback->time_ms = now_ms;
	buffer_clear(&self->record);
	if (!feedback_check(feedback, now_ms, error) || !feedback_encode(feedback, &self->record, error))
		return false;
	const struct outgoing record = {.key = feedback_key(feedback, self->arena), .value = buffer_view(&self->record)};
	return sender_send(self->sender, &record, self->line, error);
}

/* Reports the refusal of a record; false: nothing more can be produced. */
static bool refusal_report(struct feedback_sender *self, const struct error *wrong, struct error *error)
{
	if (wrong->kind == ERROR_SYSTEM)
		*error = *wrong;
	else
		feedback_sender_on_refused(self, self->line, wrong->text);
	return wrong->kind != ERROR_SYSTEM;
}

static bool line_send(struct feedback_sender *self, struct text line, struct error *error)
{
	struct feedback feedback;
	struct error wrong = {0};
	arena_reset(self->arena);
	return (feedback_read(line, self->arena, &feedback, &wrong) && record_send(self, &feedback, &wrong)) ||
	       refusal_report(self, &wrong, error);
}

static bool lines_send(struct feedback_sender *self, FILE *from, struct error *error)
{
	char *bytes = NULL;
	size_t size = 0;
	ssize_t length;
	bool good = true;
	while (good && (length = getline(&bytes, &size, from)) >= 0) {
		const struct text line = text_trimmed((struct text){bytes, (size_t)length}, " \t\r\n");
		self->line++;
		if (line.length > 0)
			good = line_send(self, line, error);
	}
	free(bytes);
	return good && (!ferror(from) || error_set(error, ERROR_SYSTEM, PLACE_NONE,
						   "the feedback could be read only up to line %" PRIu64, self->line));
}

bool feedback_sender_run(struct feedback_sender *self, FILE *lines, struct feedback *feedback, struct error *error)
{
	const struct sender_config config = {
		.brokers = self->target->kafka.brokers,
		.topic = self->target->feedback,
		.timeout_ms = self->timeout_ms,
		.properties = self->target->kafka.producer,
		.refused = feedback_sender_on_refused,
		.context = self,
	};
	struct error wrong = {0};
	assert(!lines == !!feedback);
	self->arena = arena_open(LINE_ARENA_BYTES);
	buffer_open(&self->record, FEEDBACK_BYTES_MAX);
	bool good = self->arena || error_memory(error, ERROR_SYSTEM, "reading feedback");
	self->sender = good ? sender_open(&config, error) : NULL;
	self->was_opened = self->sender;
	if (self->sender) {
		good = lines ? lines_send(self, lines, error)
			     : record_send(self, feedback, &wrong) || refusal_report(self, &wrong, error);
		while (!sender_settled(self->sender, SETTLE_MS))
			;
		self->acknowledged = sender_acknowledged(self->sender);
		refused_lines_sum(&self->refused);
	}
	good = good && self->sender;
	sender_close(self->sender);
	buffer_close(&self->record);
	arena_close(self->arena);
	return good;
}
