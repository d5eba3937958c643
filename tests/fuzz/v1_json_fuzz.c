/* v1_json_fuzz.c: V1 JSON. What is read, answered as it is, reads as a request again
 * and gives the same answer.
 *
 * seeds: tests/data/json/v1-*.json
 */
#include <stdlib.h>

#include "bodies.h"

/* Lists without elements do not show how many they were. */
static bool all_have_elements(struct tensors tensors)
{
	for (size_t i = 0; i < tensors.count; i++)
		if (tensors.items[i]->count == 0)
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message message = {0};
	struct message again = {0};
	fuzz_begin();
	if (!fuzz_decode(&message, &format_v1, (struct text){(const char *)data, size}) ||
	    !all_have_elements(message.payload.tensors))
		return 0;
	struct text answer = fuzz_answer(&message);
	struct text request = message.v1_columns ? fuzz_replace(answer, TEXT("{\"outputs\":"), TEXT("{\"inputs\":"))
						 : fuzz_replace(answer, TEXT("{\"predictions\":"), TEXT("{\"instances\":"));
	if (!fuzz_decode(&again, &format_v1, request) || !text_equal(answer, fuzz_answer(&again)))
		abort();
	return 0;
}
