/* notice_format.h: Formats of the body of a webhook, fields of a notice, and templates with them, as YAML names them. Pure.
 *
 * A template has `{{name}}` where the value of a field goes.
 */
#pragma once

#include "base/text.h"

enum notice_format { NOTICE_JSON, NOTICE_SLACK, NOTICE_PAGERDUTY, NOTICE_ALERTMANAGER };
#define NOTICE_FORMATS "json slack pagerduty alertmanager" /* by enum notice_format */

#define NOTICE_BYTES_MAX ((size_t)64 << 10)

#define NOTICE_REMOVED "the alert was removed" /* reasons */
#define NOTICE_DROPPED "no longer a receiver of this alert"

enum notice_field {
	NOTICE_FIELD_ID,
	NOTICE_FIELD_NOTICE,
	NOTICE_FIELD_STATUS,
	NOTICE_FIELD_NAMESPACE,
	NOTICE_FIELD_PIPELINE,
	NOTICE_FIELD_ALERT,
	NOTICE_FIELD_GROUP,
	NOTICE_FIELD_ENGINE,
	NOTICE_FIELD_CONDITION,
	NOTICE_FIELD_FIRED_AT,
	NOTICE_FIELD_AT,
	NOTICE_FIELD_VALUES,
	NOTICE_FIELD_REASON,
	NOTICE_FIELD_DRIFT,
	NOTICE_FIELDS
};

struct notice_row {
	const char *name, *help;
};

extern const struct notice_row notice_rows[]; /* by enum notice_field; the last row has no name */

/* The field of that name; NOTICE_FIELDS: there is none. */
enum notice_field notice_field_named(struct text name);

/* Removes and returns the text before the next `{{`. `name` is what is inside the braces, empty if they are not closed; its bytes
 * are NULL if there are no more. */
struct text notice_template_next(struct text *rest, struct text *name);

/* The first `{{name}}` of a template that is no field; its bytes are NULL: there is none. A `{{` that is not closed counts. */
struct text notice_template_fault(struct text template);
