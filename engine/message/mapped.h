/* mapped.h: mapped records: fields of any JSON or Avro event become tensors.
 *
 * A mapping is compiled once from a pipeline's `input.tensors`, `input.key` and
 * `input.time`, and is then immutable: threads may share it. An event is walked once,
 * whatever the number of paths; of Avro, any schema that the source knows.
 *
 * A path names fields, `a.b`; items of a list, `a[0]`; or all items, `bids[*].px`.
 * A field is one of a JSON object, or of an Avro record or map. `null` counts as
 * absent. What is absent takes `default`; without one it is an INPUT error that names
 * the path. A path's value may be a list itself, where the tensor has a shape.
 *
 * A list must have as many values as the shape says; with `pad` it is filled up, or
 * cut, to the shape. Without a shape, a path with `[*]` gives as many as there are.
 *
 * Several `paths` make the columns of one row: shape [1,n], and the tensor parameter
 * `columns` names them by the last parts of the paths, joined by commas, so that an
 * expression may say x["volume"].
 *
 * Without a datatype JSON gives FP64 and Avro that of its schema: INT32, INT64, FP32,
 * FP64, BOOL, or BYTES for strings, bytes, fixed and enums. With one, numbers must fit
 * it exactly or, for floats, be rounded; true and false are 1 and 0; a string may hold
 * the number; and BYTES takes every value as its text.
 */
#ifndef SLUICE_MESSAGE_MAPPED_H
#define SLUICE_MESSAGE_MAPPED_H

#include "message/format.h"

#define MAPPED_COLUMNS "columns" /* the tensor parameter */
#define MAPPED_PATHS_MAX 4096    /* in one mapping */

/* One tensor, as the user wrote it. */
struct mapped_tensor {
	struct text name;
	size_t path_count;
	const struct text *paths;
	bool columns; /* `paths` and not `path` */
	bool has_datatype;
	enum datatype datatype;
	bool has_shape;
	size_t rank;
	const int64_t *shape;
	struct text pad;      /* bytes NULL: none */
	struct text fallback; /* `default`; bytes NULL: none */
	struct place place;
};

/* How an event says its time. */
enum time_unit { TIME_MS, TIME_S, TIME_US, TIME_ISO8601 };
#define TIME_UNITS "ms s us iso8601"

struct mapped_input {
	size_t count;
	const struct mapped_tensor *tensors;
	struct text key;  /* path; bytes NULL: none */
	struct text time; /* path; bytes NULL: none */
	enum time_unit time_unit;
	struct place place;
};

/* The parameter that names the columns of a tensor of several paths. False: memory ran out. */
bool mapped_columns(struct arena *arena, const struct text *paths, size_t count, struct parameters *parameters);

struct mapping;

/* Everything is copied into the arena. NULL and a CONFIG error for a path that is
 * none, or a `pad` or `default` that does not fit the datatype. */
const struct mapping *mapping_compile(struct arena *arena, const struct mapped_input *input, struct error *error);

/* Reads an event: fills in the payload's tensors and, where the mapping has paths for
 * them, key and time. Tensors borrow from the bytes. The message's format becomes the
 * one in which an answer to such an event leaves: OIP JSON, or Avro. */
bool mapped_decode(struct message *message, const struct mapping *mapping, struct text bytes, const struct schema_source *schemas,
		   struct error *error);

#endif
