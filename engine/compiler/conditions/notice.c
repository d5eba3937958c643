/* notice.c: see notice.h. */
#include "compiler/conditions/notice.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "base/number/moment.h"
#include "message/json/json_write.h"

/* ---- fields ---- */

void notice_firing_id(const struct alert_message *message, char id[ALERT_ID_BYTES])
{
	const struct text parts[ALERT_ID_PARTS] = {message->namespace, message->pipeline, message->alert,
						   message->is_shared ? TEXT("") : message->engine,
						   message->group};
	alert_id(parts, message->fired_at_ms, id);
}

void notice_id(const struct alert_message *message, char id[NOTICE_ID_BYTES])
{
	char firing[ALERT_ID_BYTES];
	notice_firing_id(message, firing);
	(void)snprintf(id, NOTICE_ID_BYTES, "%s-%s", firing, message->status);
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
		json_write_string_after(out, text_of(between), name);
		buffer_string(out, ": ");
		json_write_double(out, value);
		between = ", ";
	}
	buffer_string(out, between[0] == '{' ? "{}" : "}");
}

static void write_moment(int64_t ms, struct buffer *out)
{
	char moment[MOMENT_MS_BYTES];
	moment_print_ms(ms, moment);
	json_write_string(out, text_of(moment));
}

void notice_write_field(const struct alert_message *message, enum notice_field field, struct buffer *out)
{
	char id[NOTICE_ID_BYTES];
	const struct text *texts[NOTICE_FIELDS] = {
		[NOTICE_FIELD_NAMESPACE] = &message->namespace, [NOTICE_FIELD_PIPELINE] = &message->pipeline,
		[NOTICE_FIELD_ALERT] = &message->alert,		[NOTICE_FIELD_GROUP] = &message->group,
		[NOTICE_FIELD_ENGINE] = &message->engine,	[NOTICE_FIELD_CONDITION] = &message->condition,
		[NOTICE_FIELD_REASON] = &message->reason,
	};
	assert(field < NOTICE_FIELDS);
	switch (field) {
	case NOTICE_FIELD_ID:
		notice_firing_id(message, id);
		json_write_string(out, text_of(id));
		return;
	case NOTICE_FIELD_NOTICE:
		notice_id(message, id);
		json_write_string(out, text_of(id));
		return;
	case NOTICE_FIELD_STATUS:
		json_write_string(out, text_of(message->status));
		return;
	case NOTICE_FIELD_FIRED_AT:
		write_moment(message->fired_at_ms, out);
		return;
	case NOTICE_FIELD_AT:
		write_moment(message->at_ms, out);
		return;
	case NOTICE_FIELD_VALUES:
		notice_write_values(message, out);
		return;
	case NOTICE_FIELD_DRIFT:
		json_write_string(out, text_of(notice_drift(message)));
		return;
	default:
		json_write_string(out, *texts[field]);
	}
}

/* ---- forms ---- */

void notice_write_json(const struct alert_message *message, struct buffer *out)
{
	for (enum notice_field field = 0; field < NOTICE_FIELDS; field++) {
		buffer_print(out, "%s\"%s\": ", field == 0 ? "{" : ", ", notice_rows[field].name);
		notice_write_field(message, field, out);
	}
	buffer_byte(out, '}');
}

/* Quotes of a text are the template's own. */
static void quotes_remove(struct buffer *out, size_t begun)
{
	if (buffer_failed(out) || out->length <= begun || out->bytes[begun] != '"')
		return;
	memmove(out->bytes + begun, out->bytes + begun + 1, out->length - begun - 2);
	out->length -= 2;
}

void notice_fill_template(struct text template, notice_value_writer *write, const void *context, struct buffer *out)
{
	struct text name;
	while (template.length) {
		buffer_text(out, notice_template_next(&template, &name));
		const size_t begun = out->length;
		if (!name.bytes)
			continue;
		write(context, name, out);
		quotes_remove(out, begun);
	}
}

static void value_write(const void *message, struct text name, struct buffer *out)
{
	const enum notice_field field = notice_field_named(name);
	if (field < NOTICE_FIELDS)
		notice_write_field(message, field, out);
}

void notice_write_template(const struct alert_message *message, struct text template, struct buffer *out)
{
	notice_fill_template(template, value_write, message, out);
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
