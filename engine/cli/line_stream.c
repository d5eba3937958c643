/* line_stream.c: see line_stream.h. */
#include "cli/line_stream.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/quote.h"

#define LINE_BYTES_MAX ((size_t)64 << 10)   /* of one line; beyond it the line is left out */
#define SAID_BYTES_MAX (8 * LINE_BYTES_MAX) /* of it as JSON, where each byte may be escaped */

struct line_stream {
	FILE *to;
	struct buffer line, said;
};

/* By way of `said`, which is emptied first. */
static void say(FILE *to, struct text line, struct buffer *said)
{
	char moment[MOMENT_BYTES];
	moment_print(time_of_day_ms(), moment);
	buffer_clear(said);
	buffer_print(said, "{\"time\":\"%s\",\"message\":", moment);
	buffer_quoted(said, line);
	buffer_string(said, "}\n");
	if (!buffer_failed(said))
		(void)fwrite(said->bytes, 1, said->length, to);
}

void line_stream_say(FILE *to, struct text line)
{
	struct buffer said;
	buffer_open(&said, SAID_BYTES_MAX);
	say(to, line, &said);
	(void)fflush(to);
	buffer_close(&said);
}

static void say_gathered(struct line_stream *self)
{
	if (!buffer_failed(&self->line))
		say(self->to, buffer_view(&self->line), &self->said);
	buffer_clear(&self->line);
}

static ssize_t take(void *cookie, const char *bytes, size_t length)
{
	struct line_stream *self = cookie;
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n')
			say_gathered(self);
		else
			buffer_byte(&self->line, bytes[i]);
	}
	return fflush(self->to) == 0 ? (ssize_t)length : 0;
}

static int end(void *cookie)
{
	struct line_stream *self = cookie;
	if (self->line.length > 0)
		say_gathered(self);
	buffer_close(&self->line);
	buffer_close(&self->said);
	memory_give(self);
	return 0;
}

FILE *line_stream_open(FILE *to, struct error *error)
{
	struct line_stream *self = memory_take(1, sizeof *self);
	FILE *stream = NULL;
	if (self) {
		*self = (struct line_stream){.to = to};
		buffer_open(&self->line, LINE_BYTES_MAX);
		buffer_open(&self->said, SAID_BYTES_MAX);
		stream = fopencookie(self, "w", (cookie_io_functions_t){.write = take, .close = end});
	}
	if (stream)
		return stream;
	memory_give(self);
	error_memory(error, ERROR_SYSTEM, "opening a stream of lines");
	return NULL;
}
