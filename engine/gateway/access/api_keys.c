/* api_keys.c: see api_keys.h. */
#include "gateway/access/api_keys.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/random.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/number/number.h"
#include "message/rows.h"

#define DIGEST_BYTES SHA256_DIGEST_LENGTH
#define SLOTS 32768u /* at least three for each key, so a free one is near */
#define ARENA_BYTES_MAX (2 * API_KEYS_FILE_BYTES_MAX)

struct api_key {
	unsigned char digest[DIGEST_BYTES];
	struct text name;
};

struct api_keys {
	struct arena *arena;
	uint64_t secret; /* seed that spreads digests over the slots */
	size_t count;
	uint16_t slots[SLOTS]; /* 1 + the number of a key; 0: free */
	struct api_key keys[API_KEYS_MAX];
};

static bool digest_read(struct text hexadecimal, unsigned char *digest)
{
	if (hexadecimal.length != (size_t)2 * DIGEST_BYTES)
		return false;
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		int high = digit_value(hexadecimal.bytes[2 * i]), low = digit_value(hexadecimal.bytes[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		digest[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* Names appear in logs, and in policies after `key:`. */
static bool name_is_plain(struct text name)
{
	if (name.length == 0 || name.length > API_KEY_NAME_BYTES_MAX)
		return false;
	for (size_t i = 0; i < name.length; i++)
		if (name.bytes[i] <= ' ' || name.bytes[i] > '~')
			return false;
	return true;
}

/* The slot of that digest, or the free one for it. Each comparison on the way takes the same time. */
static size_t slot_find(const struct api_keys *keys, const unsigned char *digest)
{
	size_t slot = hash_bytes(digest, DIGEST_BYTES, keys->secret) % SLOTS;
	while (keys->slots[slot] > 0 && CRYPTO_memcmp(keys->keys[keys->slots[slot] - 1].digest, digest, DIGEST_BYTES) != 0)
		slot = (slot + 1) % SLOTS;
	return slot;
}

static bool line_read(struct api_keys *keys, struct text line, struct place place, struct error *error)
{
	while (line.length > 0 && (line.bytes[line.length - 1] == '\r' || line.bytes[line.length - 1] == ' '))
		line.length--;
	if (line.length == 0 || line.bytes[0] == '#')
		return true;
	const char *colon = memrchr(line.bytes, ':', line.length);
	struct text name = {line.bytes, colon ? (size_t)(colon - line.bytes) : 0};
	struct api_key key;
	if (!name_is_plain(name))
		return error_set(error, ERROR_CONFIG, place,
				 "the line has no name before a colon; write NAME:HASH, a name of 1 to %d characters, no spaces",
				 API_KEY_NAME_BYTES_MAX);
	if (!digest_read((struct text){colon + 1, line.length - name.length - 1}, key.digest))
		return error_set(error, ERROR_CONFIG, place,
				 "no SHA-256 in hexadecimal follows the name; write what `printf %%s KEY | sha256sum` prints");
	if (keys->count == API_KEYS_MAX)
		return error_set(error, ERROR_CONFIG, place, "the file has more than %d keys, which is the limit", API_KEYS_MAX);
	size_t slot = slot_find(keys, key.digest);
	if (keys->slots[slot] > 0)
		return error_set(error, ERROR_CONFIG, place, "the hash is in the file already; give each caller a key of its own");
	key.name = text_copied(keys->arena, name);
	if (!key.name.bytes)
		return error_memory(error, ERROR_SYSTEM, "reading API keys");
	keys->keys[keys->count++] = key;
	keys->slots[slot] = (uint16_t)keys->count;
	return true;
}

static bool lines_read(struct api_keys *keys, const char *file, struct text text, struct error *error)
{
	struct place place = {.file = file, .column = 1};
	while (text.length > 0) {
		place.line++;
		if (!line_read(keys, text_take_until(&text, '\n'), place, error))
			return false;
	}
	return keys->count > 0 || error_set(error, ERROR_CONFIG, (struct place){file, 1, 1}, "the file has no API key in it");
}

struct api_keys *api_keys_read(const char *file, struct text text, struct error *error)
{
	if (text.length > API_KEYS_FILE_BYTES_MAX)
		return error_null(error_set(error, ERROR_CONFIG, (struct place){file, 1, 1},
					    "the file of API keys has more than %zu bytes", API_KEYS_FILE_BYTES_MAX));
	struct api_keys *keys = memory_take(1, sizeof *keys);
	if (!keys || !(keys->arena = arena_open(ARENA_BYTES_MAX)) ||
	    getrandom(&keys->secret, sizeof keys->secret, 0) != (ssize_t)sizeof keys->secret)
		error_memory(error, ERROR_SYSTEM, "reading API keys");
	else if (lines_read(keys, file, text, error))
		return keys;
	api_keys_close(keys);
	return NULL;
}

void api_keys_close(struct api_keys *keys)
{
	if (keys)
		arena_close(keys->arena);
	memory_give(keys);
}

struct text api_keys_find(const struct api_keys *keys, struct text key)
{
	unsigned char digest[DIGEST_BYTES];
	if (key.length < API_KEY_BYTES_LEAST || key.length > API_KEY_BYTES_MAX)
		return (struct text){0};
	SHA256((const unsigned char *)key.bytes, key.length, digest);
	size_t slot = slot_find(keys, digest);
	return keys->slots[slot] > 0 ? keys->keys[keys->slots[slot] - 1].name : (struct text){0};
}

size_t api_keys_count(const struct api_keys *keys)
{
	return keys->count;
}
