/* artifact.c: see artifact.h. */
#include "control/artifacts/artifact.h"

#include <stdio.h>

#include <openssl/sha.h>

#include "base/hash.h"
#include "base/hexadecimal.h"
#include "base/number/number.h"

#define DIGEST_SCHEME "sha256:"

static _Atomic uint64_t schema_name;

static const struct record_field chunk_fields[] = {
	{.type = RECORD_FIELD_TEXT, .offset = offsetof(struct artifact_chunk, digest)},
	{.type = RECORD_FIELD_NUMBER, .offset = offsetof(struct artifact_chunk, chunk)},
	{.type = RECORD_FIELD_NUMBER, .offset = offsetof(struct artifact_chunk, size_bytes)},
	{.type = RECORD_FIELD_TEXT, .offset = offsetof(struct artifact_chunk, bytes)},
	{.type = RECORD_FIELD_END},
};
const struct record_form artifact_form = {"artifact", "chunk of a file", chunk_fields, sizeof(struct artifact_chunk), &schema_name,
					  {0}};

struct artifact artifact_of(struct text content)
{
	unsigned char bytes[SHA256_DIGEST_LENGTH];
	struct artifact artifact = {.size_bytes = content.length};
	SHA256((const unsigned char *)(content.length > 0 ? content.bytes : ""), content.length, bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		(void)snprintf(artifact.digest + 2 * i, 3, "%02x", bytes[i]);
	return artifact;
}

/* ---- chunks ---- */

void artifact_outline_make(struct text content, struct artifact_outline *outline)
{
	*outline = (struct artifact_outline){.artifact = artifact_of(content)};
	for (size_t i = 0; i < artifact_chunk_count(&outline->artifact); i++) {
		struct text slice = artifact_slice(content, i);
		outline->chunks[i] = hash_bytes(slice.bytes, slice.length, 0);
	}
}

size_t artifact_chunk_count(const struct artifact *artifact)
{
	size_t count = (artifact->size_bytes + ARTIFACT_CHUNK_BYTES - 1) / ARTIFACT_CHUNK_BYTES;
	return count > 0 ? count : 1;
}

struct text artifact_slice(struct text content, size_t chunk)
{
	size_t begin = chunk * ARTIFACT_CHUNK_BYTES, left = content.length > begin ? content.length - begin : 0;
	if (left == 0)
		return TEXT("");
	return (struct text){content.bytes + begin, left < ARTIFACT_CHUNK_BYTES ? left : ARTIFACT_CHUNK_BYTES};
}

void artifact_key(const char *digest, size_t chunk, struct buffer *out)
{
	buffer_print(out, "%s/%zu", digest, chunk);
}

static bool text_is_digest(struct text text)
{
	return text.length == ARTIFACT_DIGITS && text_is_hexadecimal(text);
}

bool artifact_key_read(struct text key, struct text *digest, size_t *chunk)
{
	uint64_t number;
	*digest = text_take_until(&key, '/');
	if (!text_is_digest(*digest) || !number_read_uint64(key, &number) || number >= ARTIFACT_CHUNKS_MAX)
		return false;
	*chunk = (size_t)number;
	return true;
}

/* ---- labels ---- */

bool artifact_label_make(const char *name, const struct artifact *artifact, struct arena *arena, struct control_label *label)
{
	const char *key = arena_print(arena, "%s%s", ARTIFACT_LABEL, name);
	const char *value = arena_print(arena, "%s%s/%zu", DIGEST_SCHEME, artifact->digest, artifact->size_bytes);
	if (!key || !value)
		return false;
	*label = (struct control_label){text_of(key), text_of(value)};
	return true;
}

bool artifact_label_read(const struct control_label *label, struct text *name, struct artifact *artifact)
{
	struct text rest = label->value;
	uint64_t size;
	if (!text_starts_with(label->key, TEXT(ARTIFACT_LABEL)) || !text_starts_with(rest, TEXT(DIGEST_SCHEME)))
		return false;
	rest.bytes += strlen(DIGEST_SCHEME);
	rest.length -= strlen(DIGEST_SCHEME);
	struct text digest = text_take_until(&rest, '/');
	if (!text_is_digest(digest) || !number_read_uint64(rest, &size) || size > ARTIFACT_BYTES_MAX)
		return false;
	*name = (struct text){label->key.bytes + strlen(ARTIFACT_LABEL), label->key.length - strlen(ARTIFACT_LABEL)};
	*artifact = (struct artifact){.size_bytes = (size_t)size};
	memcpy(artifact->digest, digest.bytes, digest.length);
	return true;
}

static bool version_names(const struct control_version *version, struct text digest)
{
	const struct control_label *labels = version->labels.items;
	struct artifact artifact;
	struct text name;
	for (size_t i = 0; i < version->labels.count; i++)
		if (artifact_label_read(&labels[i], &name, &artifact) && text_is(digest, artifact.digest))
			return true;
	return false;
}

bool artifact_is_named(const struct ledger *ledger, struct text digest)
{
	const struct ledger_resource *resource;
	LIST_EACH_RESOURCE(ledger, resource)
	{
		for (size_t i = 0; i < resource->count; i++)
			if (version_names(&resource->versions[i]->record, digest))
				return true;
	}
	return false;
}

static void version_artifacts(const struct control_version *version, struct artifact *artifacts, size_t *count)
{
	const struct control_label *labels = version->labels.items;
	struct artifact artifact;
	struct text name;
	for (size_t i = 0; i < version->labels.count; i++)
		if (artifact_label_read(&labels[i], &name, &artifact)) {
			if (artifacts)
				artifacts[*count] = artifact;
			++*count;
		}
}

/* Counts them; with `artifacts`, copies them too. */
static size_t ledger_artifacts(const struct ledger *ledger, struct artifact *artifacts)
{
	const struct ledger_resource *resource;
	size_t count = 0;
	LIST_EACH_RESOURCE(ledger, resource)
	{
		for (size_t i = 0; i < resource->count; i++)
			version_artifacts(&resource->versions[i]->record, artifacts, &count);
	}
	return count;
}

bool artifacts_named(const struct ledger *ledger, struct arena *arena, struct artifact **artifacts, size_t *count)
{
	*count = ledger_artifacts(ledger, NULL);
	*artifacts = ARENA_ARRAY(arena, struct artifact, *count + 1);
	if (*artifacts)
		(void)ledger_artifacts(ledger, *artifacts);
	return *artifacts != NULL;
}
