/* notice.c: see notice.h. */
#include "alerts/notice.h"

#include <math.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "base/moment.h"
#include "message/json_write.h"

/* ---- fields ---- */

void notice_firing_id(const struct alert_message *message, char id[ALERT_ID_BYTES])
{
	const struct text parts[ALERT_ID_PARTS] = {message->namespace, message->pipeline, message->alert,
						   message->is_shared ? TEXT("") : message->engine,
						   message->group};
	alert_id(parts, message->fired_at_ms, id);
}

static void write_id(const struct alert_message *message, struct buffer *out)
{
	char id[ALERT_ID_BYTES];
	notice_firing_id(message, id);
	json_write_string(out, text_of(id));
}

void notice_id(const struct alert_message *message, char id[NOTICE_ID_BYTES])
{
	char firing[ALERT_ID_BYTES];
	notice_firing_id(message, firing);
	(void)snprintf(id, NOTICE_ID_BYTES, "%s-%s", firing, message->status);
}

static void write_notice(const struct alert_message *message, struct buffer *out)
{
	char id[NOTICE_ID_BYTES];
	notice_id(message, id);
	json_write_string(out, text_of(id));
}

static void write_status(const struct alert_message *message, struct buffer *out)
{
	json_write_string(out, text_of(message->status));
}

static void write_namespace(const struct alert_message *message, struct buffer *out)
{
	json_write_string(out, message->namespace);
}

static void write_pipeline(const struct alert_message *message, struct buffer *out)
{
	json_write_string(out, message->pipeline);
}

static void write_alert(const struct alert_message *message, struct buffer *out)
{
	json_write_string(out, message->alert);
}

static void write_group(const struct alert_message *message, struct buffer *out)
{
	json_write_string(out, message->group);
}

static void write_engine(const struct alert_message *message, struct buffer *out)
{
	json_write_string(out, message->engine);
}

static void write_condition(const struct alert_message *message, struct buffer *out)
{
	json_write_string(out, message->condition);
}

static void write_reason(const struct alert_message *message, struct buffer *out)
{
	json_write_string(out, message->reason);
}

static void write_moment(int64_t ms, struct buffer *out)
{
	char moment[MOMENT_MS_BYTES];
	moment_print_ms(ms, moment);
	json_write_string(out, text_of(moment));
}

static void write_fired_at(const struct alert_message *message, struct buffer *out)
{
	write_moment(message->fired_at_ms, out);
}

static void write_at(const struct alert_message *message, struct buffer *out)
{
	write_moment(message->at_ms, out);
}

const char *notice_drift(const struct alert_message *message)
{
	return message->figures_of ? alert_condition_drift(message->figures_of, &message->values) : "";
}

void notice_write_values(const struct alert_message *message, struct buffer *out)
{
	const char *between = "{";
	struct text name;
	double value;
	const struct alert_condition *condition = message->figures_of;
	for (size_t at = 0; condition && alert_condition_next(condition, &message->values, &at, &name, &value);) {
		buffer_string(out, between);
		json_write_string(out, name);
		buffer_string(out, ": ");
		json_write_double(out, value);
		between = ", ";
	}
	buffer_string(out, between[0] == '{' ? "{}" : "}");
}

static void write_drift(const struct alert_message *message, struct buffer *out)
{
	json_write_string(out, text_of(notice_drift(message)));
}

const struct notice_row notice_rows[] = {
	{"id", "Id of the firing: the same in its notice of the end, and each time a notice is sent.", write_id},
	{"notice", "Id of the notice: `id` and `status`. Also in the header Idempotency-Key.", write_notice},
	{"status", "firing, resolved, or test.", write_status},
	{"namespace", "Namespace of the pipeline.", write_namespace},
	{"pipeline", "Name of the pipeline.", write_pipeline},
	{"alert", "Name of the alert.", write_alert},
	{"group", "Value of the alert's `groupBy`; empty without it.", write_group},
	{"engine", "Name of the engine that sent it; without `--control` it also judged it.", write_engine},
	{"condition", "Its condition, as in the file.", write_condition},
	{"fired_at", "When it began to fire: ISO 8601, UTC. If a message began it, the time of its request.", write_fired_at},
	{"at", "When the notice was made.", write_at},
	{"values", "The figures that its condition uses, by their names; empty if it is judged for each message.",
	 notice_write_values},
	{"reason",
	 "Why it ended, if its condition did not cease to hold: `" NOTICE_REMOVED "`, or, for the receiver, `" NOTICE_DROPPED
	 "`; else empty.",
	 write_reason},
	{"drift",
	 "If its condition uses `drift_score` or `is_drift`: the feature that has moved most, with its test, effect and p, as "
	 "`feature x.a by ks: effect 0.31, p 2.1e-09`; else empty.",
	 write_drift},
	{0},
};

static const struct notice_row *notice_row_named(struct text name)
{
	for (const struct notice_row *row = notice_rows; row->name; row++)
		if (text_is(name, row->name))
			return row;
	return NULL;
}

/* ---- forms ---- */

void notice_write_json(const struct alert_message *message, struct buffer *out)
{
	for (const struct notice_row *row = notice_rows; row->name; row++) {
		buffer_print(out, "%s\"%s\": ", row == notice_rows ? "{" : ", ", row->name);
		row->write(message, out);
	}
	buffer_byte(out, '}');
}

/* Removes and returns the text before the next `{{`. `name` is what is inside the braces; bytes NULL: there are none. */
static struct text template_next(struct text *rest, struct text *name)
{
	*name = (struct text){0};
	const char *open = memmem(rest->bytes, rest->length, "{{", 2);
	struct text before = {rest->bytes, open ? (size_t)(open - rest->bytes) : rest->length};
	*rest = (struct text){rest->bytes + before.length, rest->length - before.length};
	if (!open)
		return before;
	const char *end = memmem(rest->bytes, rest->length, "}}", 2);
	size_t length = end ? (size_t)(end - rest->bytes) + 2 : rest->length;
	*name = text_trimmed((struct text){open + 2, end ? length - 4 : length - 2}, " ");
	if (!end)
		name->length = 0;
	*rest = (struct text){rest->bytes + length, rest->length - length};
	return before;
}

struct text notice_template_fault(struct text template)
{
	struct text name;
	while (template.length) {
		(void)template_next(&template, &name);
		if (name.bytes && !notice_row_named(name))
			return name.length ? name : TEXT("{{");
	}
	return (struct text){0};
}

void notice_write_template(const struct alert_message *message, struct text template, struct buffer *out)
{
	struct text name;
	while (template.length) {
		buffer_text(out, template_next(&template, &name));
		const struct notice_row *row = name.bytes ? notice_row_named(name) : NULL;
		const size_t begun = out->length;
		if (!row)
			continue;
		row->write(message, out);
		if (buffer_failed(out) || out->bytes[begun] != '"')
			continue;
		memmove(out->bytes + begun, out->bytes + begun + 1, out->length - begun - 2);
		out->length -= 2;
	}
}

void notice_sign(struct text body, const char *secret, char signature[NOTICE_SIGNATURE_BYTES])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)body.bytes, body.length, digest, &length);
	int at = snprintf(signature, NOTICE_SIGNATURE_BYTES, "sha256=");
	for (unsigned i = 0; i < length && at + 2 < NOTICE_SIGNATURE_BYTES; i++)
		at += snprintf(signature + at, (size_t)(NOTICE_SIGNATURE_BYTES - at), "%02x", digest[i]);
}
