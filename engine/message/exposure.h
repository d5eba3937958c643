/* exposure.h: Exposures: records of the variants that experiments have chosen for a request (schemas/exposure.avsc,
 * single-object Avro), one for each choice. They are written to a pipeline's exposures topic, with its answer. */
#ifndef SLUICE_MESSAGE_EXPOSURE_H
#define SLUICE_MESSAGE_EXPOSURE_H

#include "message/assigned.h"

/* Appends the record of one entry of the message, with the label of its answer (message/answer_label.h). LIMIT: it does not fit. */
bool exposure_encode(const struct message *message, const struct assigned *assigned, struct text prediction, struct buffer *out,
		     struct error *error);

/* An exposure that was read. Texts borrow from what is read, lists live in the arena. */
struct exposure {
	struct text id;
	struct origin origin; /* topic empty: none */
	int64_t time_ms;
	struct text experiment, variant;
	double probability; /* 0: it is not known */
	struct text unit;   /* empty: none */
	enum assigned_reason reason;
	size_t feature_count;
	const struct exposure_feature *features; /* the context that a policy saw */
	struct text versions; /* of resources, as "kind/name=version;..." */
	struct text table;
	struct text prediction; /* empty: the answer says nothing that could be judged */
};

/* Decodes a record: Avro, or a JSON object with the members of the schema (`context` may be an object of numbers, and
 * members of other names are ignored). INPUT: it is neither. */
bool exposure_decode(struct text bytes, struct arena *arena, struct exposure *exposure, struct error *error);

#endif
