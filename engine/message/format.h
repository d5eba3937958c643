/* format.h: the formats that messages arrive and leave in.
 *
 * A format is one row: how it is recognised, how it is read, how an answer is
 * written. Reading fills in a message's payload (and payload_id, wanted, what the
 * format needs to answer alike); tensors borrow from `bytes`, which must outlive
 * the message.
 *
 * Hostile bytes end in an INPUT error that names the tensor and what was wrong; a
 * length is held against what is left before anything is taken for it.
 */
#ifndef SLUICE_MESSAGE_FORMAT_H
#define SLUICE_MESSAGE_FORMAT_H

#include "base/text.h"
#include "message/message.h"

/* What was made of the schemas that a source gave: parsed once, kept for later
 * records. Belongs to one source and one thread. NULL when memory ran out. */
struct avro_cache;
struct avro_cache *avro_cache_open(void);
void avro_cache_close(struct avro_cache *cache); /* NULL is fine */

/* Where schemas come from that a record names: Confluent's id, or the CRC-64-AVRO
 * fingerprint of single-object encoding. `find` gives the schema's JSON, which
 * lives as long as the source; NULL and an error when it is not to be had. */
struct schema_source {
	void *context;
	const char *(*by_id)(void *context, uint32_t id, struct error *error);
	const char *(*by_fingerprint)(void *context, uint64_t fingerprint, struct error *error);
	uint32_t answer_id; /* the id under which our own answer schema is registered; 0: write single-object */
	struct avro_cache *cache; /* NULL: schemas are parsed again for each record */
};

struct format {
	const char *name;          /* as `output.format` and documentation say it */
	const char *content_types; /* words; the first is the one written */
	const char *help;
	bool binary; /* it is not JSON */
	/* Whether these bytes look like it: called in the order of the table. */
	bool (*sniff)(const struct message *message, struct text bytes);
	bool (*decode)(struct message *message, struct text bytes, const struct schema_source *schemas, struct error *error);
	bool (*encode)(const struct message *message, const struct answer *answer, const struct schema_source *schemas,
		       struct buffer *out, struct error *error);
};

/* All of them, sniffed in this order; ends with a row without a name. */
extern const struct format *const format_table[];

const struct format *format_named(struct text name);             /* NULL: none */
const struct format *format_of_content_type(struct text value);  /* ignores parameters behind `;`; NULL: none */

/* By message->format where the way it came says it (a path of the gateway), else by
 * the header content-type, else by a look at the bytes; what looks like nothing is
 * read as JSON, which says what is due. Sets message->format even on failure, so
 * that the error can be answered in kind. A tensor without a name, and two of one name, are
 * INPUT, whatever the format. */
bool message_decode(struct message *message, struct text bytes, const struct schema_source *schemas, struct error *error);

/* In `format`, or that of the request when it is NULL; of the tensors only those that
 * the request asked for (INPUT when it named one that is not there). */
bool answer_encode(const struct message *message, const struct answer *answer, const struct format *format,
		   const struct schema_source *schemas, struct buffer *out, struct error *error);

/* The rows' own names, for the tables and tests. */
extern const struct format format_avro;         /* single-object and Confluent framing */
extern const struct format format_oip_json;     /* with the binary-data extension; see message/oip_json.h */
extern const struct format format_oip_protobuf; /* ModelInferRequest in, ModelInferResponse out */
extern const struct format format_v1;
extern const struct format format_seldon;

#endif
