/* avro.c: Row of the Avro format: selects the reader of a record by the schema with which it was written. */
#include "message/avro/avro.h"

#include "message/avro/avro_foreign.h"
#include "message/avro/avro_writers.h"

static bool avro_sniff(const struct message *message, struct text bytes)
{
	struct avro_name name;
	struct text body;
	(void)message;
	return avro_framing(bytes, &name, &body);
}

static bool wrong_schema(const char *found, const char *wanted, struct error *error)
{
	return error_set(error, ERROR_INPUT, PLACE_NONE,
			 "the record is %s, and here %s is read; send it to the topic where it belongs", found, wanted);
}

/* The schema by which the record was written, which is to be returned; NULL and an error: it names none, or one that cannot be
 * loaded. */
static struct avro_writer *writer_take(struct text bytes, const struct schema_source *schemas, struct text *body,
				       struct error *error)
{
	struct avro_name name;
	if (avro_framing(bytes, &name, body))
		return avro_writer_find(schemas, name, error);
	(void)error_set(error, ERROR_INPUT, PLACE_NONE,
			"an Avro record begins with C3 01 and its schema's fingerprint, or with 00 and its id in a schema "
			"registry, and this does not; send it so");
	return NULL;
}

static __attribute__((noinline)) bool decode_by_name(struct message *message, struct text bytes,
						     const struct schema_source *schemas,
						     struct error *error)
{
	struct text body;
	struct avro_writer *writer = writer_take(bytes, schemas, &body, error);
	if (!writer)
		return false;
	bool good;
	if (writer->owner == AVRO_OWN_REQUEST)
		good = avro_request_read(message, body, error);
	else if (writer->owner == AVRO_OWN_ANSWER)
		good = wrong_schema("an answer", "a request", error);
	else
		good = avro_foreign_request(writer, message, body, error);
	avro_writer_return(schemas, writer);
	return good;
}

static bool avro_decode(struct message *message, struct text bytes, const struct schema_source *schemas, struct error *error)
{
	if (avro_is_single_object(bytes, avro_request_fingerprint()))
		return avro_request_read(message, avro_single_object_body(bytes), error);
	return decode_by_name(message, bytes, schemas, error);
}

bool avro_answer_decode(struct text bytes, const struct schema_source *schemas, struct arena *arena, struct avro_answer *answer,
			struct error *error)
{
	struct text body;
	if (avro_is_single_object(bytes, avro_answer_fingerprint()))
		return avro_answer_read(avro_single_object_body(bytes), arena, answer, error);
	struct avro_writer *writer = writer_take(bytes, schemas, &body, error);
	if (!writer)
		return false;
	bool good;
	if (writer->owner == AVRO_OWN_ANSWER)
		good = avro_answer_read(body, arena, answer, error);
	else if (writer->owner == AVRO_OWN_REQUEST)
		good = wrong_schema("a request", "an answer", error);
	else
		good = avro_foreign_answer(writer, body, arena, answer, error);
	avro_writer_return(schemas, writer);
	return good;
}

const struct format format_avro = {
	.name = "avro",
	.binary = true,
	.content_types = {FORMAT_TYPE("application/avro"), FORMAT_TYPE("avro/binary"),
			  FORMAT_TYPE("application/vnd.apache.avro+binary")},
	.help = "Avro records of schemas/request.avsc and response.avsc, single-object encoded or numbered by a schema registry.",
	.sniff = avro_sniff,
	.decode = avro_decode,
	.encode = avro_answer_encode,
};
