/* snapshot.c: see snapshot.h. */
#include "flow/state/snapshot.h"

#include "base/hash.h"
#include "flow/state/changelog_identity.h"

#define MAGIC "sluice-state"
#define MAGIC_BYTES (sizeof MAGIC - 1)
#define VERSION 1
#define BLOCK_HEAD_BYTES ((size_t)13) /* type, length, checksum */
#define KEYS_AT_ONCE 16		      /* between two looks at how long a block is */
#define SCOPE_UNKNOWN UINT32_MAX      /* of a step that is no more */

static_assert(SNAPSHOT_TOPIC_MAX <= UINT8_MAX, "the head has one byte for a topic's length");

enum block { BLOCK_HEAD = 1, BLOCK_ENTRIES, BLOCK_END };

/* ---- numbers ---- */

static void number_write(struct buffer *out, uint64_t number, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buffer_byte(out, (char)(number >> 8 * i));
}

/* Takes a number off the front; false: the text ends before. */
static bool number_take(struct text *from, size_t bytes, uint64_t *number)
{
	if (from->length < bytes)
		return false;
	*number = 0;
	for (size_t i = bytes; i-- > 0;)
		*number = *number << 8 | (unsigned char)from->bytes[i];
	*from = (struct text){from->bytes + bytes, from->length - bytes};
	return true;
}

static bool text_take(struct text *from, size_t length, struct text *taken)
{
	if (from->length < length)
		return false;
	*taken = (struct text){from->bytes, length};
	*from = (struct text){from->bytes + length, from->length - length};
	return true;
}

/* The type and length of a block are part of what is checked. */
static uint64_t block_checksum(uint64_t chain, unsigned char type, struct text body)
{
	uint64_t seed = hash_bytes(&type, 1, chain) + body.length;
	return hash_bytes(body.bytes, body.length, seed);
}

/* ---- writing ---- */

/* Where a block's own head stands, to be filled in by block_end(). */
static size_t block_begin(struct buffer *out)
{
	size_t at = out->length;
	if (buffer_room(out, BLOCK_HEAD_BYTES))
		buffer_grown(out, BLOCK_HEAD_BYTES);
	return at;
}

static void block_end(struct snapshot_writer *writer, unsigned char type, size_t at, struct buffer *out)
{
	if (buffer_failed(out))
		return;
	size_t end = out->length;
	struct text body = {out->bytes + at + BLOCK_HEAD_BYTES, end - at - BLOCK_HEAD_BYTES};
	writer->chain = block_checksum(writer->chain, type, body);
	out->length = at;
	buffer_byte(out, (char)type);
	number_write(out, body.length, 4);
	number_write(out, writer->chain, 8);
	out->length = end;
}

void snapshot_write_head(struct snapshot_writer *writer, const struct snapshot_head *head, struct store_scopes scopes,
			 struct buffer *out)
{
	buffer_append(out, MAGIC, MAGIC_BYTES);
	buffer_byte(out, VERSION);
	size_t at = block_begin(out), topic = strlen(head->topic);
	assert(topic > 0 && topic <= SNAPSHOT_TOPIC_MAX);
	assert(head->partition >= 0 && scopes.count <= STORE_SCOPES_MAX);
	number_write(out, topic, 1);
	buffer_append(out, head->topic, topic);
	number_write(out, (uint32_t)head->partition, 4);
	number_write(out, (uint64_t)head->offset, 8);
	number_write(out, (uint64_t)head->time_ms, 8);
	number_write(out, scopes.count, 1);
	for (size_t i = 0; i < scopes.count; i++) {
		size_t name = strlen(scopes.names[i]);
		assert(name <= UINT8_MAX); /* names are shorter: metadata_rows.c */
		number_write(out, name, 1);
		buffer_append(out, scopes.names[i], name);
	}
	block_end(writer, BLOCK_HEAD, at, out);
}

struct entries {
	struct buffer *out;
	uint64_t count;
};

static void entry_write(void *context, const struct change *kept)
{
	struct entries *entries = context;
	struct buffer *out = entries->out;
	entries->count++;
	number_write(out, kept->scope, 1);
	number_write(out, kept->key.length, 4);
	number_write(out, kept->value.length, 4);
	buffer_text(out, kept->key);
	buffer_text(out, kept->value);
}

bool snapshot_write_block(struct snapshot_writer *writer, const struct store *store, size_t bytes, struct buffer *out)
{
	assert(bytes > 0); /* otherwise no block would have an entry */
	struct entries entries = {out, 0};
	size_t at = block_begin(out);
	bool more = true;
	while (more && out->length - at < bytes && !buffer_failed(out))
		more = store_show(store, &writer->walk, KEYS_AT_ONCE, entry_write, &entries);
	if (buffer_failed(out))
		return false;
	writer->count += entries.count;
	if (entries.count > 0)
		block_end(writer, BLOCK_ENTRIES, at, out);
	else
		out->length = at;
	if (more)
		return true;
	at = block_begin(out);
	number_write(out, writer->count, 8);
	block_end(writer, BLOCK_END, at, out);
	return false;
}

/* ---- reading ---- */

