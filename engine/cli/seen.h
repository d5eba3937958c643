/* seen.h: a record of a topic of answers, read whatever its format is, and shown to a
 * person or as a line of JSON. For the commands that look at answers.
 */
#ifndef SLUICE_CLI_SEEN_H
#define SLUICE_CLI_SEEN_H

#include "cli/schema_asker.h"
#include "log/record.h"
#include "message/answer_decode.h"

/* Borrows from the record and the arena. */
struct seen {
	const struct record *record;
	struct message message; /* the envelope: id, key, time, headers; no request */
	struct decoded_answer answer;
};

/* LIMIT: the arena is too small; SYSTEM: the registry that the record's schema must come from
 * does not answer. What cannot be read is not an error. Where there is no registry, a number
 * in its place is taken for that of our own answers. */
bool seen_read(const struct record *record, struct schema_asker *asker, struct arena *arena, struct seen *seen,
	       struct error *error);

void seen_print_text(const struct seen *seen, struct buffer *out);
void seen_print_json(const struct seen *seen, struct buffer *out);

#endif
