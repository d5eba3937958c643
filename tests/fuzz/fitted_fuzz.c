/* fitted_fuzz.c: hostile files of fitted operations: nothing crashes, leaks or hangs; a file is refused as the
 * operator's fault, or what it says runs on rows of numbers and of texts, whose faults are the rows'.
 *
 * seeds: tests/cases-own/operations-from-files/?*.json tests/data/fitted/?*.json
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "mutate.h"
#include "compiler/resources/resource.h"
#include "steps/kinds.h"
#include "steps/prepare/operations.h"

#define ARENA_BYTES ((size_t)512 << 20)
#define ROWS 4
#define COLUMNS 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char yaml[] = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
			   "  - name: s\n    preprocess: [{fitted: f}]\n  output: {steps: [s]}\n";

static bool file_give(void *context, const struct name *file, const char *digest, struct text *content, struct error *error)
{
	(void)file, (void)digest, (void)error;
	*content = *(const struct text *)context;
	return true;
}

/* `x`, `p` and `a` are numbers, `side` and `b` texts. */
static struct payload payload_make(struct arena *arena)
{
	static const double numbers[ROWS * COLUMNS] = {1, -2.5, 0, NAN, 1e300, 7, INFINITY, 3};
	static const struct text texts[ROWS * COLUMNS] = {
		{"buy", 3}, {"sell", 4}, {"", 0}, {"x", 1}, {"a \"b\", c", 8}, {"1", 1}, {"nan", 3}, {"\xC3\xA4", 2}};
	static const char *const names[] = {"x", "p", "a", "side", "b"};
	static const int64_t shape[] = {ROWS, COLUMNS};
	struct tensor *tensors = ARENA_ARRAY(arena, struct tensor, 5);
	const struct tensor **items = ARENA_ARRAY(arena, const struct tensor *, 5);
	for (size_t i = 0; tensors && items && i < 5; i++) {
		tensors[i] = (struct tensor){.name = text_of(names[i]),
					     .datatype = i < 3 ? DATATYPE_FP64 : DATATYPE_BYTES,
					     .shape = shape,
					     .rank = 2,
					     .count = ROWS * COLUMNS,
					     .data = i < 3 ? (const void *)numbers : texts};
		items[i] = &tensors[i];
	}
	return (struct payload){.tensors = {items ? 5 : 0, items}};
}

static void run(const struct step *step, struct arena *arena)
{
	const struct operations *self = step->options;
	const struct scope scope = {0};
	struct error error = {0};
	struct program program;
	struct work work;
	if (!program_make(step, &self->list, step->kind->options[0].rows, arena, &program, &error)) {
		if (error.kind != ERROR_CONFIG && error.kind != ERROR_LIMIT && !arena_failed(arena))
			abort();
		return;
	}
	const struct payload payload = payload_make(arena);
	if (!work_begin(&work, &program, &payload, &scope, arena, &error) || !program_run(&program, &work, &error))
		if (error.kind != ERROR_INPUT && error.kind != ERROR_LIMIT)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text file = {(const char *)data, size};
	const struct file_source files = {&file, file_give};
	const struct spec_options options = {.kinds = step_kinds};
	struct error error = {0};
	struct spec spec;
	struct arena *arena = arena_open(ARENA_BYTES);
	if (!arena || !spec_open(&spec, &error) || !spec_read_text(&spec, "fuzz.yaml", text_of(yaml), &options, &error) ||
	    spec.count != 1)
		abort();
	const struct step_spec *found = ((const struct pipeline_spec *)spec.resources[0]->spec)->steps.items;
	const struct step step = {.kind = found->kind,
				  .name = "s",
				  .pipeline = "p",
				  .options = found->options,
				  .place = found->here,
				  .arena = arena,
				  .files = &files};
	run(&step, arena);
	spec_close(&spec);
	arena_close(arena);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return mutate_json(data, size, max, seed);
}
