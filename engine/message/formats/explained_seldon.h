/* explained_seldon.h: Explanations in the form of Seldon's explainers: `meta` and `data`, as alibi writes an explanation.
 *
 * `meta.params` has the settings of alibi's explainer that say how this one explains. An anchor is that of the first row, as
 * there; its `raw` has the whole rule, and not what each beginning of it would be. Contributions are of all rows and outputs of
 * the step that explained last. The fields of explained_write_json() follow, which clients of Seldon pass over.
 */
#pragma once

#include "message/records/explained.h"

#define EXPLAIN_REPLY_SELDON "seldon" /* value of EXPLAIN_REPLY_HEADER that asks for this form */

/* Appends the document. LIMIT: it does not fit into the buffer, or the message's arena is full. */
bool explained_write_seldon(const struct explained *first, const struct message *message, const char *pipeline, struct buffer *out,
			    struct error *error);

/* The document in the form that the gateway waits for. */
bool explained_write_reply(const struct explained *first, const struct message *message, const char *pipeline, struct buffer *out,
			   struct error *error);
