/* state_fuzz.c: hostile snapshots and hostile records of a changelog: nothing crashes or
 * takes more memory than the bytes account for. By its first byte the input is a
 * snapshot as it is; a list of blocks (type, length, bytes) that get the right checksums,
 * so that what is behind those is reached; or the key and the value of a record.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/hash.h"
#include "flow/state/change.h"
#include "flow/state/snapshot.h"

#define BYTES_MAX ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"a", "b"};

static void snapshot_run(const char *bytes, size_t length)
{
	struct store *store = store_open((struct store_scopes){2, names}, BYTES_MAX);
	struct snapshot_reader reader = {0};
	struct error error = {0};
	size_t before = store_bytes(store), at = 0;
	for (size_t wants; (wants = snapshot_wants(&reader)) > 0 && wants <= length - at; at += wants)
		if (!snapshot_take(&reader, (struct text){bytes + at, wants}, store, &error))
			break;
	/* An entry of 9 bytes may make an item of 64 at most, beside what it says itself. */
	if (store_bytes(store) - before > length * 10 + 4096 || (error.kind != ERROR_NONE && reader.whole))
		abort();
	store_close(store);
}

static void framed_run(const uint8_t *data, size_t size)
{
	struct buffer framed;
	uint64_t chain = 0;
	buffer_open(&framed, BYTES_MAX);
	buffer_string(&framed, "sluice-state");
	buffer_byte(&framed, 1);
	while (size >= 3) {
		uint8_t type = data[0];
		size_t length = (size_t)data[1] | (size_t)data[2] << 8;
		length = length < size - 3 ? length : size - 3;
		chain = hash_bytes(data + 3, length, hash_bytes(&type, 1, chain) + length);
		buffer_byte(&framed, (char)type);
		for (unsigned i = 0; i < 4; i++)
			buffer_byte(&framed, (char)(length >> 8 * i));
		for (unsigned i = 0; i < 8; i++)
			buffer_byte(&framed, (char)(chain >> 8 * i));
		buffer_append(&framed, data + 3, length);
		data += 3 + length;
		size -= 3 + length;
	}
	snapshot_run(framed.bytes, framed.length);
	buffer_close(&framed);
}

static void record_run(const uint8_t *data, size_t size)
{
	size_t key_length = size ? data[0] : 0;
	const char *bytes = (const char *)data + (size > 0);
	size -= size > 0;
	key_length = key_length < size ? key_length : size;
	struct text record_key = {bytes, key_length}, record_value = {bytes + key_length, size - key_length}, scope, key, value;
	struct error error = {0};
	if (!change_read(record_key, record_value, &scope, &key, &value, "fraud", &error))
		return;
	char name[256] = "";
	memcpy(name, scope.bytes, scope.length);
	if (strlen(name) != scope.length)
		return; /* a name with a NUL in it cannot be written again; all others must come out as they came in */
	struct buffer again;
	buffer_open(&again, BYTES_MAX);
	change_write_key(&again, name, key);
	if (!text_equal(buffer_view(&again), record_key))
		abort();
	buffer_clear(&again);
	change_write_value(&again, value);
	if (!text_equal(buffer_view(&again), record_value))
		abort();
	buffer_close(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] % 3 == 0)
		snapshot_run((const char *)data + 1, size - 1);
	else if (data[0] % 3 == 1)
		framed_run(data + 1, size - 1);
	else
		record_run(data + 1, size - 1);
	return 0;
}
