/* The log of an engine: each line whole, with its time, level and fields, alike as text and as JSON. */
#include "engine/run/log_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/number/moment.h"

struct stand {
	struct log_writer writer;
	char *written;
	size_t length;
	FILE *to;
};

static void stand_open(struct stand *stand, bool json, enum log_level least)
{
	*stand = (struct stand){0};
	stand->to = open_memstream(&stand->written, &stand->length);
	log_writer_open(&stand->writer, stand->to, json, least);
}

static void stand_close(struct stand *stand)
{
	log_writer_close(&stand->writer);
	fclose(stand->to);
	free(stand->written);
}

static const struct log_fields all_fields = {.pipeline = "p",
					     .step = "a step",
					     .model = "m",
					     .client = "rdkafka#consumer-1",
					     .kind = "CONFIG",
					     .help = "say \"so\"",
					     .place = {"a.yaml", 8, 5}};

static void text_has_time_level_message_and_fields(void **state)
{
	(void)state;
	struct log_line line = {
		.level = LOG_LEVEL_WARN, .fields = all_fields, .engine = "one", .message = "model m is unreachable: no"};
	struct buffer out;
	buffer_open(&out, 10000);
	log_line_text(&line, 1234, &out);
	buffer_byte(&out, '\0');
	assert_string_equal(out.bytes,
			    "1970-01-01T00:00:01.234Z warn  a.yaml:8:5: model m is unreachable: no  pipeline=p step=\"a step\" "
			    "model=m client=rdkafka#consumer-1 engine=one kind=CONFIG help=\"say \\\"so\\\"\"\n");
	buffer_clear(&out);
	log_line_text(&(struct log_line){.level = LOG_LEVEL_ERROR, .message = "bare"}, 0, &out);
	buffer_byte(&out, '\0');
	assert_string_equal(out.bytes, "1970-01-01T00:00:00.000Z error bare\n");
	buffer_close(&out);
}

static void json_has_the_same(void **state)
{
	(void)state;
	static const char *const want[][2] = {{"time", "1970-01-01T00:00:01.234Z"},
					      {"level", "debug"},
					      {"message", "what"},
					      {"pipeline", "p"},
					      {"step", "a step"},
					      {"model", "m"},
					      {"client", "rdkafka#consumer-1"},
					      {"engine", "one"},
					      {"kind", "CONFIG"},
					      {"help", "say \"so\""},
					      {"file", "a.yaml"}};
	struct log_line line = {.level = LOG_LEVEL_DEBUG, .fields = all_fields, .engine = "one", .message = "what"};
	struct buffer out;
	buffer_open(&out, 10000);
	log_line_json(&line, 1234, &out);
	assert_int_equal(out.bytes[out.length - 1], '\n');
	json_t *value = json_loadb(out.bytes, out.length, 0, NULL);
	assert_int_equal(json_object_size(value), sizeof want / sizeof *want + 2);
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		assert_string_equal(json_string_value(json_object_get(value, want[i][0])), want[i][1]);
	assert_int_equal(json_integer_value(json_object_get(value, "line")), 8);
	assert_int_equal(json_integer_value(json_object_get(value, "column")), 5);
	json_decref(value);
	buffer_clear(&out);
	log_line_json(&(struct log_line){.level = LOG_LEVEL_INFO, .message = "bare"}, 0, &out);
	value = json_loadb(out.bytes, out.length, 0, NULL);
	assert_int_equal(json_object_size(value), 3);
	json_decref(value);
	buffer_close(&out);
}

/* Others' words: a model's, a broker's. */
static void no_control_byte_and_no_login_leaves_in_a_line(void **state)
{
	(void)state;
	for (int json = 0; json < 2; json++) {
		struct stand stand;
		stand_open(&stand, json, LOG_LEVEL_DEBUG);
		log_say(&stand.writer.sink, LOG_LEVEL_INFO, &(struct log_fields){.model = "a\033[2Jb\nforged"},
			"said \033]0;x\a at\r\nhttp://user:secret@host/%s", "\x80");
		assert_null(strstr(stand.written, "secret"));
		assert_non_null(strstr(stand.written, "http://***@host/"));
		for (size_t i = 0; i + 1 < stand.length; i++)
			assert_true((unsigned char)stand.written[i] >= ' ' && (unsigned char)stand.written[i] != 0x7F);
		assert_int_equal(stand.written[stand.length - 1], '\n');
		stand_close(&stand);
	}
}

