/* plan_fuzz.c: hostile YAML all the way to a plan: nothing crashes, hangs or takes more
 * memory than the text accounts for; the JSON of a plan is JSON; and the same text gives
 * the same plan.
 *
 * seeds: tests/plan/[a-z]*.yaml tests/lint/[a-z]*.yaml tests/reference/[a-z]*.yaml
 */
#include <stdint.h>
#include <stdlib.h>

#include <jansson.h>

#include "mutate.h"
#include "compiler/plan/plan.h"
#include "steps/kinds.h"

#define ARENA_BYTES ((size_t)256 << 20)
#define CEILING ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* False when memory ran out: then there is nothing to compare. */
static bool plan_text(struct text yaml, struct buffer *text, struct buffer *json)
{
	static const struct plan_view view = {.rate = 10, .acls = true, .targets = true};
	const struct spec_options spec_options = {.kinds = step_kinds, .kind = "Targets"};
	const struct plan_options options = {.kinds = step_kinds};
	struct error error = {0};
	struct spec spec;
	struct plan plan;
	struct arena *arena = arena_open(ARENA_BYTES);
	if (!arena || !spec_open(&spec, &error))
		abort();
	bool made =
		spec_read_text(&spec, "fuzz.yaml", yaml, &spec_options, &error) && plan_make(&spec, &options, arena, &plan, &error);
	if (made) {
		plan_print_text(&plan, &view, text);
		plan_print_json(&plan, &view, json);
		plan_print_dot(&plan, text);
		plan_print_mermaid(&plan, text);
		made = !text->failed && !json->failed;
	} else if (error.kind != ERROR_SYSTEM) {
		abort();
	}
	spec_close(&spec);
	arena_close(arena);
	return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer text, json, again, json_again;
	struct buffer *const buffers[] = {&text, &json, &again, &json_again};
	for (size_t i = 0; i < 4; i++)
		buffer_open(buffers[i], CEILING);
	struct text yaml = {(const char *)data, size};
	if (plan_text(yaml, &text, &json)) {
		json_t *root = json_loadb(json.bytes, json.length, JSON_REJECT_DUPLICATES, NULL);
		if (!root)
			abort();
		json_decref(root);
		if (plan_text(yaml, &again, &json_again) && (!text_equal(buffer_view(&text), buffer_view(&again)) ||
							     !text_equal(buffer_view(&json), buffer_view(&json_again))))
			abort();
	}
	for (size_t i = 0; i < 4; i++)
		buffer_close(buffers[i]);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return mutate_lines(data, size, max, seed);
}
