/* outcome_view.h: View of one outcome (message/records/outcome.h): lines for a person, or a JSON object with the members of its
 * schema. Members without a value are left out. For `sluice tail`. */
#pragma once

#include "kafka/record.h"
#include "message/records/outcome.h"

/* INPUT: the record is no outcome. The arena is for lists of it. */
bool outcome_view_print_text(const struct record *record, struct arena *arena, struct buffer *out, struct error *error);
bool outcome_view_print_json(const struct record *record, struct arena *arena, struct buffer *out, struct error *error);