static void lines_below_the_level_are_left_out(void **state)
{
	(void)state;
	for (enum log_level least = LOG_LEVEL_DEBUG; least <= LOG_LEVEL_ERROR; least++) {
		struct stand stand;
		size_t count = 0;
		stand_open(&stand, false, least);
		for (enum log_level level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++)
			log_say(&stand.writer.sink, level, NULL, "x");
		for (size_t i = 0; i < stand.length; i++)
			count += stand.written[i] == '\n';
		assert_int_equal(count, LOG_LEVEL_ERROR - least + 1);
		stand_close(&stand);
	}
}

static void severities_of_syslog_are_levels(void **state)
{
	(void)state;
	static const enum log_level levels[] = {LOG_LEVEL_ERROR, LOG_LEVEL_ERROR, LOG_LEVEL_ERROR, LOG_LEVEL_ERROR,
						LOG_LEVEL_WARN,	 LOG_LEVEL_INFO,  LOG_LEVEL_INFO,  LOG_LEVEL_DEBUG};
	for (int severity = 0; severity < 8; severity++)
		assert_int_equal(log_level_of_syslog(severity), levels[severity]);
}

static void a_message_that_is_too_long_is_cut_and_its_line_ends(void **state)
{
	(void)state;
	static char words[3 * LOG_MESSAGE_BYTES];
	struct stand stand;
	memset(words, '\001', sizeof words - 1); /* each becomes six bytes */
	stand_open(&stand, true, LOG_LEVEL_INFO);
	log_say(&stand.writer.sink, LOG_LEVEL_INFO, NULL, "%s", words);
	json_t *value = json_loadb(stand.written, stand.length, 0, NULL);
	assert_int_equal(json_string_length(json_object_get(value, "message")), LOG_MESSAGE_BYTES - 1);
	json_decref(value);
	stand_close(&stand);
}

#define THREADS 4
#define LINES 500

static void *write_lines(void *context)
{
	for (int i = 0; i < LINES; i++)
		log_say(context, LOG_LEVEL_INFO, &(struct log_fields){.pipeline = "pipeline"}, "line %d of many words", i);
	return NULL;
}

/* What librdkafka left unsaid is logged when the engine is gone. */
static void a_line_has_the_name_of_an_engine_that_is_gone(void **state)
{
	(void)state;
	struct stand stand;
	char name[] = "one";
	stand_open(&stand, false, LOG_LEVEL_INFO);
	log_writer_name(&stand.writer, name);
	memset(name, 'x', sizeof name - 1);
	log_say(&stand.writer.sink, LOG_LEVEL_INFO, NULL, "first");
	assert_non_null(strstr(stand.written, "info  first  engine=one\n"));
	log_writer_name(&stand.writer, NULL);
	log_say(&stand.writer.sink, LOG_LEVEL_INFO, NULL, "second");
	assert_non_null(strstr(stand.written, "info  second\n"));
	stand_close(&stand);
}

static void threads_write_whole_lines(void **state)
{
	(void)state;
	struct stand stand;
	pthread_t threads[THREADS];
	stand_open(&stand, true, LOG_LEVEL_INFO);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &stand.writer.sink), 0);
	log_writer_name(&stand.writer, "one");
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	size_t count = 0;
	char *rest = stand.written;
	for (char *line; (line = strsep(&rest, "\n")) && *line; count++) {
		json_t *value = json_loads(line, 0, NULL);
		assert_string_equal(json_string_value(json_object_get(value, "pipeline")), "pipeline");
		json_decref(value);
	}
	assert_int_equal(count, THREADS * LINES);
	stand_close(&stand);
}

static void a_moment_has_its_milliseconds(void **state)
{
	(void)state;
	char moment[MOMENT_MS_BYTES];
	moment_print_ms(1769903999007, moment);
	assert_string_equal(moment, "2026-01-31T23:59:59.007Z");
	moment_print_ms(-1, moment);
	assert_string_equal(moment, "never");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_has_time_level_message_and_fields),
		cmocka_unit_test(json_has_the_same),
		cmocka_unit_test(a_line_has_the_name_of_an_engine_that_is_gone),
		cmocka_unit_test(no_control_byte_and_no_login_leaves_in_a_line),
		cmocka_unit_test(lines_below_the_level_are_left_out),
		cmocka_unit_test(severities_of_syslog_are_levels),
		cmocka_unit_test(a_message_that_is_too_long_is_cut_and_its_line_ends),
		cmocka_unit_test(threads_write_whole_lines),
		cmocka_unit_test(a_moment_has_its_milliseconds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
