/* oip_json.c: Row of the OIP V2 JSON format. The reader is in oip_json_read.c, the writer in oip_json_write.c. */
#include "message/formats/oip_json.h"

#include "base/number/number.h"
#include "message/formats/format.h"
#include "message/json/json_form.h"

static bool oip_sniff(const struct message *message, struct text bytes)
{
	return message_header(message, HEADER_OIP_LENGTH) || json_form_of(bytes, message->arena) == JSON_FORM_OIP;
}

static bool oip_decode(struct message *message, struct text bytes, const struct schema_source *schemas, struct error *error)
{
	(void)schemas;
	const struct header *header = message_header(message, HEADER_OIP_LENGTH);
	uint64_t length = 0;
	if (header && (!number_read_uint64(header->value, &length) || length == 0))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the header " OIP_LENGTH_HEADER " is `" TEXT_FORMAT "`; send how many bytes of the body are JSON",
				 TEXT_ARGUMENTS(header->value));
	return oip_json_decode_request(message, bytes, length, error);
}

static bool oip_encode(const struct message *message, const struct answer *answer, const struct schema_source *schemas,
		       struct buffer *out, struct error *error)
{
	(void)schemas;
	return oip_json_encode_answer(message, answer, out, error);
}

const struct format format_oip_json = {
	.name = "json",
	.content_types = {FORMAT_TYPE("application/json"), FORMAT_TYPE("application/vnd.oip.v2+json")},
	.help = "Open Inference Protocol V2 over REST, with its binary-data extension",
	.sniff = oip_sniff,
	.decode = oip_decode,
	.encode = oip_encode,
};
