/* notice_format.c: see notice_format.h. */
#include "compiler/conditions/notice_format.h"

const struct notice_row notice_rows[] = {
	[NOTICE_FIELD_ID] = {"id", "Id of the firing: the same in its notice of the end, and each time a notice is sent."},
	[NOTICE_FIELD_NOTICE] = {"notice", "Id of the notice: `id` and `status`. Also in the header Idempotency-Key."},
	[NOTICE_FIELD_STATUS] = {"status", "firing, resolved, or test."},
	[NOTICE_FIELD_NAMESPACE] = {"namespace", "Namespace of the pipeline."},
	[NOTICE_FIELD_PIPELINE] = {"pipeline", "Name of the pipeline."},
	[NOTICE_FIELD_ALERT] = {"alert", "Name of the alert."},
	[NOTICE_FIELD_GROUP] = {"group", "Value of the alert's `groupBy`; empty without it."},
	[NOTICE_FIELD_ENGINE] = {"engine", "Name of the engine that sent it; without `--control` it also judged it."},
	[NOTICE_FIELD_CONDITION] = {"condition", "Its condition, as in the file."},
	[NOTICE_FIELD_FIRED_AT] = {"fired_at",
				   "When it began to fire: ISO 8601, UTC. If a message began it, the time of its request."},
	[NOTICE_FIELD_AT] = {"at", "When the notice was made."},
	[NOTICE_FIELD_VALUES] = {"values", "The figures that its condition uses, by their names; empty if it is judged for each "
					   "message."},
	[NOTICE_FIELD_REASON] = {"reason", "Why it ended, if its condition did not cease to hold: `" NOTICE_REMOVED
					   "`, or, for the receiver, `" NOTICE_DROPPED "`; else empty."},
	[NOTICE_FIELD_DRIFT] = {"drift",
				"If its condition uses `drift_score` or `is_drift`: the feature that has moved most, with its "
				"test, effect and p, as `feature x.a by ks: effect 0.31, p 2.1e-09`; else empty."},
	[NOTICE_FIELDS] = {0},
};

enum notice_field notice_field_named(struct text name)
{
	enum notice_field field = 0;
	while (field < NOTICE_FIELDS && !text_is(name, notice_rows[field].name))
		field++;
	return field;
}

struct text notice_template_next(struct text *rest, struct text *name)
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
		(void)notice_template_next(&template, &name);
		if (name.bytes && notice_field_named(name) == NOTICE_FIELDS)
			return name.length ? name : TEXT("{{");
	}
	return (struct text){0};
}
