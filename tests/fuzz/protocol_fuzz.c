/* protocol_fuzz.c: answers of model servers, in each protocol. What is none is REMOTE (or a
 * LIMIT), and a server's words are found wherever they stand.
 *
 * seeds: tests/data/json/v1-*.json tests/data/json/seldon-*.json
 */
#include <stdlib.h>

#include "bodies.h"
#include "models/calls/protocol.h"

#define SENTENCE_BYTES_MAX ((size_t)128) /* of ours, in place of the words of a page */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum model_protocol protocols[] = {PROTOCOL_OIP_REST, PROTOCOL_OIP_GRPC, PROTOCOL_V1, PROTOCOL_SELDON,
							PROTOCOL_MLFLOW};
	struct text body = {(const char *)data, size};
	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
		struct arena *arena = arena_open((size_t)64 << 20);
		const struct payload request = {0};
		struct payload payload = {0};
		struct error error = {0};
		if (!arena)
			abort();
		bool read = protocol_read(protocols[i], arena, &request, body, 0, &payload, &error);
		if (!read && error.kind != ERROR_REMOTE && error.kind != ERROR_LIMIT)
			abort();
		const struct text words = protocol_words(arena, body);
		if (words.length > size && words.length > SENTENCE_BYTES_MAX)
			abort();
		arena_close(arena);
	}
	return 0;
}
