/* record_payload.h: Decoder of what a record gives to a step: requests, events by a mapping, and the answers of pipelines or of
 * taps, whatever their format. For what learns from a topic. Pure.
 */
#pragma once

#include "message/formats/format.h"
#include "message/avro/mapped.h"

struct record_payload {
	struct payload payload;
	struct text id;	 /* of the message; empty: it has none */
	int64_t time_ms; /* that of the event, if the mapping has one; else that of the record */
	bool unnamed;	 /* of an answer: the names of its tensors are not known (message/records/answer_tensors.h) */
};

/* Everything is borrowed from the bytes, the headers and the arena. `mapping`: for events; NULL: requests or answers. `time_ms`:
 * of the record. */
bool record_payload_decode(struct headers headers, struct text value, int64_t time_ms, const struct mapping *mapping,
			   const struct schema_source *schemas, struct arena *arena, struct record_payload *made,
			   struct error *error);
