/* letters.h: a dead letter, or another record, as avro-c reads it, by the schema in schemas/. */
#pragma once

#include <avro.h>

#include "base/text.h"

struct letter {
	avro_schema_t schema;
	avro_value_iface_t *class;
	avro_value_t value;
};

/* Fails the test when it is none, or is not framed as single-object. */
void letter_open(struct letter *letter, struct text bytes);

/* A record of any of our schemas. */
void letter_open_as(struct letter *letter, const char *schema, struct text bytes);
void letter_close(struct letter *letter);

/* A field by its name, or "record.field"; bytes and strings alike. Borrowed. */
struct text letter_text(struct letter *letter, const char *path);
int64_t letter_number(struct letter *letter, const char *path);
const char *letter_kind(struct letter *letter);
