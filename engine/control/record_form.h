/* record_form.h: Form of a record of the control plane: rows by which its Avro bytes are written and read.
 *
 * A record is a C struct. Its rows name the fields in the order of the schema (schemas/NAME.avsc). Records are framed
 * as single-object Avro, so a reader recognises a record whose schema this version of sluice lacks. A form knows its
 * former schemas, whose records lack the rows that were added since (tests/data/avro): they are read with 0 or empty there. Older
 * programs do not read what newer ones write: so engines are updated before or with the one that writes.
 *
 * Pure. Decoded texts borrow from the bytes; lists are in the arena.
 */
#ifndef SLUICE_CONTROL_RECORD_FORM_H
#define SLUICE_CONTROL_RECORD_FORM_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

enum record_field_type {
	RECORD_FIELD_END,
	RECORD_FIELD_TEXT,   /* struct text */
	RECORD_FIELD_NUMBER, /* int64_t */
	RECORD_FIELD_REAL,   /* double */
	RECORD_FIELD_FLAG,   /* bool */
	RECORD_FIELD_CHOICE, /* an enum of `choices` symbols */
	RECORD_FIELD_LIST,   /* struct record_list; also a map, whose items are a key and a value */
};

struct record_field {
	enum record_field_type type;
	unsigned choices;
	size_t offset;			   /* in the struct */
	const struct record_field *fields; /* of a list's item */
	size_t item_bytes;
	unsigned since; /* number of the form's first schema that has it, from 1; 0: all of them */
};

#define RECORD_FORMERS_MAX 2

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

/* Whether a record of that schema, which record_schema() has found, is of the form: of its schema, or of a former one. */
bool record_is_of(const struct record_form *form, uint64_t schema);

/* Decodes a record of that form. INPUT: the bytes have another schema, or are broken. LIMIT: the arena is full. */
bool record_decode(const struct record_form *form, struct text bytes, struct arena *arena, void *record, struct error *error);

#endif
