/* explained_read.c: Records of schemas/explanation.avsc, as the JSON that a gateway answers; see explained.h. */
#include <math.h>

#include "message/avro/avro.h"
#include "message/avro/avro_wire.h"
#include "message/records/explained.h"
#include "message/json/json_write.h"

#define FORMER_SCHEMA UINT64_C(0x4c6522433b0197d1) /* without `scale` */

static bool record_is_former(struct text record)
{
	return avro_is_single_object(record, FORMER_SCHEMA);
}

/* Up to the step: what says of which request it is. */
static struct avro_cursor head_read(struct text record, struct explained_head *head)
{
	const bool known = record_is_former(record) || avro_is_single_object(record, avro_explanation_fingerprint());
	struct avro_cursor cursor = avro_cursor_of(known ? avro_single_object_body(record) : (struct text){"", 0});
	*head = (struct explained_head){.id = avro_read_bytes(&cursor)};
	if (avro_read_small(&cursor) == 1) {
		head->origin.topic = avro_read_bytes(&cursor);
		head->origin.partition = (int32_t)avro_read_long(&cursor);
		head->origin.offset = avro_read_long(&cursor);
	}
	head->pipeline = avro_read_bytes(&cursor);
	return cursor;
}

bool explained_head_read(struct text record, struct explained_head *head)
{
	const struct avro_cursor cursor = head_read(record, head);
	return !avro_failed(&cursor);
}

static void attributions_copy(struct avro_cursor *cursor, struct buffer *out)
{
	bool any = false;
	buffer_string(out, ",\"attributions\":[");
	for (size_t more; (more = avro_read_block(cursor)) > 0;)
		for (; more > 0 && !avro_failed(cursor); more--, any = true) {
			json_write_string_after(out, any ? TEXT(",{\"feature\":") : TEXT("{\"feature\":"), avro_read_bytes(cursor));
			json_write_finite_after(out, ",\"value\":", avro_read_double(cursor));
			json_write_finite_after(out, ",\"contribution\":", avro_read_double(cursor));
			json_write_finite_after(out, ",\"error\":", avro_read_double(cursor));
			buffer_byte(out, '}');
		}
	buffer_byte(out, ']');
}

/* A rule has a precision, which other methods leave out. */
static void rule_copy(struct avro_cursor *cursor, struct buffer *out)
{
	const size_t length = out->length;
	bool any = false;
	buffer_string(out, ",\"rules\":[");
	for (size_t more; (more = avro_read_block(cursor)) > 0;)
		for (; more > 0 && !avro_failed(cursor); more--, any = true)
			json_write_string_after(out, any ? TEXT(",") : TEXT(""), avro_read_bytes(cursor));
	const bool has_rule = avro_read_presence(cursor);
	json_write_finite_after(out, "],\"precision\":", has_rule ? avro_read_double(cursor) : (double)NAN);
	json_write_finite_after(out, ",\"coverage\":", avro_read_finite(cursor));
	out->length = has_rule ? out->length : length;
}

static void versions_skip(struct avro_cursor *cursor)
{
	for (size_t more; (more = avro_read_block(cursor)) > 0;)
		for (; more > 0 && !avro_failed(cursor); more--) {
			(void)avro_read_bytes(cursor);
			(void)avro_read_bytes(cursor);
		}
}

bool explained_record_write_json(struct text record, struct buffer *out)
{
	struct explained_head head;
	struct avro_cursor cursor = head_read(record, &head);
	const size_t length = out->length;
	json_write_string_after(out, TEXT("{\"step\":"), avro_read_bytes(&cursor));
	json_write_string_after(out, TEXT(",\"method\":"), avro_read_bytes(&cursor));
	json_write_string_after(out, TEXT(",\"output\":"), avro_read_bytes(&cursor));
	json_write_finite_after(out, ",\"base_value\":", avro_read_double(&cursor));
	json_write_finite_after(out, ",\"answer\":", avro_read_double(&cursor));
	attributions_copy(&cursor, out);
	json_write_finite_after(out, ",\"residual\":", avro_read_double(&cursor));
	const int64_t calls = avro_read_long(&cursor);
	const bool complete = avro_read_small(&cursor) != 0;
	rule_copy(&cursor, out);
	buffer_print(out, ",\"calls\":%lld,\"complete\":%s", (long long)calls, complete ? "true" : "false");
	versions_skip(&cursor);
	const struct text scale = record_is_former(record) ? (struct text){"", 0} : avro_read_bytes(&cursor);
	if (scale.length > 0)
		json_write_string_after(out, TEXT(",\"scale\":"), scale);
	buffer_byte(out, '}');
	if (avro_failed(&cursor))
		out->length = length;
	return !avro_failed(&cursor) && !buffer_failed(out);
}
