/* grpc_answer_head.c: Headers and trailers of answers by gRPC; see grpc_answer_head.h. */
#include "net/grpc/grpc_answer_head.h"

#include "base/number/number.h"
#include "base/url.h"
#include "net/grpc/grpc_wire.h"
#include "net/grpc/http2.h"

#define WORDS_BYTES ((size_t)8 << 10)
#define LIST_BYTES_MAX ((size_t)256 << 10) /* of a block's fields, decoded: a byte can stand for 4 KiB */
#define FIELD_BYTES ((size_t)32)	   /* what a field counts beside its texts (RFC 9113, 6.5.2) */
#define STATUS_DIGITS 3

bool grpc_head_reader_open(struct grpc_head_reader *reader, struct memory_pool *pool)
{
	*reader = (struct grpc_head_reader){0};
	buffer_open(&reader->words, WORDS_BYTES);
	reader->heap = http2_memory(pool);
	return nghttp2_hd_inflate_new2(&reader->inflater, &reader->heap) == 0;
}

void grpc_head_reader_close(struct grpc_head_reader *reader)
{
	if (reader->inflater)
		nghttp2_hd_inflate_del(reader->inflater);
	buffer_close(&reader->words);
	*reader = (struct grpc_head_reader){0};
}

/* ---- blocks that are known ---- */

/* Whether each byte names an entry (RFC 7541, 6.1). Such a block leaves the tables as they are. */
static bool block_is_of_entries(const unsigned char *bytes, size_t count)
{
	const unsigned char none = 0x80, longer = 0xff;
	if (count == 0 || count > GRPC_BLOCK_BYTES)
		return false;
	for (size_t i = 0; i < count; i++)
		if (bytes[i] <= none || bytes[i] == longer)
			return false;
	return true;
}

static const struct grpc_answer_head *block_find(const struct grpc_head_reader *reader, const unsigned char *bytes, size_t count)
{
	for (size_t i = 0; i < GRPC_BLOCKS_KNOWN; i++) {
		const struct grpc_known_block *known = &reader->known[i];
		if (known->length == count && memcmp(known->bytes, bytes, count) == 0)
			return &known->head;
	}
	return NULL;
}

static void block_remember(struct grpc_head_reader *reader, const unsigned char *bytes, size_t count,
			   const struct grpc_answer_head *head)
{
	struct grpc_known_block *known = &reader->known[reader->next++ % GRPC_BLOCKS_KNOWN];
	memcpy(known->bytes, bytes, count);
	known->length = count;
	known->head = *head;
}

static void blocks_forget(struct grpc_head_reader *reader)
{
	for (size_t i = 0; i < GRPC_BLOCKS_KNOWN; i++)
		reader->known[i].length = 0;
}

/* ---- fields ---- */

/* Fields of a connection of HTTP/1 (RFC 9113, 8.2.2). */
static bool name_is_forbidden(struct text name)
{
	static const char *const names[] = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"};
	return text_is_one_of(name, names, sizeof names / sizeof *names);
}

static bool status_read(struct text value, int *status)
{
	return value.length == STATUS_DIGITS && grpc_status_read(value, status) && *status >= 100;
}

static bool length_read(struct text value, int64_t *length)
{
	return number_read_int64(value, length) && *length >= 0;
}

/* Reads a field of the protocols. False: it breaks a rule. */
static bool field_take(struct grpc_head_reader *reader, struct text name, struct text value, struct grpc_answer_head *head)
{
	if (text_equal_short(name, TEXT(":status")))
		return head->http_status == 0 && status_read(value, &head->http_status);
	if (name.length == 0 || name.bytes[0] == ':' || name_is_forbidden(name))
		return false;
	if (text_equal_short(name, TEXT("content-length")))
		return head->content_length < 0 && length_read(value, &head->content_length);
	if (text_equal_short(name, TEXT("content-type"))) {
		head->has_type = true;
		head->is_grpc = grpc_is_content_type(value);
	} else if (text_equal_short(name, TEXT("grpc-status"))) {
		/* A status that is not a number is UNKNOWN, as the protocol requires. */
		if (!grpc_status_read(value, &head->grpc_status))
			head->grpc_status = GRPC_UNKNOWN;
	} else if (text_equal_short(name, TEXT("grpc-message"))) {
		head->has_words = true;
		buffer_clear(&reader->words);
		url_decode(&reader->words, value);
	}
	return true;
}

static bool field_is_good(const nghttp2_nv *field, bool *regular)
{
	const bool pseudo = field->namelen > 0 && field->name[0] == ':';
	if (pseudo && *regular)
		return false;
	*regular = *regular || !pseudo;
	return nghttp2_check_header_name(field->name, field->namelen) && nghttp2_check_header_value(field->value, field->valuelen);
}

static bool head_break(struct grpc_head_reader *reader, uint32_t fault, const char *reason)
{
	reader->fault = fault;
	reader->reason = reason;
	return false;
}

/* Decodes a block to its end, even if it is malformed: the table must be the server's. */
static bool block_decode(struct grpc_head_reader *reader, const unsigned char *bytes, size_t count, struct grpc_answer_head *head)
{
	size_t list_bytes = 0;
	bool regular = false;
	for (int flags = 0; !(flags & NGHTTP2_HD_INFLATE_FINAL);) {
		nghttp2_nv field;
		ssize_t taken = nghttp2_hd_inflate_hd2(reader->inflater, &field, &flags, bytes, count, 1);
		if (taken == NGHTTP2_ERR_NOMEM)
			return head_break(reader, NGHTTP2_INTERNAL_ERROR, "there is no memory for its headers");
		if (taken < 0)
			return head_break(reader, NGHTTP2_COMPRESSION_ERROR, "its headers cannot be decoded");
		bytes += taken;
		count -= (size_t)taken;
		if (!(flags & NGHTTP2_HD_INFLATE_EMIT))
			continue;
		list_bytes += field.namelen + field.valuelen + FIELD_BYTES;
		if (list_bytes > LIST_BYTES_MAX)
			return head_break(reader, NGHTTP2_ENHANCE_YOUR_CALM, "its headers are too long");
		const struct text name = {(const char *)field.name, field.namelen};
		const struct text value = {(const char *)field.value, field.valuelen};
		head->malformed = head->malformed || !field_is_good(&field, &regular) || !field_take(reader, name, value, head);
	}
	nghttp2_hd_inflate_end_headers(reader->inflater);
	return true;
}

bool grpc_head_read(struct grpc_head_reader *reader, const unsigned char *bytes, size_t count, struct grpc_answer_head *head)
{
	const bool of_entries = block_is_of_entries(bytes, count);
	const struct grpc_answer_head *known = of_entries ? block_find(reader, bytes, count) : NULL;
	if (known) {
		*head = *known;
		return true;
	}
	*head = (struct grpc_answer_head){.grpc_status = GRPC_NO_STATUS, .content_length = -1};
	if (!block_decode(reader, bytes, count, head))
		return false;
	if (!of_entries)
		blocks_forget(reader);
	else if (!head->has_words)
		block_remember(reader, bytes, count, head);
	return true;
}
