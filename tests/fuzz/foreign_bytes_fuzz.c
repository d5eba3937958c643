/* foreign_bytes_fuzz.c: hostile bytes of other programs: files of NumPy, replies of a mail server, headers of Kafka's records, and
 * requests and answers that go through the relay of the embedded broker. Nothing crashes or is read beyond its end; of the headers
 * of a record both readers say the same. The first byte chooses.
 *
 * seeds: tests/data/fuzz/foreign-*.bin
 */
#include <stdlib.h>

#include "bodies.h"
#include "kafka/consume/header_block.h"
#include "kafka/embedded/relay_protocol.h"
#include "message/formats/npy.h"
#include "net/http/mail_replies.h"

#define OUT_BYTES ((size_t)1 << 24)
#define RECIPIENTS 3

static volatile double seen;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static uint8_t byte_take(struct text *rest)
{
	const uint8_t byte = rest->length > 0 ? (uint8_t)*rest->bytes : 0;
	*rest = text_from(*rest, rest->length > 0);
	return byte;
}

/* A number before bytes of that length; fewer if there are not so many. */
static struct text text_take(struct text *rest, size_t length)
{
	const struct text text = {rest->bytes, length < rest->length ? length : rest->length};
	*rest = text_from(*rest, text.length);
	return text;
}

/* ---- .npy ---- */

static void npy_run(struct text bytes)
{
	struct error error = {0};
	const struct tensor *tensor = npy_read(TEXT("x"), bytes, fuzz_arena(), &error);
	must(tensor || error.kind == ERROR_INPUT || error.kind == ERROR_LIMIT);
	for (size_t i = 0; tensor && i < tensor->count; i++) {
		if (tensor->datatype != DATATYPE_BYTES) {
			seen = tensor_number(tensor, i);
			continue;
		}
		const struct text element = ((const struct text *)tensor->data)[i];
		for (size_t j = 0; j < element.length; j++)
			seen = element.bytes[j];
	}
}

/* ---- mail ---- */

/* Lines that begin with `>` are commands that were sent, the others are those of the server. */
static void mail_run(struct text lines)
{
	struct post_recipient items[RECIPIENTS] = {{.address = "a@b"}, {.address = "c@d"}, {.address = "e@f"}};
	const struct post_recipients recipients = {RECIPIENTS, items};
	struct mail_replies replies = mail_replies_begin(&recipients);
	struct error error = {0};
	const enum post_outcome mail = byte_take(&lines) % 2 == 0 ? POST_DELIVERED : POST_UNREACHABLE;
	while (lines.length > 0) {
		const struct text line = text_take_until(&lines, '\n');
		if (line.length > 0 && line.bytes[0] == '>')
			mail_replies_command(&replies, text_from(line, 1));
		else if (!mail_replies_line(&replies, line))
			break;
		must(strlen(replies.reply) < sizeof replies.reply);
	}
	must(!mail_replies_refuse(&replies) || mail_replies_complain(&replies));
	const enum post_outcome all = mail_replies_settle(&replies, mail, &error);
	for (size_t i = 0; i < RECIPIENTS; i++) {
		must(strlen(items[i].reply) < sizeof items[i].reply);
		must(items[i].outcome != POST_UNREACHABLE || all == POST_UNREACHABLE);
	}
	must(all == POST_DELIVERED || mail != POST_DELIVERED || error.text[0]);
}

/* ---- headers of a record ---- */

static void varint_put(struct buffer *out, int64_t number)
{
	uint64_t rest = (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0);
	for (; rest >= 0x80; rest >>= 7)
		buffer_byte(out, (char)(rest | 0x80));
	buffer_byte(out, (char)rest);
}

/* The last header of that name. */
static struct text header_last(struct headers headers, struct text name)
{
	struct text value = {0};
	for (size_t i = 0; i < headers.count; i++)
		if (text_equal_caseless(headers.items[i].name, name))
			value = headers.items[i].value;
	return value;
}

