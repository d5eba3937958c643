/* oip_protobuf.c: Row of the OIP protobuf format, and recognition of its requests. */
#include "message/formats/oip_protobuf.h"

#include "message/formats/protobuf_wire.h"

/* Protobuf has no mark of its own. A ModelInferRequest has nothing at the top but
 * strings and messages of the fields 1 to 7, and an input among them; no JSON is so,
 * nor any framing of Avro. */
static bool oip_protobuf_sniff(const struct message *message, struct text bytes)
{
	enum { INPUTS = 5, LAST = 7 };
	struct protobuf_cursor cursor = protobuf_cursor_of(bytes);
	struct protobuf_field field;
	bool has_input = false;
	(void)message;
	while (protobuf_next(&cursor, &field)) {
		if (field.wire != WIRE_BYTES || field.number > LAST)
			return false;
		has_input = has_input || field.number == INPUTS;
	}
	return has_input && !cursor.failed;
}

const struct format format_oip_protobuf = {
	.name = "oip-protobuf",
	.binary = true,
	.content_types = {FORMAT_TYPE("application/x-protobuf"), FORMAT_TYPE("application/vnd.google.protobuf"),
			  FORMAT_TYPE("application/protobuf")},
	.help = "The Open Inference Protocol's ModelInferRequest and ModelInferResponse in protobuf, as gRPC carries them.",
	.sniff = oip_protobuf_sniff,
	.decode = oip_protobuf_decode,
	.encode = oip_protobuf_encode,
};
