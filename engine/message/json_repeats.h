/* json_repeats.h: Keys that occur twice in an object of JSON. RFC 8259 leaves open which of them counts, so two readers of one
 * request may see two requests.
 */
#ifndef SLUICE_MESSAGE_JSON_REPEATS_H
#define SLUICE_MESSAGE_JSON_REPEATS_H

#include "message/json_scan.h"

/* Whether one of the names occurs before in the list; `twice` is then that name. Not if the arena is full, which is then failed. */
bool names_repeat(const struct text *names, size_t count, struct arena *arena, struct text *twice);

/* The same of the keys of the object at the scan, which is valid JSON. */
bool json_keys_repeat(struct json_scan scan, struct text *twice);

#endif
