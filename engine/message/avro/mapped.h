/* mapped.h: Mapped records: conversion of fields of any JSON or Avro event to tensors.
 *
 * A mapping is compiled once from a pipeline's `input.tensors`, `input.key` and `input.time`. It is then
 * immutable, and threads may share it. An event is walked once, for any number of paths. An Avro event may have
 * any schema that the source has.
 *
 * A path names fields, `a.b`; items of a list, `a[0]`; or all items, `bids[*].px`. A field is one of a JSON
 * object, or of an Avro record or map. `null` counts as absent. An absent value gets `default`; without one it
 * is an INPUT error that names the path. A path's value may itself be a list, if the tensor has a shape.
 *
 * A list must have as many values as the shape requires. With `pad` it is filled up, or cut, to the shape.
 * Without a shape, a path with `[*]` has as many values as the event.
 *
 * Several `paths` are the columns of one row: shape [1,n]. The tensor parameter `columns` names them by the
 * last parts of the paths, joined by commas, so that an expression can use x["volume"].
 *
 * Without a datatype JSON values become FP64, and Avro values that of their schema: INT32, INT64, FP32, FP64,
 * BOOL, or BYTES for strings, bytes, fixed and enums. With a datatype, numbers must fit it exactly or, for
 * floats, are rounded; true and false are 1 and 0; a string may contain the number; and BYTES accepts every
 * value as its text.
 */
#pragma once

#include "message/formats/format.h"

#define MAPPED_COLUMNS "columns" /* the tensor parameter */
#define MAPPED_PATHS_MAX 4096    /* in one mapping */

/* One tensor, as the user defined it. */
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

/* Unit of an event's time. */
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

/* The parameter with the column names of a tensor of several paths. False: memory ran out. */
bool mapped_columns(struct arena *arena, const struct text *paths, size_t count, struct parameters *parameters);

struct mapping;

/* Copies everything into the arena. NULL and a CONFIG error: a path is invalid, or a `pad` or `default` does
 * not fit the datatype. */
const struct mapping *mapping_compile(struct arena *arena, const struct mapped_input *input, struct error *error);

/* Reads an event: sets the payload's tensors and, if the mapping has paths for them, key and time. Tensors
 * borrow from the bytes. Sets the message's format to that of the answer to such an event: OIP JSON, or Avro. */
bool mapped_decode(struct message *message, const struct mapping *mapping, struct text bytes, const struct schema_source *schemas,
		   struct error *error);

/* The path of the time; bytes NULL: events have no time of their own. The mapping may be NULL. */
struct text mapping_time_path(const struct mapping *mapping);

/* Whether it makes a tensor of that name. */
bool mapping_has_tensor(const struct mapping *mapping, struct text name);

/* Whether it makes a tensor of that name whose datatype is BYTES. The mapping may be NULL. */
bool mapping_makes_texts(const struct mapping *mapping, struct text name);

/* The time in a text that a row of a file has at that path. INPUT: it is none. */
bool mapping_time_read(const struct mapping *mapping, struct text text, struct arena *arena, int64_t *ms, struct error *error);
