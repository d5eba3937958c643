/* log_sink.c: see log_sink.h. */
#include "observe/log_sink.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/number/moment.h"
#include "base/quote.h"
#include "base/url_mask.h"

#define SYSLOG_ERROR 3
#define SYSLOG_WARNING 4
#define SYSLOG_DEBUG 7

static const char *const level_names[] = {"debug", "info", "warn", "error"};

enum log_level log_level_of_syslog(int severity)
{
	if (severity <= SYSLOG_ERROR)
		return LOG_LEVEL_ERROR;
	if (severity >= SYSLOG_DEBUG)
		return LOG_LEVEL_DEBUG;
	return severity == SYSLOG_WARNING ? LOG_LEVEL_WARN : LOG_LEVEL_INFO;
}

void log_say(const struct log_sink *sink, enum log_level level, const struct log_fields *fields, const char *format, ...)
{
	char message[LOG_MESSAGE_BYTES];
	va_list arguments;
	if (!sink)
		return;
	va_start(arguments, format);
	(void)vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	mask_string(message);
	struct log_line line = {.level = level, .message = message};
	if (fields)
		line.fields = *fields;
	sink->write(sink, &line);
}

/* ---- the fields, in one order for both forms ---- */

struct log_field {
	const char *name, *value;
};

enum { LOG_FIELDS = 7 };

static void log_fields_list(const struct log_line *line, struct log_field list[LOG_FIELDS])
{
	const struct log_fields *fields = &line->fields;
	list[0] = (struct log_field){"pipeline", fields->pipeline};
	list[1] = (struct log_field){"step", fields->step};
	list[2] = (struct log_field){"model", fields->model};
	list[3] = (struct log_field){"client", fields->client};
	list[4] = (struct log_field){"engine", line->engine};
	list[5] = (struct log_field){"kind", fields->kind};
	list[6] = (struct log_field){"help", fields->help};
}

static bool is_bare(struct text value)
{
	bool bare = value.length > 0;
	for (size_t i = 0; i < value.length; i++)
		bare = bare && (unsigned char)value.bytes[i] > ' ' && (unsigned char)value.bytes[i] < 0x7F &&
		       !strchr("\"\\=", value.bytes[i]);
	return bare;
}

void log_line_text(const struct log_line *line, int64_t at_ms, struct buffer *out)
{
	struct log_field list[LOG_FIELDS];
	char moment[MOMENT_MS_BYTES];
	const struct place *place = &line->fields.place;
	moment_print_ms(at_ms, moment);
	buffer_print(out, "%s %-5s ", moment, level_names[line->level]);
	if (place->line > 0) {
		buffer_shown(out, text_of(place->file));
		buffer_print(out, ":%u:%u: ", place->line, place->column);
	}
	buffer_shown(out, text_of(line->message));
	log_fields_list(line, list);
	const char *gap = "  ";
	for (size_t i = 0; i < LOG_FIELDS; i++) {
		if (!list[i].value)
			continue;
		buffer_print(out, "%s%s=", gap, list[i].name);
		if (is_bare(text_of(list[i].value)))
			buffer_string(out, list[i].value);
		else
			buffer_quoted(out, text_of(list[i].value));
		gap = " ";
	}
	buffer_byte(out, '\n');
}

void log_line_json(const struct log_line *line, int64_t at_ms, struct buffer *out)
{
	struct log_field list[LOG_FIELDS];
	char moment[MOMENT_MS_BYTES];
	const struct place *place = &line->fields.place;
	moment_print_ms(at_ms, moment);
	buffer_print(out, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", moment, level_names[line->level]);
	buffer_quoted(out, text_of(line->message));
	log_fields_list(line, list);
	for (size_t i = 0; i < LOG_FIELDS; i++) {
		if (!list[i].value)
			continue;
		buffer_print(out, ",\"%s\":", list[i].name);
		buffer_quoted(out, text_of(list[i].value));
	}
	if (place->line > 0) {
		buffer_string(out, ",\"file\":");
		buffer_quoted(out, text_of(place->file));
		buffer_print(out, ",\"line\":%u,\"column\":%u", place->line, place->column);
	}
	buffer_string(out, "}\n");
}
