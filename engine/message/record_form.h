/* record_form.h: Form of a record: rows by which its Avro bytes are written and read.
 *
 * A record is a C struct. Its rows name the fields in the order of the schema (schemas/NAME.avsc). Records are framed
 * as single-object Avro, so a reader recognises a record whose schema this version of sluice lacks. A form knows its
 * former schemas, whose records lack the rows that were added since (tests/data/avro): they are read with 0, empty or NaN there.
 * Older programs do not read what newer ones write: so engines are updated before or with the one that writes.
 *
 * Records of requests, answers and links of stages are written and read by hand, since each request has some (message/avro/avro.h).
 *
 * Pure. Decoded texts borrow from the bytes; lists and strings are in the arena.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

enum record_field_type {
	RECORD_FIELD_END,
	RECORD_FIELD_TEXT,     /* struct text; also bytes */
	RECORD_FIELD_STRING,   /* const char *: a text with a NUL behind it; NULL is written as empty */
	RECORD_FIELD_OPTIONAL, /* struct text, in a union with null: without bytes */
	RECORD_FIELD_NUMBER,   /* int64_t */
	RECORD_FIELD_INT,      /* int32_t */
	RECORD_FIELD_REAL,     /* double */
	RECORD_FIELD_FINITE,   /* double, in a union with null: null if it is infinite or NaN, and read as NaN */
	RECORD_FIELD_UNION,    /* double, in a union with null, which is written as it is, and null is read as NaN */
	RECORD_FIELD_WHOLE,    /* double that is a whole number, and a long in the record */
	RECORD_FIELD_FLAG,     /* bool */
	RECORD_FIELD_CHOICE,   /* an enum of `choices` symbols */
	RECORD_FIELD_LIST,     /* a size_t, and a pointer to so many items; also a map, whose items are a key and a value */
	RECORD_FIELD_GIVEN,    /* bool: a union with null of rows in the same struct, which are there if it is true */
	RECORD_FIELD_ORIGIN,   /* struct origin, in a union with null: without a topic */
	RECORD_FIELD_TENSORS,  /* struct tensors */
	RECORD_FIELD_WITHIN,   /* a struct in the struct: another record, by the schema of that whose number is `choices` */
};

struct record_field {
	enum record_field_type type;
	unsigned choices;		   /* of a list in the struct itself: its most items; of a record within: of its schema */
	size_t offset;			   /* in the struct */
	size_t items_offset;		   /* of a list: of the pointer, or of the first item in the struct */
	const struct record_field *fields; /* of a list's item */
	size_t item_bytes;
	unsigned since; /* number of the form's first schema that has it, from 1; 0: all of them */
	unsigned until; /* of the last one, which is a former one; 0: the newest has it */
};

#define RECORD_ROW(kind, record, member) {.type = RECORD_FIELD_##kind, .offset = offsetof(record, member)}
#define RECORD_ADDED(number, kind, record, member)                                                                                 \
	{                                                                                                                          \
		.type = RECORD_FIELD_##kind, .offset = offsetof(record, member), .since = (number)                                 \
	}
#define RECORD_CHOICE(record, member, count) {.type = RECORD_FIELD_CHOICE, .choices = (count), .offset = offsetof(record, member)}
#define RECORD_GIVEN(record, member, rows) {.type = RECORD_FIELD_GIVEN, .offset = offsetof(record, member), .fields = (rows)}
#define RECORD_LIST_ADDED(number, record, count, list, rows, item)                                                                 \
	{                                                                                                                          \
		.type = RECORD_FIELD_LIST, .offset = offsetof(record, count), .items_offset = offsetof(record, list),              \
		.fields = (rows), .item_bytes = sizeof(item), .since = (number)                                                    \
	}
#define RECORD_LIST(record, count, list, rows, item) RECORD_LIST_ADDED(0, record, count, list, rows, item)
#define RECORD_TEXTS(record, count, list) RECORD_LIST(record, count, list, record_text_item, struct text)
#define RECORD_REALS(record, count, list) RECORD_LIST(record, count, list, record_real_item, double)
/* A list whose items are in an array of the struct. A record with more is broken. */
#define RECORD_ARRAY(record, count, array, rows)                                                                                   \
	{                                                                                                                          \
		.type = RECORD_FIELD_LIST, .offset = offsetof(record, count), .items_offset = offsetof(record, array),             \
		.fields = (rows), .item_bytes = sizeof(((record *)0)->array[0]),                                                   \
		.choices = sizeof(((record *)0)->array) / sizeof(((record *)0)->array[0])                                          \
	}
#define RECORD_WITHIN(record, member, rows, schema)                                                                                \
	{                                                                                                                          \
		.type = RECORD_FIELD_WITHIN, .choices = (schema), .offset = offsetof(record, member), .fields = (rows)             \
	}
/* The versions of resources, which no writer lists: of a struct record_list. */
#define RECORD_VERSIONS(record, list) RECORD_LIST(record, list.count, list.items, record_version_item, struct record_version)
#define RECORD_END {.type = RECORD_FIELD_END}

/* Rows of an item of a list. */
extern const struct record_field record_text_item[], record_real_item[], record_version_item[];

struct record_version {
	struct text resource, version;
};

#define RECORD_FORMERS_MAX 3

/* A list of a record that has no list type of its own. */
struct record_list {
	size_t count;
	const void *items;
};

struct record_form {
	const char *schema; /* its file name in schemas/ */
	const char *called; /* "proposal", for errors */
	const struct record_field *fields;
	size_t bytes;		  /* of the struct */
	_Atomic uint64_t *schema_name; /* set by record_fingerprint(); starts as 0 */
	uint64_t formers[RECORD_FORMERS_MAX]; /* the fingerprints of its former schemas, from the first one; 0: there are no more */
};

/* The fingerprint of the schema, which encoded records contain; 0: memory ran out. Any thread may call. */
uint64_t record_fingerprint(const struct record_form *form);

/* Appends the record. LIMIT: it does not fit. */
bool record_encode(const struct record_form *form, const void *record, struct buffer *out, struct error *error);

/* The fingerprint of the schema in the bytes; 0: they are not framed as single-object Avro. */
uint64_t record_schema(struct text bytes);

/* The number among the form's schemas, from 1, of a schema that record_schema() has found; 0: a record of it is not of the form. */
unsigned record_schema_number(const struct record_form *form, uint64_t schema);

/* Whether a record of that schema is of the form: of its schema, or of a former one. */
static inline bool record_is_of(const struct record_form *form, uint64_t schema)
{
	return record_schema_number(form, schema) > 0;
}

/* Decodes a record of that form. INPUT: the bytes have another schema, or are broken. LIMIT: the arena is full. It may be NULL if
 * no row is a string, tensors, or a list outside of the struct. */
bool record_decode(const struct record_form *form, struct text bytes, struct arena *arena, void *record, struct error *error);

/* Rows without a frame and a schema, for what stays in memory. Members of other rows are not set. False: the buffer, or the arena,
 * is full. */
bool record_rows_encode(const struct record_field *rows, const void *record, struct buffer *out);
bool record_rows_decode(const struct record_field *rows, struct text bytes, struct arena *arena, void *record);
