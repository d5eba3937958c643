/* protobuf_json.h: Conversion of protobuf messages to JSON and back, by tables of their fields, as the official mapping
 * (protobuf.dev, "ProtoJSON Format") has it. For messages that are small or rare: each is read once for every row of its table.
 *
 * Unknown fields and members are skipped.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

enum protobuf_json_type {
	PROTOBUF_JSON_TEXT,
	PROTOBUF_JSON_BYTES, /* base64 */
	PROTOBUF_JSON_BOOL,
	PROTOBUF_JSON_INT32,
	PROTOBUF_JSON_UINT32,
	PROTOBUF_JSON_INT64, /* in quotes, as the next one */
	PROTOBUF_JSON_UINT64,
	PROTOBUF_JSON_FLOAT,
	PROTOBUF_JSON_DOUBLE,
	PROTOBUF_JSON_ENUM,
	PROTOBUF_JSON_MESSAGE,
	PROTOBUF_JSON_VALUE, /* google.protobuf.Value: any JSON, whose numbers are finite doubles */
	PROTOBUF_JSON_LIST,  /* google.protobuf.ListValue */
};

enum protobuf_json_count {
	PROTOBUF_JSON_ONE,
	PROTOBUF_JSON_MANY,	   /* repeated; numbers are packed */
	PROTOBUF_JSON_MANY_ALWAYS, /* the same; its list is written in JSON also if it is empty */
	PROTOBUF_JSON_MAP,	   /* from texts */
};

struct protobuf_json_field {
	const char *name; /* NULL: the end of the table */
	uint32_t number;
	enum protobuf_json_type type;
	enum protobuf_json_count count;
	const struct protobuf_json_field *inside; /* of PROTOBUF_JSON_MESSAGE */
	const char *const *words;		  /* of PROTOBUF_JSON_ENUM, by number from 0; ends with NULL */
};

/* Appends the message as JSON. INPUT: the bytes are not such a message, or JSON has no form for them; `what` names the message
 * in the error. */
bool protobuf_json_write(const struct protobuf_json_field *fields, struct text bytes, const char *what, struct buffer *out,
			 struct error *error);

/* Appends the JSON object as a message. INPUT: it is not JSON, or a member has not the type of its field. Texts with escapes
 * are decoded in the arena. */
bool protobuf_json_read(const struct protobuf_json_field *fields, struct text json, const char *what, struct arena *arena,
			struct buffer *out, struct error *error);