static void block_check(struct text block)
{
	struct headers headers;
	struct text value;
	const bool is_read = header_block_read(block, fuzz_arena(), &headers);
	must(is_read == header_block_value(block, TEXT("x"), &value) || arena_failed(fuzz_arena()));
	for (size_t i = 0; is_read && i < headers.count; i++) {
		const struct text name = headers.items[i].name;
		must(name.bytes[name.length] == '\0');
		must(header_block_value(block, name, &value) && text_equal(value, header_last(headers, name)));
	}
}

/* A record of format 2 with these headers, as Kafka keeps it. */
static void record_run(struct text rest)
{
	struct buffer body, out;
	const uint8_t before = byte_take(&rest), key_bytes = byte_take(&rest), value_bytes = byte_take(&rest);
	const struct text times = text_take(&rest, 2 * sizeof(int64_t));
	int64_t numbers[2] = {0};
	memcpy(numbers, times.bytes, times.length);
	const struct text key = text_take(&rest, key_bytes), value = text_take(&rest, value_bytes);
	buffer_open(&body, OUT_BYTES);
	buffer_open(&out, OUT_BYTES);
	buffer_byte(&body, 0);
	varint_put(&body, numbers[0]);
	varint_put(&body, numbers[1]);
	varint_put(&body, key.length > 0 ? (int64_t)key.length : -1);
	const size_t key_at = body.length;
	buffer_text(&body, key);
	varint_put(&body, (int64_t)value.length);
	const size_t value_at = body.length;
	buffer_text(&body, value);
	buffer_text(&body, rest);
	for (size_t i = 0; i < 8; i++)
		buffer_byte(&out, (char)before);
	varint_put(&out, (int64_t)body.length);
	const size_t begin = out.length;
	buffer_text(&out, buffer_view(&body));
	must(!buffer_failed(&out));
	/* Its own end, so that what is read behind it is noticed. */
	char *bytes = malloc(out.length);
	must(bytes);
	memcpy(bytes, out.bytes, out.length);
	const struct text own_key = {key.length > 0 ? bytes + begin + key_at : NULL, key.length};
	const struct text own_value = {bytes + begin + value_at, value.length};
	struct text block;
	const bool is_found = header_block_find(own_key, own_value, &block);
	const bool is_record = rest.length > 0; /* it has the number of its headers at least */
	must(!is_record || is_found == (value.length > 0));
	if (is_found && is_record) {
		must(block.bytes == own_value.bytes + value.length && block.length <= rest.length);
		block_check(block);
	}
	free(bytes);
	block_check(rest);
	buffer_close(&body);
	buffer_close(&out);
}

/* ---- the relay ---- */

static int16_t topic_make(void *context, struct text name, int32_t partitions)
{
	(void)context;
	must(name.length > 0 && partitions > 0 && partitions <= RELAY_PARTITIONS_MAX);
	return 0;
}

/* A length of two bytes, the request of it, and the broker's answer. */
static void relay_run(struct text rest)
{
	const struct relay_topics topics = {.make = topic_make};
	const size_t low = byte_take(&rest), high = byte_take(&rest);
	const struct relay_request request = relay_request_read(text_take(&rest, low | high << 8));
	struct buffer out;
	bool all = false;
	if (request.header.length == 0)
		return;
	buffer_open(&out, OUT_BYTES);
	(void)relay_is_silent(&request);
	(void)relay_answer(&request, &topics, &out);
	relay_ask(&request, &all, &out);
	(void)relay_change(&request, all, rest, "127.0.0.1", 9092, &out);
	buffer_close(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const runs[])(struct text) = {npy_run, mail_run, record_run, relay_run};
	if (size == 0)
		return 0;
	fuzz_begin();
	runs[data[0] % (sizeof runs / sizeof *runs)]((struct text){(const char *)data + 1, size - 1});
	return 0;
}
