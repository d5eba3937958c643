/* log_sink.h: Lines of an engine's log, each with a level and fields, and the one sink that takes them.
 *
 * All log lines of an engine go through a sink, so that each is written once, whole, and in the same form. The owner
 * of the sink decides where and how they are written (engine/run/log_writer.h).
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

/* Names on command lines are LOG_LEVELS, in this order. */
enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

#define LOG_LEVELS "debug info warn error"
#define LOG_MESSAGE_BYTES 4096 /* of one message: an error's text with names of topics around it; the rest is cut off */

/* Subject of a line. NULL: it has none of that kind. */
struct log_fields {
	const char *pipeline;
	const char *step;
	const char *model;
	const char *client; /* of librdkafka, by its name there */
	const char *kind;   /* of an error: "CONFIG", or the code of a fault: "SL0103" */
	const char *help;   /* what to do */
	struct place place; /* in the user's files; PLACE_NONE: nowhere */
};

/* Line of the log; the sink borrows it for the call. */
struct log_line {
	enum log_level level;
	struct log_fields fields;
	const char *engine; /* its instance; set by the writer */
	const char *message;
};

/* Sink of log lines. Any thread may call `write`, which writes whole lines. */
struct log_sink {
	void (*write)(const struct log_sink *sink, const struct log_line *line);
};

/* Writes one line to the sink: a message without its end, in which logins of URLs are masked. NULL `fields`: none.
 * NULL `sink`: nothing is written. */
void log_say(const struct log_sink *sink, enum log_level level, const struct log_fields *fields, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Level of a syslog severity: 0 to 3 are errors, 4 a warning, 5 and 6 information, 7 debugging. */
enum log_level log_level_of_syslog(int severity);

/* Append the line with its end: as text, or as a JSON object with the same fields. Neither contains control bytes. */
void log_line_text(const struct log_line *line, int64_t at_ms, struct buffer *out);
void log_line_json(const struct log_line *line, int64_t at_ms, struct buffer *out);
