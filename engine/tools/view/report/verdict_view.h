/* verdict_view.h: A keeper's verdict on a proposal, as text and as JSON. */
#pragma once

#include "control/records/records.h"

/* Where the documents of the proposal come from, for the faults that a verdict names. */
struct document_place {
	struct text kind, name;
	const char *file;
	uint32_t line; /* of its first line */
};

struct document_places {
	size_t count;
	const struct document_place *items;
};

/* Append what was accepted: a line for each version; or one object. */
void verdict_accepted_print(const struct control_verdict *verdict, struct buffer *out);
void verdict_accepted_json(const struct control_verdict *verdict, struct buffer *out);

/* Prints struct verdict_fault that refuse nothing, as lines. */
void verdict_warnings_print(const struct record_list *warnings, struct document_places places, struct buffer *out);

/* Append why a proposal was refused, or with which change it is in conflict. */
void verdict_refusal_print(const struct control_verdict *verdict, struct document_places places, struct buffer *out);
void verdict_refusal_json(const struct control_verdict *verdict, struct document_places places, struct buffer *out);
