/* oip_json_tensors.h: Reader of the lists of tensors in OIP V2's JSON: a request's inputs and a reply's
 * outputs, and of the truth in feedback. For oip_json_read.c and feedback_read.c only.
 *
 * The keys of an object may have any order: data that comes before its shape or datatype is skipped, and read
 * when they are known. Elements come from data, from binary data after the JSON, or from raw_input_contents at
 * the end.
 */
#pragma once

#include "message/json/json_scan.h"
#include "message/message.h"

struct oip_waiting;

struct oip_reader {
	struct json_scan scan;
	struct arena *arena;
	struct error *error;
	const char *list;   /* "inputs" or "outputs" */
	bool is_reply;	    /* of a model: the checks are less strict */
	bool has_binary;    /* the length of the JSON is known, so binary data may follow */
	struct text binary; /* binary data that no tensor has used yet */
	struct tensors_builder tensors;
	struct oip_waiting *waiting; /* tensors without data so far, the last first */
	bool in_tensor;		     /* for errors: inside a tensor of the list, */
	struct text name;	     /* whose name is this, if known */
};

/* Sets all but arena, list and is_reply, which are the caller's to set before. `body` begins with `header_length` bytes of JSON
 * (0: all of it is JSON). */
bool oip_reader_begin(struct oip_reader *reader, struct text body, size_t header_length, const char *what, struct error *error);

/* Reads the list at the scan. */
bool oip_read_tensors(struct oip_reader *reader);

bool oip_read_other(struct oip_reader *reader, const char *key, enum json_type type);

/* Reads the next value as a string; null counts as an absent `key`, and leaves `text` unchanged. */
static inline bool oip_read_string(struct oip_reader *reader, const char *key, struct text *text)
{
	enum json_type type = json_peek(&reader->scan);
	return type == JSON_STRING ? json_text(&reader->scan, text) : oip_read_other(reader, key, type);
}

/* Reads the object of parameters at the scan, without the names of the binary-data extension: those control the
 * transport and are not passed on. Their values are in `extension`. */
struct oip_extension {
	uint64_t binary_data_size;
	bool has_binary_data_size;
	bool binary_data;
	bool has_binary_data;
	bool binary_data_output;
	bool is_read; /* parameters were there */
};
bool oip_read_parameters(struct oip_reader *reader, struct parameters *parameters, struct oip_extension *extension);

/* After the JSON: sets the data of tensors that still need it from `raw_contents` (a span of the body with a
 * list of base64 strings; bytes NULL: absent), and checks that no binary data is left over. */
bool oip_reader_end(struct oip_reader *reader, struct text raw_contents, struct tensors *tensors);
