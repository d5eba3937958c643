/* record_payload.h: Decoder of what a record gives to a step: requests, events by a mapping, and the answers of pipelines or of
 * taps, whatever their format. For what learns from a topic. Pure.
 */
#ifndef SLUICE_MESSAGE_RECORD_PAYLOAD_H
#define SLUICE_MESSAGE_RECORD_PAYLOAD_H

#include "message/format.h"
#include "message/mapped.h"

struct record_payload {
	struct payload payload;
	struct text id; /* of the message; empty: it has none */
};

/* Everything is borrowed from the bytes, the headers and the arena. `mapping`: for events; NULL: requests or answers. */
bool record_payload_decode(struct headers headers, struct text value, const struct mapping *mapping,
			   const struct schema_source *schemas, struct arena *arena, struct record_payload *made,
			   struct error *error);

#endif
