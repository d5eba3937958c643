/* seldon_puid.c: see seldon_puid.h. */
#include "gateway/calls/seldon_puid.h"

#include "message/json/json_scan.h"
#include "message/json/json_write.h"
#include "message/formats/protobuf_wire.h"

enum { META = 2, META_PUID = 1 }; /* fields of a SeldonMessage, and of its Meta */

/* Enters the meta of a SeldonMessage. False: it has none. */
static bool meta_enter(struct json_scan *scan)
{
	struct text key;
	if (json_peek(scan) != JSON_OBJECT || !json_enter(scan))
		return false;
	while (json_key(scan, &key))
		if (text_is(key, "meta"))
			return json_peek(scan) == JSON_OBJECT && json_enter(scan);
		else
			(void)json_skip(scan);
	return false;
}

bool seldon_puid_write(struct text message, struct text id, struct arena *arena, struct buffer *out)
{
	struct json_scan scan;
	struct error error = {0};
	struct text key;
	json_begin(&scan, message, "the answer", arena, &error);
	if (!meta_enter(&scan))
		return false;
	const size_t head = (size_t)(scan.at - message.bytes);
	bool is_empty = true;
	for (; json_key(&scan, &key); is_empty = false)
		if (text_is(key, "puid") || !json_skip(&scan))
			return false;
	if (scan.failed)
		return false;
	buffer_text(out, (struct text){message.bytes, head});
	json_write_string_after(out, TEXT("\"puid\":"), id);
	buffer_string(out, is_empty ? "" : ",");
	buffer_text(out, (struct text){message.bytes + head, message.length - head});
	return true;
}

/* Fields of a message that occur twice are merged. */
bool seldon_puid_encode(struct text message, struct text id, struct buffer *out)
{
	const struct text meta = protobuf_read_text(message, META);
	struct buffer inner;
	if (protobuf_read_text(meta, META_PUID).length > 0)
		return false;
	buffer_open(&inner, id.length + 16);
	protobuf_write_text(&inner, META_PUID, id);
	buffer_text(out, message);
	protobuf_write_text(out, META, buffer_view(&inner));
	buffer_close(&inner);
	return true;
}
