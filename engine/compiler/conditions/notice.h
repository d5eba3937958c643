/* notice.h: Notice of an alert, and its forms: JSON, a template filled in, a mail. Pure.
 *
 * The fields of the JSON form, and the names in a template, are rows of one table (notice_format.h). Values of texts are escaped as
 * inside a JSON string, and `values` is a JSON object.
 */
#pragma once

#include "compiler/conditions/alert.h"
#include "compiler/conditions/notice_format.h"
#include "base/option.h"

#define NOTICE_ID_BYTES 32

struct alert_message {
	const char *status; /* firing, resolved, test */
	struct text namespace, pipeline, alert, condition, engine;
	struct text group; /* empty: the alert has none */
	struct text reason; /* of an end that no judgement made; empty: it is none */
	bool is_shared;	   /* all engines have the same state, so the ids do not depend on `engine` */
	int64_t fired_at_ms, at_ms; /* times of day */
	const struct alert_condition *figures_of; /* the figures that it uses are in `values`; NULL: none are */
	struct alert_values values;
	const char *topic; /* of the pipeline's notices, for the action `topic`; NULL: it has none */
};

/* Id of the firing, in its notice and in that of its end. */
void notice_firing_id(const struct alert_message *message, char id[ALERT_ID_BYTES]);

/* Id of the notice: that of the firing, and the status. So it is the same each time the notice is sent. */
void notice_id(const struct alert_message *message, char id[NOTICE_ID_BYTES]);

/* If its condition uses drift_score or is_drift, the feature that has moved most, in words. "": none is known. */
const char *notice_drift(const struct alert_message *message);

/* The figures that its condition uses, as a JSON object. */
void notice_write_values(const struct alert_message *message, struct buffer *out);

void notice_write_json(const struct alert_message *message, struct buffer *out);
void notice_write_template(const struct alert_message *message, struct text template, struct buffer *out);

/* Writes the value of a field as JSON. */
void notice_write_field(const struct alert_message *message, enum notice_field field, struct buffer *out);

/* Fills in a template: `write` writes the value of a name as JSON, or nothing. */
typedef void notice_value_writer(const void *context, struct text name, struct buffer *out);
void notice_fill_template(struct text template, notice_value_writer *write, const void *context, struct buffer *out);

/* A mail with its headers (notice_mail.c); `to` is their text. No line of it has more than 998 bytes, as RFC 5321 demands, if no
 * name or address has. */
void notice_write_mail(const struct alert_message *message, const char *from, struct name_list to, struct buffer *out);

/* "sha256=HEX", the HMAC of the body with the secret, for the header X-Sluice-Signature. */
#define NOTICE_SIGNATURE_BYTES 72
void notice_sign(struct text body, const char *secret, char signature[NOTICE_SIGNATURE_BYTES]);
