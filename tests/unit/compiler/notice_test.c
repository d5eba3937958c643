/* Forms of notices, their signature, and the addresses that are public. */
#include "compiler/conditions/notice.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/conditions/alert_record.h"
#include "compiler/conditions/notice_services.h"
#include "base/network.h"
#include "tests/unit/session.h"
#include "compiler/yaml/fault.h"
#include "compiler/yaml/fault_codes.h"
#include "tests/unit/letters.h"

#define AVRO_HEAD_BYTES 10 /* of a single object */

static const struct alert_condition condition = {
	.name_count = 3, .names = {{"error_rate", 10}, {"lag", 3}, {"orders", 6}}, .of_figures = true};

static struct alert_message message_of(struct text alert)
{
	struct alert_message message = {.status = "firing",
					.namespace = TEXT("default"),
					.pipeline = TEXT("p"),
					.alert = alert,
					.condition = TEXT("error_rate > 0.5"),
					.engine = TEXT("e"),
					.fired_at_ms = INT64_C(1767225600250),
					.at_ms = INT64_C(1767225601000),
					.figures_of = &condition,
					.values = {.error_rate = 0.75, .lag = __builtin_nan(""), .requests = 3}};
	alert_value_set(&message.values, TEXT("orders"), 12.5);
	return message;
}

static void expect_written(const struct buffer *out, const char *text)
{
	assert_false(buffer_failed(out));
	if (!text_is(buffer_view(out), text))
		fail_msg(TEXT_FORMAT, TEXT_ARGUMENTS(buffer_view(out)));
}

static void a_notice_has_the_figures_of_its_condition(void **state)
{
	(void)state;
	struct buffer out;
	struct alert_message message = message_of(TEXT("a \"b\""));
	char id[NOTICE_ID_BYTES], text[512];
	buffer_open(&out, NOTICE_BYTES_MAX);
	notice_write_json(&message, &out);
	notice_id(&message, id);
	(void)snprintf(text, sizeof text,
		       "{\"id\": \"%.16s\", \"notice\": \"%.16s-firing\", \"status\": \"firing\", \"namespace\": \"default\", "
		       "\"pipeline\": \"p\", \"alert\": \"a \\\"b\\\"\", \"group\": \"\", \"engine\": \"e\", "
		       "\"condition\": \"error_rate > 0.5\", "
		       "\"fired_at\": \"2026-01-01T00:00:00.250Z\", \"at\": \"2026-01-01T00:00:01.000Z\", "
		       "\"values\": {\"error_rate\": 0.75, \"orders\": 12.5}, \"reason\": \"\", \"drift\": \"\"}",
		       id, id);
	expect_written(&out, text);
	buffer_close(&out);
}