size_t snapshot_wants(const struct snapshot_reader *reader)
{
	if (reader->whole)
		return 0;
	if (!reader->begun)
		return MAGIC_BYTES + 1;
	return reader->in_block ? reader->length : BLOCK_HEAD_BYTES;
}

static bool damaged(struct error *error, const char *what)
{
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "it is damaged: %s", what);
}

static bool magic_take(struct snapshot_reader *reader, struct text bytes, struct error *error)
{
	struct text magic = {bytes.bytes, MAGIC_BYTES};
	if (!text_equal(magic, TEXT(MAGIC)))
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "it is not a snapshot of a stage");
	unsigned version = (unsigned char)bytes.bytes[MAGIC_BYTES];
	if (version != VERSION)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "it is of version %u, and this sluice reads version %d", version,
				 VERSION);
	reader->begun = true;
	return true;
}

static bool block_head_take(struct snapshot_reader *reader, struct text bytes, struct error *error)
{
	uint64_t type = 0, length = 0;
	(void)(number_take(&bytes, 1, &type) && number_take(&bytes, 4, &length) && number_take(&bytes, 8, &reader->checksum));
	if (type < BLOCK_HEAD || type > BLOCK_END || (type == BLOCK_HEAD) == reader->headed)
		return damaged(error, "a block is of a type that is not allowed there");
	if (length == 0 || length > SNAPSHOT_BLOCK_MAX)
		return damaged(error, "a block is longer or shorter than any that is written");
	reader->type = (unsigned char)type;
	reader->length = length;
	reader->in_block = true;
	return true;
}

/* Every step of the store must be one of the snapshot's: what it does not know of one, the
 * changelog would be read too late for. A snapshot without an identity is of a version that wrote
 * none to the changelog either. */
static bool scopes_take(struct snapshot_reader *reader, struct text *body, const struct store *store, struct error *error)
{
	uint64_t count, length;
	struct text name;
	bool known[STORE_SCOPES_MAX] = {false};
	if (!number_take(body, 1, &count))
		return damaged(error, "its head is cut off");
	for (; reader->scope_count < count; reader->scope_count++) {
		uint32_t *scope = &reader->scopes[reader->scope_count];
		if (!number_take(body, 1, &length) || !text_take(body, length, &name))
			return damaged(error, "its head is cut off");
		*scope = SCOPE_UNKNOWN;
		if (store_scope_find(store, name, scope))
			known[*scope] = true;
	}
	for (size_t i = 0; i < store_scopes(store).count; i++)
		if (!known[i] && strcmp(store_scopes(store).names[i], IDENTITY_SCOPE) != 0)
			return error_set(error, ERROR_SYSTEM, PLACE_NONE, "it was written when the stage had other steps");
	return true;
}

static bool head_take(struct snapshot_reader *reader, struct text body, const struct store *store, struct error *error)
{
	struct snapshot_head *head = &reader->head;
	uint64_t length, partition, offset, time_ms;
	struct text topic;
	if (!number_take(&body, 1, &length) || length >= sizeof head->topic || !text_take(&body, length, &topic) ||
	    !number_take(&body, 4, &partition) || !number_take(&body, 8, &offset) || !number_take(&body, 8, &time_ms))
		return damaged(error, "its head is cut off");
	memcpy(head->topic, topic.bytes, topic.length);
	head->partition = (int32_t)(uint32_t)partition;
	head->offset = (int64_t)offset;
	head->time_ms = (int64_t)time_ms;
	reader->headed = true;
	return scopes_take(reader, &body, store, error) && (body.length == 0 || damaged(error, "its head is too long"));
}

static bool entries_take(struct snapshot_reader *reader, struct text body, struct store *store, struct error *error)
{
	while (body.length > 0) {
		uint64_t scope, key_length, value_length;
		struct text key, value;
		if (!number_take(&body, 1, &scope) || !number_take(&body, 4, &key_length) ||
		    !number_take(&body, 4, &value_length) || scope >= reader->scope_count || !text_take(&body, key_length, &key) ||
		    !text_take(&body, value_length, &value))
			return damaged(error, "an entry is cut off");
		reader->count++;
		if (reader->scopes[scope] != SCOPE_UNKNOWN && !store_restore(store, reader->scopes[scope], key, value, error))
			return false;
	}
	return true;
}

static bool end_take(struct snapshot_reader *reader, struct text body, struct error *error)
{
	uint64_t count;
	reader->whole = number_take(&body, 8, &count) && body.length == 0 && count == reader->count;
	return reader->whole || damaged(error, "its number of keys is not the number in its head");
}

bool snapshot_take(struct snapshot_reader *reader, struct text bytes, struct store *store, struct error *error)
{
	assert(!reader->whole && bytes.length == snapshot_wants(reader));
	if (!reader->begun)
		return magic_take(reader, bytes, error);
	if (!reader->in_block)
		return block_head_take(reader, bytes, error);
	reader->in_block = false;
	reader->chain = block_checksum(reader->chain, reader->type, bytes);
	if (reader->chain != reader->checksum)
		return damaged(error, "a checksum is wrong");
	if (reader->type == BLOCK_HEAD)
		return head_take(reader, bytes, store, error);
	return reader->type == BLOCK_ENTRIES ? entries_take(reader, bytes, store, error) : end_take(reader, bytes, error);
}
