/* notice_services.c: see notice_services.h. */
#include "alerts/notice_services.h"

#include "base/moment.h"
#include "base/quote.h"
#include "message/json_write.h"

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

static void write_id_of_firing(const struct alert_message *message, struct buffer *out)
{
	char id[NOTICE_ID_BYTES];
	notice_id(message, id);
	*strrchr(id, '-') = '\0'; /* the status, which has no dash */
	json_write_string(out, text_of(id));
}

/* ---- Slack: an incoming webhook ---- */

/* The characters by which Slack's own marks begin. */
static void write_slack_text(struct text text, struct buffer *out)
{
	for (size_t i = 0; i < text.length; i++) {
		const char byte = text.bytes[i];
		if (byte == '&' || byte == '<' || byte == '>')
			buffer_string(out, byte == '&' ? "&amp;" : byte == '<' ? "&lt;" : "&gt;");
		else
			buffer_byte(out, byte);
	}
}

static void write_slack(const struct alert_message *message, struct buffer *out)
{
	char moment[MOMENT_MS_BYTES];
	struct buffer summary, text;
	buffer_open(&summary, NOTICE_BYTES_MAX);
	buffer_open(&text, NOTICE_BYTES_MAX);
	write_summary(message, &summary);
	write_slack_text(buffer_view(&summary), &text);
	buffer_string(&text, "\n");
	write_slack_text(message->condition, &text);
	if (message->reason.length) {
		buffer_byte(&text, '\n');
		buffer_shown(&text, message->reason);
	}
	buffer_print(&text, "\nsince %s, namespace ", moment_of(message->fired_at_ms, moment));
	write_slack_text(message->namespace, &text);
	json_write_member(out, "{", "text", buffer_view(&text));
	buffer_byte(out, '}');
	out->failed |= buffer_failed(&summary) || buffer_failed(&text);
	buffer_close(&summary);
	buffer_close(&text);
}

/* ---- PagerDuty: Events API v2 ---- */

static void write_pagerduty(const struct alert_message *message, const char *key, struct buffer *out)
{
	char moment[MOMENT_MS_BYTES];
	struct buffer summary;
	buffer_open(&summary, NOTICE_BYTES_MAX);
	write_summary(message, &summary);
	json_write_member(out, "{", "routing_key", text_of(key ? key : ""));
	json_write_member(out, ", ", "event_action", has_status(message, "resolved") ? TEXT("resolve") : TEXT("trigger"));
	buffer_string(out, ", \"dedup_key\": ");
	write_id_of_firing(message, out);
	buffer_string(out, ", \"payload\": ");
	json_write_member(out, "{", "summary", buffer_view(&summary));
	json_write_member(out, ", ", "source", message->engine);
	json_write_member(out, ", ", "severity", has_status(message, "test") ? TEXT("info") : TEXT("error"));
	json_write_member(out, ", ", "timestamp", text_of(moment_of(message->fired_at_ms, moment)));
	json_write_member(out, ", ", "component", message->pipeline);
	buffer_string(out, ", \"custom_details\": ");
	notice_write_json(message, out);
	buffer_string(out, "}}");
	out->failed |= buffer_failed(&summary);
	buffer_close(&summary);
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
	write_id_of_firing(message, out);
	json_write_member(out, "}, ", "startsAt", text_of(moment_of(message->fired_at_ms, moment)));
	json_write_member(out, ", ", "endsAt", text_of(moment_of(alertmanager_end_ms(message), moment)));
	buffer_string(out, "}]");
}

void notice_write_format(const struct alert_message *message, enum notice_format format, const char *key, struct buffer *out)
{
	switch (format) {
	case NOTICE_JSON:
		notice_write_json(message, out);
		break;
	case NOTICE_SLACK:
		write_slack(message, out);
		break;
	case NOTICE_PAGERDUTY:
		write_pagerduty(message, key, out);
		break;
	case NOTICE_ALERTMANAGER:
		write_alertmanager(message, out);
		break;
	}
}
