/* seldon_puid.h: The id of a request as `meta.puid` of its answer, in the forms of Seldon Core 1. Its first engine wrote it into
 * each answer, and its clients send an answer back as feedback. The executor that followed has it in the header Seldon-Puid alone.
 * With `compat: seldon` answers have both. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/text.h"

#define SELDON_PUID_HEADER "seldon-puid"

/* Appends a SeldonMessage of JSON, with the id as its puid. False: it has a puid, or no meta, and is to be left as it is. */
bool seldon_puid_write(struct text message, struct text id, struct arena *arena, struct buffer *out);

/* The same of protobuf; one without a meta gets one. */
bool seldon_puid_encode(struct text message, struct text id, struct buffer *out);
