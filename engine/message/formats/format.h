/* format.h: Table of message formats: how each is recognised, read and written.
 *
 * A format is one row. Reading fills in a message's payload, payload_id, wanted, and what the format needs to
 * answer in the same form. Tensors borrow from `bytes`, which must outlive the message.
 *
 * Invalid or malicious bytes end in an INPUT error that names the tensor and the problem. A length is checked
 * against the bytes that are left before anything is allocated for it.
 */
#pragma once

#include "message/message.h"

/* Cache of the parsed schemas of one source, for later records. Belongs to one source and one thread. NULL:
 * memory ran out. */
struct avro_cache;
struct avro_cache *avro_cache_open(void);
void avro_cache_close(struct avro_cache *cache); /* NULL is fine */

/* Source of the schemas that records name by Confluent's id, or by the CRC-64-AVRO fingerprint of single-object
 * encoding. Both functions return the schema's JSON, which lives as long as the source; NULL and an error: it
 * cannot be loaded. */
struct schema_source {
	void *context;
	const char *(*by_id)(void *context, uint32_t id, struct error *error);
	const char *(*by_fingerprint)(void *context, uint64_t fingerprint, struct error *error);
	uint32_t answer_id; /* registered id of the engine's answer schema; 0: write single-object */
	struct avro_cache *cache; /* NULL: schemas are parsed again for each record */
};

#define FORMAT_TYPES_MAX 3
#define FORMAT_TYPE(words) {(words), sizeof(words) - 1}

struct format {
	const char *name;          /* as in `output.format` and the documentation */
	/* The first is written, the last is of this format alone; then bytes NULL. */
	struct text content_types[FORMAT_TYPES_MAX + 1];
	const char *help;
	bool binary; /* not JSON */
	/* Whether the bytes look like this format: called in the order of the table. */
	bool (*sniff)(const struct message *message, struct text bytes);
	bool (*decode)(struct message *message, struct text bytes, const struct schema_source *schemas, struct error *error);
	bool (*encode)(const struct message *message, const struct answer *answer, const struct schema_source *schemas,
		       struct buffer *out, struct error *error);
};

/* All formats, tried in this order; the last row has no name. */
extern const struct format *const format_table[];

const struct format *format_named(struct text name);             /* NULL: none */
const struct format *format_of_content_type(struct text value);  /* ignores parameters after `;`; NULL: none */

/* Decodes by message->format if the transport sets it (a path of the gateway), else by the header content-type,
 * else by the form of the bytes. Bytes of no known form are read as JSON, whose error explains what is
 * expected. Sets message->format also on failure, so that the error can be answered in that format. In every
 * format, a tensor without a name and two of one name are INPUT. */
bool message_decode(struct message *message, struct text bytes, const struct schema_source *schemas, struct error *error);

/* Encodes in `format`, or in that of the request if it is NULL. Only tensors that the request asked for are
 * written (INPUT: it named one that is not there). */
bool answer_encode(const struct message *message, const struct answer *answer, const struct format *format,
		   const struct schema_source *schemas, struct buffer *out, struct error *error);

/* The rows by name, for the tables and tests. */
extern const struct format format_avro;         /* single-object and Confluent framing */
extern const struct format format_oip_json;     /* with the binary-data extension; see message/formats/oip_json.h */
extern const struct format format_oip_protobuf; /* reads ModelInferRequest, writes ModelInferResponse */
extern const struct format format_v1;
extern const struct format format_seldon;
extern const struct format format_seldon_protobuf; /* message/formats/seldon_protobuf.h */
