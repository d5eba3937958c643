/* provenance.h: Provenance of payloads and tensors: the model in whose reply they came.
 *
 * A reply that lacks a tensor, or has it in another type, is the fault of the model and not of the caller. A
 * step that reads the tensor by name then fails with REMOTE and names the model. So the flow marks a reply when
 * it arrives. The mark stays with all that is joined, renamed or passed on. A reader that finds an error looks
 * it up here.
 *
 * All lists and names live as long as their message.
 */
#pragma once

#include "message/message.h"

/* One source of a payload. A payload without sources comes from the caller, or from steps. */
struct replier {
	const char *model;	     /* NULL: the caller */
	const struct payload *reply; /* as it came; NULL: not known any more */
	const struct replier *next;  /* of a join; NULL: the last */
};

/* Marks a reply as the model's: a payload that shares its elements. NULL: the arena is full. */
struct payload *reply_marked(struct arena *arena, const struct payload *reply, const char *model);

/* An empty reply of that model, for a step that answers itself and marks its tensors itself. NULL: the arena is
 * full. */
struct payload *reply_begin(struct arena *arena, const char *model);

/* Adds the sources of `payload` to the list, each once. `first`: the list has no sources yet, not even the
 * caller. */
const struct replier *repliers_joined(struct arena *arena, const struct replier *list, bool first, const struct payload *payload);

/* Copies the list, without the replies, into another arena. */
const struct replier *repliers_copied(struct arena *arena, const struct replier *list);

/* Between stages, marks are an additional parameter, the last one of each tensor and of the payload. The
 * `_written` functions return the parameters with it, in the arena. The `_read` functions remove it. If a
 * caller or a model sent a parameter of that name, an empty one of the engine follows it, and the former is
 * passed on unchanged. */
struct tensors models_written(struct arena *arena, struct tensors tensors);
struct parameters repliers_written(struct arena *arena, const struct payload *payload);
void models_read(struct arena *arena, struct tensors tensors);
void repliers_read(struct arena *arena, struct payload *payload);

/* Explains why the payload lacks that tensor. True, and a REMOTE error that names the model: only models could
 * have given it, and none did. False, and no error: it is the caller's, or a step removed it. `reader` begins
 * the sentence: "step `x`". */
bool reply_lacks(const struct payload *payload, struct text name, struct place place, const char *reader, struct error *error);

/* Takes an INPUT error about the type of that tensor (NULL: none). If the tensor came in a model's reply, the
 * error becomes REMOTE and names the model. Always false. */
bool reply_blamed(struct error *error, const struct tensor *tensor);
