/* log_writer.c: see log_writer.h. */
#include "engine/run/log_writer.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

#define LINE_BYTES_MAX (16 * (size_t)LOG_MESSAGE_BYTES) /* every byte of it escaped, and fields beside it */

static void writer_write(const struct log_sink *sink, const struct log_line *line)
{
	struct log_writer *writer = (struct log_writer *)(uintptr_t)sink;
	struct buffer text;
	if (line->level < writer->least)
		return;
	buffer_open(&text, LINE_BYTES_MAX);
	pthread_mutex_lock(&writer->lock);
	struct log_line whole = *line;
	whole.engine = writer->engine;
	(writer->json ? log_line_json : log_line_text)(&whole, time_of_day_ms(), &text);
	if (!buffer_failed(&text))
		(void)fwrite(text.bytes, 1, text.length, writer->to);
	(void)fflush(writer->to);
	pthread_mutex_unlock(&writer->lock);
	buffer_close(&text);
}

void log_writer_open(struct log_writer *writer, FILE *to, bool json, enum log_level least)
{
	assert(to);
	*writer = (struct log_writer){.sink.write = writer_write, .to = to, .json = json, .least = least};
	pthread_mutex_init(&writer->lock, NULL);
}

void log_writer_close(struct log_writer *writer)
{
	pthread_mutex_destroy(&writer->lock);
	memory_give(writer->engine);
	writer->engine = NULL;
}

void log_writer_name(struct log_writer *writer, const char *engine)
{
	const size_t room = engine ? strlen(engine) + 1 : 0;
	char *copy = engine ? memory_take(1, room) : NULL;
	if (copy)
		memcpy(copy, engine, room);
	pthread_mutex_lock(&writer->lock);
	memory_give(writer->engine);
	writer->engine = copy;
	pthread_mutex_unlock(&writer->lock);
}
