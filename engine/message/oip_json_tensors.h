/* oip_json_tensors.h: the lists of tensors that OIP V2's JSON has: a request's
 * inputs and a reply's outputs. For oip_json_read.c alone.
 *
 * The keys of an object may come in any order: data that stands before its shape or
 * datatype is passed over and read when they are known. Elements come from data, as
 * binary data behind the JSON, or from raw_input_contents at the end.
 */
#ifndef SLUICE_MESSAGE_OIP_JSON_TENSORS_H
#define SLUICE_MESSAGE_OIP_JSON_TENSORS_H

#include "message/json_scan.h"
#include "message/message.h"

struct oip_waiting;

struct oip_reader {
	struct json_scan scan;
	struct arena *arena;
	struct error *error;
	const char *list;   /* "inputs" or "outputs" */
	bool is_reply;	    /* of a model: taken more leniently */
	bool has_binary;    /* the length of the JSON was given, so binary data may follow */
	struct text binary; /* what no tensor has taken of it yet */
	struct tensors_builder tensors;
	struct oip_waiting *waiting; /* tensors without data so far, the last first */
	bool in_tensor;		     /* for errors: inside one of the list, */
	struct text name;	     /* which is called so, if that is known */
};

/* `body` begins with `header_length` bytes of JSON (0: all of it is JSON). */
bool oip_reader_begin(struct oip_reader *reader, struct text body, size_t header_length, const char *what, struct error *error);

/* The list that the scan stands before. */
bool oip_read_tensors(struct oip_reader *reader);

bool oip_read_other(struct oip_reader *reader, const char *key, enum json_type type);

/* The next value as a string; null is as if `key` were absent, and leaves `text` as
 * it is. */
static inline bool oip_read_string(struct oip_reader *reader, const char *key, struct text *text)
{
	enum json_type type = json_peek(&reader->scan);
	return type == JSON_STRING ? json_text(&reader->scan, text) : oip_read_other(reader, key, type);
}

/* The object of parameters that the scan stands before, without those whose names
 * belong to the binary-data extension: they steer the transport, and end with it.
 * Their values are in `extension`. */
struct oip_extension {
	uint64_t binary_data_size;
	bool has_binary_data_size;
	bool binary_data;
	bool has_binary_data;
	bool binary_data_output;
};
bool oip_read_parameters(struct oip_reader *reader, struct parameters *parameters, struct oip_extension *extension);

/* After the JSON: gives the tensors that wait for it their data from `raw_contents`
 * (a span of the body that holds a list of base64 strings; bytes NULL: absent), and
 * sees that no binary data is left over. */
bool oip_reader_end(struct oip_reader *reader, struct text raw_contents, struct tensors *tensors);

#endif
