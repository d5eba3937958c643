/* seldon_protobuf_fuzz.c: Seldon v1 in protobuf. What is read, answered as it is, reads as a request again and gives the same
 * answer.
 *
 * seeds: tests/data/seldon-protobuf-*
 */
#include <stdlib.h>

#include "bodies.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message message = {0};
	struct message again = {0};
	fuzz_begin();
	if (!fuzz_decode(&message, &format_seldon_protobuf, (struct text){(const char *)data, size}))
		return 0;
	struct text answer = fuzz_answer(&message);
	if (!fuzz_decode(&again, &format_seldon_protobuf, answer) || !text_equal(answer, fuzz_answer(&again)))
		abort();
	return 0;
}