/* The record is read as it was written; whatever is cut off is refused. */
static void expect_read(const struct alert_message *message, struct text record)
{
	struct alert_read read;
	struct error error = {0};
	assert_true(alert_record_is(record));
	assert_true(alert_record_decode(record, &read, &error));
	assert_true(read.fires);
	assert_true(text_equal(read.namespace, message->namespace));
	assert_true(text_equal(read.pipeline, message->pipeline));
	assert_true(text_equal(read.alert, message->alert));
	assert_true(text_equal(read.engine, message->engine));
	assert_true(text_equal(read.group, message->group));
	assert_int_equal(read.fired_at_ms, message->fired_at_ms);
	assert_true(message->figures_of ? read.values.error_rate == message->values.error_rate : isnan(read.values.error_rate));
	assert_true(isnan(read.values.lag));
	assert_true(message->figures_of ? alert_value_get(&read.values, TEXT("orders")) == 12.5
					: isnan(alert_value_get(&read.values, TEXT("orders"))));
	for (size_t length = AVRO_HEAD_BYTES; length < record.length; length++) {
		assert_false(alert_record_decode((struct text){record.bytes, length}, &read, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
}

static void a_record_has_all_that_its_schema_names(void **state)
{
	(void)state;
	struct buffer out;
	struct letter letter;
	struct error error = {0};
	struct alert_message message = message_of(TEXT("a \"b\""));
	char id[NOTICE_ID_BYTES];
	avro_value_t values, value;
	size_t count = 0;
	double number = 0;
	buffer_open(&out, NOTICE_BYTES_MAX);
	assert_true(alert_record_encode(&message, &out, &error));
	notice_id(&message, id);
	letter_open_as(&letter, "alert", buffer_view(&out));
	assert_true(text_is(letter_text(&letter, "notice"), id));
	*strchr(id, '-') = '\0';
	assert_true(text_is(letter_text(&letter, "id"), id));
	assert_true(text_is(letter_text(&letter, "status"), "firing"));
	assert_true(text_is(letter_text(&letter, "namespace"), "default"));
	assert_true(text_is(letter_text(&letter, "pipeline"), "p"));
	assert_true(text_is(letter_text(&letter, "alert"), "a \"b\""));
	assert_true(text_is(letter_text(&letter, "engine"), "e"));
	assert_true(text_is(letter_text(&letter, "condition"), "error_rate > 0.5"));
	assert_int_equal(letter_number(&letter, "fired_at_ms"), INT64_C(1767225600250));
	assert_int_equal(letter_number(&letter, "at_ms"), INT64_C(1767225601000));
	assert_int_equal(avro_value_get_by_name(&letter.value, "values", &values, NULL), 0);
	assert_int_equal(avro_value_get_size(&values, &count), 0);
	assert_int_equal(count, 2); /* the other one is not known */
	assert_int_equal(avro_value_get_by_name(&values, "error_rate", &value, NULL), 0);
	assert_int_equal(avro_value_get_double(&value, &number), 0);
	assert_true(number == 0.75);
	letter_close(&letter);
	expect_read(&message, buffer_view(&out));
	message.figures_of = NULL; /* judged for each message */
	message.group = TEXT("XNYS");
	out.length = 0;
	assert_true(alert_record_encode(&message, &out, &error));
	letter_open_as(&letter, "alert", buffer_view(&out));
	assert_true(text_is(letter_text(&letter, "group"), "XNYS"));
	letter_close(&letter);
	expect_read(&message, buffer_view(&out));
	buffer_close(&out);
	buffer_open(&out, 64);
	assert_false(alert_record_encode(&message, &out, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	buffer_close(&out);
}

static void a_template_is_filled_in_with_escaped_values(void **state)
{
	(void)state;
	struct buffer out;
	struct alert_message message = message_of(TEXT("a \"b\"\n"));
	buffer_open(&out, NOTICE_BYTES_MAX);
	notice_write_template(&message, TEXT("{\"t\": \"{{alert}} {{ status }}\", \"v\": {{values}}}"), &out);
	expect_written(&out, "{\"t\": \"a \\\"b\\\"\\n firing\", \"v\": {\"error_rate\": 0.75, \"orders\": 12.5}}");
	assert_null(notice_template_fault(TEXT("none, or { one }, or {{id}}{{at}}")).bytes);
	assert_true(text_is(notice_template_fault(TEXT("{{id}} {{nam}} {{x}}")), "nam"));
	assert_true(text_is(notice_template_fault(TEXT("{{id}} {{pipeline")), "{{"));
	assert_true(text_is(notice_template_fault(TEXT("{{}}")), "{{"));
	buffer_close(&out);
}

/* Whoever is woken by it does not have to look for the feature. */
static void each_form_names_the_feature_that_has_drifted(void **state)
{
	(void)state;
	static const struct alert_condition on_drift = {.name_count = 1, .names = {{"drift_score", 11}}, .of_figures = true};
	static const char words[] = "feature x.a by ks: effect 0.31, p 2.1e-09";
	struct buffer out;
	struct alert_message message = message_of(TEXT("moved"));
	message.figures_of = &on_drift;
	(void)snprintf(message.values.drift, sizeof message.values.drift, "%s", words);
	for (enum notice_format format = NOTICE_JSON; format <= NOTICE_ALERTMANAGER; format++) {
		buffer_open(&out, NOTICE_BYTES_MAX);
		notice_write_format(&message, format, NULL, &out);
		assert_non_null(memmem(out.bytes, out.length, words, sizeof words - 1));
		buffer_close(&out);
	}
	buffer_open(&out, NOTICE_BYTES_MAX);
	notice_write_template(&message, TEXT("on {{drift}}"), &out);
	expect_written(&out, "on feature x.a by ks: effect 0.31, p 2.1e-09");
	buffer_close(&out);
	buffer_open(&out, NOTICE_BYTES_MAX);
	notice_write_mail(&message, "s@h", (struct name_list){0}, &out);
	assert_non_null(memmem(out.bytes, out.length, "It has drifted most: feature x.a by ks", 38));
	buffer_close(&out);
}

/* Groups of one alert that begin to fire at the same moment are not one firing. */
static void the_help_of_a_faulty_template_names_what_it_may_have(void **state)
{
	(void)state;
	const struct fault_code *code = fault_code_find(CODE_UNKNOWN_PLACEHOLDER);
	assert_non_null(code);
	for (const struct notice_row *row = notice_rows; row->name; row++) {
		char written[64];
		(void)snprintf(written, sizeof written, "{{%s}}", row->name);
		assert_non_null(strstr(code->help, written));
	}
}

static void a_group_is_in_the_id_and_in_each_form(void **state)
{
	(void)state;
	struct buffer out;
	struct alert_message message = message_of(TEXT("late"));
	char id[NOTICE_ID_BYTES], other[NOTICE_ID_BYTES];
	notice_id(&message, id);
	message.group = TEXT("X\nY");
	notice_id(&message, other);
	assert_string_not_equal(id, other);
	buffer_open(&out, NOTICE_BYTES_MAX);
	notice_write_template(&message, TEXT("{{group}}"), &out);
	expect_written(&out, "X\\nY");
	out.length = 0;
	notice_write_mail(&message, "s@t", (struct name_list){0}, &out);
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, "Subject: [firing] p: late for X Y\r\n"));
	assert_non_null(strstr(out.bytes, "is firing for X Y.\r\n"));
	buffer_close(&out);
}

static void expect_format(const struct alert_message *message, enum notice_format format, const char *key, const char *text)
{
	struct buffer out;
	buffer_open(&out, NOTICE_BYTES_MAX);
	notice_write_format(message, format, key, &out);
	expect_written(&out, text);
	buffer_close(&out);
}

/* A group is any bytes, and the name of an alert may have several lines. */
static void names_are_whole_and_forge_no_line(void **state)
{
	(void)state;
	struct buffer out;
	struct alert_message message = message_of(TEXT("late\nfake"));
	message.group = (struct text){"X\0Y", 3};
	message.reason = TEXT("it\nended");
	buffer_open(&out, NOTICE_BYTES_MAX);
	notice_write_template(&message, TEXT("{{group}}"), &out);
	expect_written(&out, "X\\u0000Y");
	expect_format(
		&message, NOTICE_SLACK, NULL,
		"{\"text\": \"p: late\\\\u000afake for X\\\\u0000Y is firing\\nerror_rate &gt; 0.5\\nit\\\\u000aended\\nsince "
		"2026-01-01T00:00:00.250Z, namespace default\"}");
	out.length = 0;
	notice_write_mail(&message, "s@t", (struct name_list){0}, &out);
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, "Subject: [firing] p: late fake for X Y\r\n"));
	assert_non_null(strstr(out.bytes, "The alert late fake of the pipeline p is firing for X Y.\r\n"));
	assert_non_null(strstr(out.bytes, "The reason of the end: it ended.\r\n"));
	buffer_close(&out);
}

/* Slack: https://api.slack.com/messaging/webhooks, with & < > escaped. */
static void slack_gets_a_text_without_marks_of_others(void **state)
{
	(void)state;
	struct alert_message message = message_of(TEXT("<!here> \"b\""));
	message.condition = TEXT("a < 1 && b > 2");
	message.group = TEXT("XNYS");
	expect_format(&message, NOTICE_SLACK, NULL,
		      "{\"text\": \"p: &lt;!here&gt; \\\"b\\\" for XNYS is firing\\na &lt; 1 &amp;&amp; b &gt; 2\\nsince "
		      "2026-01-01T00:00:00.250Z, namespace default\"}");
}

/* PagerDuty: Events API v2. A firing and its end have one dedup_key, and a summary has at most 1,024 characters. */
static void pagerduty_gets_an_event_that_its_end_resolves(void **state)
{
	(void)state;
	static char long_name[3000];
	struct alert_message message = message_of(TEXT("late"));
	char id[NOTICE_ID_BYTES], text[1200];
	struct buffer out;
	notice_id(&message, id);
	for (int resolves = 0; resolves < 2; resolves++) {
		message.status = resolves ? "resolved" : "firing";
		buffer_open(&out, NOTICE_BYTES_MAX);
		notice_write_json(&message, &out);
		buffer_byte(&out, '\0');
		(void)snprintf(text, sizeof text,
			       "{\"routing_key\": \"k\", \"event_action\": \"%s\", \"dedup_key\": \"%.16s\", "
			       "\"payload\": {\"summary\": \"p: late is %s\", \"source\": \"e\", \"severity\": \"error\", "
			       "\"timestamp\": \"2026-01-01T00:00:00.250Z\", \"component\": \"p\", \"custom_details\": %s}}",
			       resolves ? "resolve" : "trigger", id, message.status, out.bytes);
		expect_format(&message, NOTICE_PAGERDUTY, "k", text);
		buffer_close(&out);
	}
	memset(long_name, '\xc3', sizeof long_name);
	for (size_t i = 1; i < sizeof long_name; i += 2)
		long_name[i] = '\xa9';
	message.alert = (struct text){long_name, sizeof long_name};
	buffer_open(&out, NOTICE_BYTES_MAX);
	notice_write_format(&message, NOTICE_PAGERDUTY, "k", &out);
	buffer_byte(&out, '\0');
	const char *summary = strstr(out.bytes, "\"summary\": \"") + strlen("\"summary\": \"");
	const size_t length = strcspn(summary, "\"");
	assert_in_range(length, 900, 1000);
	assert_memory_equal(summary + length - 2, "\xc3\xa9", 2); /* a whole character */
	buffer_close(&out);
}

/* Alertmanager: POST /api/v2/alerts. What has no end in the future is resolved there. */
static void alertmanager_gets_an_alert_with_its_end(void **state)
{
	(void)state;
	struct alert_message message = message_of(TEXT("late"));
	char id[NOTICE_ID_BYTES], text[600];
	message.group = TEXT("XNYS");
	notice_id(&message, id);
	for (int resolves = 0; resolves < 2; resolves++) {
		message.status = resolves ? "resolved" : "firing";
		(void)snprintf(text, sizeof text,
			       "[{\"labels\": {\"alertname\": \"late\", \"namespace\": \"default\", \"pipeline\": \"p\", "
			       "\"group\": \"XNYS\"}, \"annotations\": {\"condition\": \"error_rate > 0.5\", "
			       "\"engine\": \"e\", \"id\": \"%.16s\"}, "
			       "\"startsAt\": \"2026-01-01T00:00:00.250Z\", \"endsAt\": \"2026-01-0%dT00:00:01.000Z\"}]",
			       id, resolves ? 1 : 2);
		expect_format(&message, NOTICE_ALERTMANAGER, NULL, text);
	}
}

/* Alertmanager notifies nobody of an alert that has ended when it comes, and one with the labels of another is that one. */
static void a_test_reaches_beyond_alertmanager(void **state)
{
	(void)state;
	struct alert_message message = message_of(TEXT("late"));
	char id[NOTICE_ID_BYTES], text[600];
	message.status = "test";
	notice_id(&message, id);
	(void)snprintf(text, sizeof text,
		       "[{\"labels\": {\"alertname\": \"late\", \"namespace\": \"default\", \"pipeline\": \"p\", "
		       "\"test\": \"true\"}, \"annotations\": {\"condition\": \"error_rate > 0.5\", "
		       "\"engine\": \"e\", \"id\": \"%.16s\"}, "
		       "\"startsAt\": \"2026-01-01T00:00:00.250Z\", \"endsAt\": \"2026-01-01T00:05:01.000Z\"}]",
		       id);
	expect_format(&message, NOTICE_ALERTMANAGER, NULL, text);
}

/* Alertmanager refuses an alert that ends before it starts: the clock was set back while it fired. */
static void an_end_is_not_before_its_start(void **state)
{
	(void)state;
	struct alert_message message = message_of(TEXT("late"));
	struct buffer out;
	message.status = "resolved";
	message.at_ms = message.fired_at_ms - 60000;
	buffer_open(&out, NOTICE_BYTES_MAX);
	notice_write_format(&message, NOTICE_ALERTMANAGER, NULL, &out);
	buffer_byte(&out, '\0');
	expect_words(out.bytes, "\"startsAt\": \"2026-01-01T00:00:00.250Z\", \"endsAt\": \"2026-01-01T00:00:00.250Z\"");
	buffer_close(&out);
}

static void headers_of_a_mail_have_one_line_each(void **state)
{
	(void)state;
	struct buffer out;
	struct alert_message message = message_of(TEXT("a\r\nBcc: x@y"));
	const struct name to[] = {{.text = "a@b"}, {.text = "c@d\r\nX: y"}};
	buffer_open(&out, NOTICE_BYTES_MAX);
	notice_write_mail(&message, "s@t", (struct name_list){2, to}, &out);
	buffer_byte(&out, '\0');
	char *head_end = strstr(out.bytes, "\r\n\r\n");
	assert_non_null(head_end);
	*head_end = '\0';
	assert_non_null(strstr(out.bytes, "From: s@t\r\nTo: a@b,\r\n c@d  X: y\r\nSubject: [firing] p: a  Bcc: x@y\r\n"));
	assert_null(strstr(out.bytes, "\nBcc"));
	buffer_close(&out);
}

static void mail_of_group(struct text group, struct buffer *out)
{
	struct alert_message message = message_of(TEXT("a"));
	const struct name to[] = {{.text = "a@b"}};
	message.group = group;
	buffer_open(out, NOTICE_BYTES_MAX);
	notice_write_mail(&message, "s@t", (struct name_list){1, to}, out);
	buffer_byte(out, '\0');
}

/* RFC 2047: a server may refuse a header with other bytes, and a mail program would take a word that another has made for its own.
 */
static void a_subject_has_no_other_bytes_than_ascii(void **state)
{
	(void)state;
	static const struct {
		const char *group, *subject;
	} rows[] = {
		{"Bern", "Subject: [firing] p: a for Bern\r\nDate"},
		{"Z\xc3\xbcrich", "Subject: =?utf-8?Q?=5Bfiring=5D_p=3A_a_for_Z=C3=BCrich?=\r\nDate"},
		{"\xff\xc3", "Subject: =?utf-8?Q?=5Bfiring=5D_p=3A_a_for_=3F=3F?=\r\nDate"},
		{"=?x?", "Subject: =?utf-8?Q?=5Bfiring=5D_p=3A_a_for_=3D=3Fx=3F?=\r\nDate"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buffer out;
		mail_of_group(text_of(rows[i].group), &out);
		if (!strstr(out.bytes, rows[i].subject))
			fail_msg("%s: %s", rows[i].subject, out.bytes);
		buffer_close(&out);
	}
}

/* One byte for a letter, so that words are full. */
static void a_long_subject_has_short_lines(void **state)
{
	(void)state;
	char group[100] = "\xc3\xbc";
	struct buffer out;
	memset(group + 2, 'x', sizeof group - 2);
	mail_of_group((struct text){group, sizeof group}, &out);
	const char *line = strstr(out.bytes, "Subject: ");
	assert_non_null(line);
	for (const char *end; strncmp(line, "Date", 4) != 0; line = end + 2) {
		end = strstr(line, "\r\n");
		assert_in_range(end - line, 1, 76); /* RFC 2047, 2 */
	}
	buffer_close(&out);
}

/* 40 times U+20AC, three bytes each. */
static void a_long_subject_has_several_words_of_whole_characters(void **state)
{
	(void)state;
	char group[40 * 3];
	struct buffer out;
	size_t words = 0, characters = 0;
	for (size_t i = 0; i < sizeof group; i++)
		group[i] = "\xe2\x82\xac"[i % 3];
	mail_of_group((struct text){group, sizeof group}, &out);
	const char *line = strstr(out.bytes, "Subject: ");
	assert_non_null(line);
	for (; strncmp(line, "Date", 4) != 0; words++) {
		const char *end = strstr(line, "\r\n");
		assert_in_range(end - line, 1, 76);
		assert_memory_equal(end - 2, "?=", 2);
		const char *begin = strstr(line, "=?utf-8?Q?") + 10;
		assert_true(words == 0 || *line == ' ');
		assert_true(words == 0 || strncmp(begin, "=E2=82=AC", 9) == 0);
		for (const char *at = begin; (at = strstr(at, "=E2=82=AC")) && at < end; at += 9)
			characters++;
		line = end + 2;
	}
	assert_in_range(words, 6, 9);
	assert_int_equal(characters, 40);
	buffer_close(&out);
}

/* A condition of 4,096 characters and bytes beyond ASCII: RFC 5321 allows 998 bytes a line, and RFC 2045 76 of this form. */
static void lines_of_a_mail_are_short(void **state)
{
	(void)state;
	static char long_condition[4096];
	struct buffer out;
	struct alert_message message = message_of(TEXT("\xc3\xa4 = 1"));
	const struct name to[] = {{.text = "a@b"}};
	memset(long_condition, 'x', sizeof long_condition);
	message.condition = (struct text){long_condition, sizeof long_condition};
	buffer_open(&out, NOTICE_BYTES_MAX);
	notice_write_mail(&message, "s@t", (struct name_list){1, to}, &out);
	struct text rest = buffer_view(&out);
	while (rest.length) {
		const struct text line = text_take_until(&rest, '\n');
		assert_true(line.length <= 77); /* with its CR */
		assert_true(line.length > 0 && line.bytes[line.length - 1] == '\r');
	}
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, "The alert =C3=A4 =3D 1 of the pipeline p is firing.\r\n"));
	buffer_close(&out);
}

