/* notice_services.c: see notice_services.h. */
#include "compiler/conditions/notice_services.h"

#include "base/number/moment.h"
#include "base/quote.h"
#include "message/json/json_write.h"

#define SUMMARY_BYTES_MAX 1000 /* PagerDuty accepts 1,024 characters */

static bool has_status(const struct alert_message *message, const char *status)
{
	return strcmp(message->status, status) == 0;
}

static const char *moment_of(int64_t ms, char moment[MOMENT_MS_BYTES])
{
	moment_print_ms(ms, moment);
	return moment;
}

/* "trading: drift-alert for XNYS is firing: feature x.a by ks: effect 0.31, p 2.1e-09". Cut off between characters. */
static void write_summary(const struct alert_message *message, struct buffer *out)
{
	const size_t begun = out->length;
	buffer_shown(out, message->pipeline);
	buffer_string(out, ": ");
	buffer_shown(out, message->alert);
	buffer_string(out, message->group.length ? " for " : "");
	buffer_shown(out, message->group);
	buffer_print(out, " is %s%s", message->status, notice_drift(message)[0] ? ": " : "");
	buffer_shown(out, text_of(notice_drift(message)));
	if (buffer_failed(out) || out->length - begun <= SUMMARY_BYTES_MAX)
		return;
	size_t length = SUMMARY_BYTES_MAX;
	while (length > 0 && ((unsigned char)out->bytes[begun + length] & 0xC0) == 0x80)
		length--;
	out->length = begun + length;
}

/* ---- Slack: an incoming webhook; PagerDuty: Events API v2 ---- */

struct service_notice {
	const struct alert_message *message;
	const char *key;
};

/* Templates with the fields of a notice, and the further names of service_value_write(). */
static const char slack_template[] =
	"{\"text\": \"{{summary}}\\n{{condition}}{{reason_line}}\\nsince {{fired_at}}, namespace {{namespace}}\"}";
static const char pagerduty_template[] =
	"{\"routing_key\": \"{{key}}\", \"event_action\": \"{{action}}\", \"dedup_key\": \"{{id}}\", \"payload\": "
	"{\"summary\": \"{{summary}}\", \"source\": \"{{engine}}\", \"severity\": \"{{severity}}\", "
	"\"timestamp\": \"{{fired_at}}\", \"component\": \"{{pipeline}}\", \"custom_details\": {{json}}}}";

static void write_reason_line(const struct alert_message *message, struct buffer *out)
{
	if (message->reason.length) {
		buffer_byte(out, '\n');
		buffer_shown(out, message->reason);
	}
}

/* A text that has no field of its own, as a JSON string. */
static void write_composed(const struct alert_message *message, void (*write)(const struct alert_message *, struct buffer *),
			   struct buffer *out)
{
	struct buffer text;
	buffer_open(&text, NOTICE_BYTES_MAX);
	write(message, &text);
	json_write_string(out, buffer_view(&text));
	out->failed |= buffer_failed(&text);
	buffer_close(&text);
}

static void service_value_write(const void *context, struct text name, struct buffer *out)
{
	const struct service_notice *notice = context;
	const struct alert_message *message = notice->message;
	if (text_is(name, "summary"))
		write_composed(message, write_summary, out);
	else if (text_is(name, "reason_line"))
		write_composed(message, write_reason_line, out);
	else if (text_is(name, "key"))
		json_write_string(out, text_of(notice->key ? notice->key : ""));
	else if (text_is(name, "action"))
		json_write_string(out, has_status(message, "resolved") ? TEXT("resolve") : TEXT("trigger"));
	else if (text_is(name, "severity"))
		json_write_string(out, has_status(message, "test") ? TEXT("info") : TEXT("error"));
	else if (text_is(name, "json"))
		notice_write_json(message, out);
	else
		notice_write_field(message, notice_field_named(name), out);
}

/* Slack's own marks begin with these characters. */
static void write_slack(const struct service_notice *notice, struct buffer *out)
{
	struct buffer body;
	buffer_open(&body, NOTICE_BYTES_MAX);
	notice_fill_template(text_of(slack_template), service_value_write, notice, &body);
	for (size_t i = 0; i < body.length; i++) {
		const char byte = body.bytes[i];
		if (byte == '&' || byte == '<' || byte == '>')
			buffer_string(out, byte == '&' ? "&amp;" : byte == '<' ? "&lt;" : "&gt;");
		else
			buffer_byte(out, byte);
	}
	out->failed |= buffer_failed(&body);
	buffer_close(&body);
}

/* ---- Alertmanager: POST /api/v2/alerts ---- */

/* An alert that ends before it starts is refused there. */
static int64_t alertmanager_end_ms(const struct alert_message *message)
{
	if (has_status(message, "firing"))
		return message->at_ms + NOTICE_ALERTMANAGER_MS;
	if (has_status(message, "test"))
		return message->at_ms + NOTICE_ALERTMANAGER_TEST_MS;
	return message->at_ms > message->fired_at_ms ? message->at_ms : message->fired_at_ms;
}

static void write_alertmanager(const struct alert_message *message, struct buffer *out)
{
	char moment[MOMENT_MS_BYTES];
	buffer_string(out, "[{\"labels\": ");
	json_write_member(out, "{", "alertname", message->alert);
	json_write_member(out, ", ", "namespace", message->namespace);
	json_write_member(out, ", ", "pipeline", message->pipeline);
	if (message->group.length)
		json_write_member(out, ", ", "group", message->group);
	if (has_status(message, "test")) /* else it would be the alert itself there, and end it */
		json_write_member(out, ", ", "test", TEXT("true"));
	buffer_string(out, "}, \"annotations\": ");
	json_write_member(out, "{", "condition", message->condition);
	json_write_member(out, ", ", "engine", message->engine);
	if (message->reason.length)
		json_write_member(out, ", ", "reason", message->reason);
	if (notice_drift(message)[0])
		json_write_member(out, ", ", "drift", text_of(notice_drift(message)));
	buffer_string(out, ", \"id\": ");
	notice_write_field(message, NOTICE_FIELD_ID, out);
	json_write_member(out, "}, ", "startsAt", text_of(moment_of(message->fired_at_ms, moment)));
	json_write_member(out, ", ", "endsAt", text_of(moment_of(alertmanager_end_ms(message), moment)));
	buffer_string(out, "}]");
}

void notice_write_format(const struct alert_message *message, enum notice_format format, const char *key, struct buffer *out)
{
	const struct service_notice notice = {message, key};
	switch (format) {
	case NOTICE_JSON:
		notice_write_json(message, out);
		break;
	case NOTICE_SLACK:
		write_slack(&notice, out);
		break;
	case NOTICE_PAGERDUTY:
		notice_fill_template(text_of(pagerduty_template), service_value_write, &notice, out);
		break;
	case NOTICE_ALERTMANAGER:
		write_alertmanager(message, out);
		break;
	}
}
