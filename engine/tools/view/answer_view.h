/* answer_view.h: View of one answer: a record of any format, decoded for display to a person or as JSON. For the
 * commands that print answers. */
#pragma once

#include "kafka/record.h"
#include "kafka/topics/schema_lookup.h"
#include "message/formats/answer_decode.h"

/* Borrows from the record and the arena. */
struct answer_view {
	const struct record *record;
	struct message message; /* the envelope: id, key, time, headers; no request */
	struct decoded_answer answer;
};

/* Decodes a record. LIMIT: the arena is too small; SYSTEM: the registry with the record's schema does not answer. An
 * unreadable record is not an error. Without a registry, a schema number is taken for that of sluice's own answers. */
bool answer_view_read(const struct record *record, struct schema_lookup *asker, struct arena *arena, struct answer_view *view,
		      struct error *error);

/* As answer_request_id(). Borrows from the view, or is in the arena. */
struct text answer_view_request_id(const struct answer_view *view, struct arena *arena);

void answer_view_print_text(const struct answer_view *view, struct buffer *out);
void answer_view_print_json(const struct answer_view *view, struct buffer *out);