static void a_mail_has_its_date(void **state)
{
	(void)state;
	static const struct {
		int64_t at_ms;
		const char *date;
	} rows[] = {{INT64_C(1767225601000), "\r\nDate: Thu, 01 Jan 2026 00:00:01 +0000\r\n"},
		    {INT64_C(951827696789), "\r\nDate: Tue, 29 Feb 2000 12:34:56 +0000\r\n"},
		    {0, "\r\nDate: Thu, 01 Jan 1970 00:00:00 +0000\r\n"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buffer out;
		struct alert_message message = message_of(TEXT("a"));
		message.at_ms = rows[i].at_ms;
		buffer_open(&out, NOTICE_BYTES_MAX);
		notice_write_mail(&message, "s@t", (struct name_list){0}, &out);
		buffer_byte(&out, '\0');
		assert_non_null(strstr(out.bytes, rows[i].date));
		buffer_close(&out);
	}
}

/* RFC 4231, test case 2. */
static void a_signature_is_an_hmac_of_sha_256(void **state)
{
	(void)state;
	char signature[NOTICE_SIGNATURE_BYTES];
	notice_sign(TEXT("what do ya want for nothing?"), "Jefe", signature);
	assert_string_equal(signature, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void only_addresses_of_everybody_are_public(void **state)
{
	(void)state;
	static const struct {
		const char *address;
		bool is_public;
	} rows[] = {
		{"8.8.8.8", true},	  {"127.0.0.1", false},	    {"127.255.0.9", false},	 {"10.1.2.3", false},
		{"172.15.255.255", true}, {"172.16.0.0", false},    {"172.31.255.255", false},	 {"172.32.0.0", true},
		{"192.168.1.1", false},	  {"192.169.0.0", true},    {"169.254.169.254", false},	 {"100.64.0.1", false},
		{"0.0.0.0", false},	  {"224.0.0.1", false},	    {"255.255.255.255", false},	 {"1.1.1.1", true},
		{"::1", false},		  {"::", false},	    {"::ffff:127.0.0.1", false}, {"::ffff:8.8.8.8", true},
		{"::127.0.0.1", false},	  {"64:ff9b::a00:1", false}, {"fe80::1", false},	 {"fd00::1", false},
		{"2002:7f00:1::", false}, {"2606:4700::1111", true}, {"ff02::1", false},
		{"::ffff:0:7f00:1", false}, {"3fff::1", false},	    {"5f00::1", false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sockaddr_storage address;
		assert_true(network_address_read(text_of(rows[i].address), &address));
		if (network_is_public(&address) != rows[i].is_public)
			fail_msg("%s", rows[i].address);
	}
}

static void every_form_has_the_reason_of_an_end(void **state)
{
	(void)state;
	static const char words[] = NOTICE_REMOVED;
	struct name to[] = {{.text = "a@x.com"}};
	struct alert_message message = message_of(TEXT("a"));
	message.status = "resolved";
	for (size_t i = 0; i < 2; i++) {
		for (enum notice_format format = NOTICE_JSON; format <= NOTICE_ALERTMANAGER; format++) {
			struct buffer out;
			buffer_open(&out, NOTICE_BYTES_MAX);
			notice_write_format(&message, format, "k", &out);
			buffer_byte(&out, '\0');
			assert_true((strstr(out.bytes, words) != NULL) == (i == 1));
			buffer_close(&out);
		}
		struct buffer mail;
		buffer_open(&mail, NOTICE_BYTES_MAX);
		notice_write_mail(&message, "s@x.com", (struct name_list){1, to}, &mail);
		buffer_byte(&mail, '\0');
		assert_true((strstr(mail.bytes, "The reason of the end: the alert was removed.") != NULL) == (i == 1));
		buffer_close(&mail);
		message.reason = TEXT(NOTICE_REMOVED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_notice_has_the_figures_of_its_condition),
		cmocka_unit_test(a_record_has_all_that_its_schema_names),
		cmocka_unit_test(a_template_is_filled_in_with_escaped_values),
		cmocka_unit_test(each_form_names_the_feature_that_has_drifted),
		cmocka_unit_test(the_help_of_a_faulty_template_names_what_it_may_have),
		cmocka_unit_test(every_form_has_the_reason_of_an_end),
		cmocka_unit_test(a_group_is_in_the_id_and_in_each_form),
		cmocka_unit_test(names_are_whole_and_forge_no_line),
		cmocka_unit_test(slack_gets_a_text_without_marks_of_others),
		cmocka_unit_test(pagerduty_gets_an_event_that_its_end_resolves),
		cmocka_unit_test(alertmanager_gets_an_alert_with_its_end),
		cmocka_unit_test(a_test_reaches_beyond_alertmanager),
		cmocka_unit_test(an_end_is_not_before_its_start),
		cmocka_unit_test(headers_of_a_mail_have_one_line_each),
		cmocka_unit_test(a_subject_has_no_other_bytes_than_ascii),
		cmocka_unit_test(a_long_subject_has_short_lines),
		cmocka_unit_test(a_long_subject_has_several_words_of_whole_characters),
		cmocka_unit_test(lines_of_a_mail_are_short),
		cmocka_unit_test(a_mail_has_its_date),
		cmocka_unit_test(a_signature_is_an_hmac_of_sha_256),
		cmocka_unit_test(only_addresses_of_everybody_are_public),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
