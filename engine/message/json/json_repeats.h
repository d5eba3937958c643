/* json_repeats.h: Keys that occur twice in an object of JSON. RFC 8259 leaves open which of them counts, so two readers of one
 * request may see two requests.
 */
#pragma once

#include "message/json/json_scan.h"

/* Whether a key occurs before in the object at the scan, which is valid JSON; `twice` is then that key. Not if the arena is full,
 * which is then failed. */
bool json_keys_repeat(struct json_scan scan, struct text *twice);
