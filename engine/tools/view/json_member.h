/* json_member.h: Members of JSON objects in reports. They are written after a comma and without spaces: `,"name":value`. */
#pragma once

#include <jansson.h>

#include "base/text.h"
#include "methods/statistics/interval.h"

double member_number_read(const json_t *object, const char *name); /* NaN: the object has no such number */

void member_number(struct buffer *out, const char *name, double number); /* null: it is not finite */
void member_count(struct buffer *out, const char *name, uint64_t count);
void member_flag(struct buffer *out, const char *name, bool flag);
void member_interval(struct buffer *out, const char *name, struct interval interval); /* as a list of both ends */
