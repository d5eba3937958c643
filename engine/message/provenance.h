/* provenance.h: Provenance of payloads and tensors: the model in whose reply they came.
 *
 * A reply that lacks a tensor, or has it in another type, is the fault of the model and
 * not of the caller: a step that reads the tensor by name fails with REMOTE and names the
 * model. So a reply is marked where the flow takes it, the mark goes with whatever is
 * joined, renamed or passed on, and the reader that finds something wrong asks here.
 *
 * All lists and names live as long as their message.
 */
#ifndef SLUICE_MESSAGE_PROVENANCE_H
#define SLUICE_MESSAGE_PROVENANCE_H

#include "message/message.h"

/* One source of a payload. A payload without any is the caller's, or made by steps. */
struct replier {
	const char *model;	     /* NULL: the caller */
	const struct payload *reply; /* as it came; NULL: no longer known */
	const struct replier *next;  /* of a join; NULL: the last */
};

/* The reply as that of the model: a payload that shares its elements. NULL: the arena is full. */
struct payload *reply_marked(struct arena *arena, const struct payload *reply, const char *model);

/* An empty reply of that model, for what answers here and marks its tensors itself. NULL: the arena is full. */
struct payload *reply_begin(struct arena *arena, const char *model);

/* The list with the sources of `payload` added, each once. `first`: there is nothing in the list
 * yet, and no source was added that is the caller's. */
const struct replier *repliers_joined(struct arena *arena, const struct replier *list, bool first, const struct payload *payload);

/* The list without the replies, in another arena. */
const struct replier *repliers_copied(struct arena *arena, const struct replier *list);

/* Between stages, marks travel as a parameter more, the last one of each tensor and of the payload. Written: the parameters
 * with it; all that is made is in the arena. Read: it is taken away again. A parameter of that name that a caller or a model
 * sent is told apart: an empty one of ours stands behind it, and it goes on as it came. */
struct tensors models_written(struct arena *arena, struct tensors tensors);
struct parameters repliers_written(struct arena *arena, const struct payload *payload);
void models_read(struct arena *arena, struct tensors tensors);
void repliers_read(struct arena *arena, struct payload *payload);

/* A tensor of that name is missing in the payload. True, and a REMOTE error that names the
 * model: nobody but models could have given it, and none did. False, and no error: it is the
 * caller's, or a step between has removed it. `reader` begins the sentence: "step `x`". */
bool reply_lacks(const struct payload *payload, struct text name, struct place place, const char *reader, struct error *error);

/* The error is an INPUT error about the type of that tensor (NULL: of none): where it came in
 * a model's reply it becomes a REMOTE error that names the model. Always false. */
bool reply_blamed(struct error *error, const struct tensor *tensor);

#endif
