/* reference.c: see reference.h. */
#include "compiler/graph/reference.h"

#include "base/suggest.h"

#define PARTS_INSIDE 3	/* step.outputs.tensor */
#define PARTS_OUTSIDE 5 /* pipeline.step.name.outputs.tensor */

struct reference_parts {
	size_t count; /* one more than there is room for: too many */
	struct text items[PARTS_OUTSIDE + 1];
};

static struct reference_parts parts_of(struct text text)
{
	struct reference_parts parts = {0};
	const char *begin = text.bytes, *end = text.bytes + text.length;
	while (parts.count < sizeof parts.items / sizeof *parts.items) {
		const char *dot = memchr(begin, '.', (size_t)(end - begin));
		parts.items[parts.count++] = (struct text){begin, (size_t)((dot ? dot : end) - begin)};
		if (!dot)
			break;
		begin = dot + 1;
	}
	return parts;
}

static bool any_empty(const struct reference_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		if (parts->items[i].length == 0)
			return true;
	return false;
}

static enum reference_point point_of(struct text part)
{
	if (text_is(part, "inputs"))
		return POINT_INPUTS;
	return text_is(part, "outputs") ? POINT_OUTPUTS : POINT_NONE;
}

/* The word that should have been `inputs` or `outputs`, mended where it is near to one
 * of them; else it was a tensor, and the `outputs` is missing before it. */
static const char *mended(struct arena *arena, struct text text, struct text wrong)
{
	struct suggestion suggestion = suggest_begin(wrong);
	suggest_offer(&suggestion, TEXT("inputs"));
	suggest_offer(&suggestion, TEXT("outputs"));
	struct text before = {text.bytes, (size_t)(wrong.bytes - text.bytes)};
	struct text after = {wrong.bytes + wrong.length, text.length - before.length - wrong.length};
	if (suggestion.nearest.bytes)
		return arena_print(arena, TEXT_FORMAT TEXT_FORMAT TEXT_FORMAT, TEXT_ARGUMENTS(before),
				   TEXT_ARGUMENTS(suggestion.nearest), TEXT_ARGUMENTS(after));
	if (after.length)
		return NULL;
	return arena_print(arena, TEXT_FORMAT "outputs." TEXT_FORMAT, TEXT_ARGUMENTS(before), TEXT_ARGUMENTS(wrong));
}

/* What follows the owner: a point, and perhaps a tensor. */
static bool tail_read(struct text text, const struct text *tail, size_t count, struct reference *reference, struct arena *arena,
		      const char **why, const char **suggest)
{
	if (count == 0)
		return true;
	reference->point = point_of(tail[0]);
	if (reference->point == POINT_NONE) {
		*why = arena_print(arena, "has `" TEXT_FORMAT "` in place of `inputs` or `outputs`", TEXT_ARGUMENTS(tail[0]));
		*suggest = mended(arena, text, tail[0]);
		return false;
	}
	if (count > 1)
		reference->tensor = tail[1];
	return true;
}

static bool whole_read(const struct reference_parts *parts, size_t most, const char *forms, struct arena *arena, const char **why,
		       const char **suggest)
{
	*why = *suggest = NULL;
	if (any_empty(parts))
		*why = arena_print(arena, "has an empty part; %s", forms);
	else if (parts->count > most)
		*why = arena_print(arena, "has too many parts; %s", forms);
	return *why == NULL;
}

bool reference_read(struct text text, struct reference *reference, struct arena *arena, const char **why, const char **suggest)
{
	*reference = (struct reference){0};
	struct reference_parts parts = parts_of(text);
	reference->owner = parts.items[0];
	return whole_read(&parts, PARTS_INSIDE, "it is STEP, STEP.outputs or STEP.outputs.TENSOR (or inputs)", arena, why,
			  suggest) &&
	       tail_read(text, parts.items + 1, parts.count - 1, reference, arena, why, suggest);
}

bool reference_read_external(struct text text, struct reference *reference, struct arena *arena, const char **why,
			     const char **suggest)
{
	*reference = (struct reference){0};
	struct reference_parts parts = parts_of(text);
	reference->owner = parts.items[0];
	bool of_step = parts.count > 1 && text_is(parts.items[1], "step");
	const char *forms = "it is PIPELINE.outputs[.TENSOR] or PIPELINE.step.STEP.outputs[.TENSOR] (or inputs)";
	if (!whole_read(&parts, of_step ? PARTS_OUTSIDE : PARTS_INSIDE, forms, arena, why, suggest))
		return false;
	if (!of_step)
		return tail_read(text, parts.items + 1, parts.count - 1, reference, arena, why, suggest);
	if (parts.count < 4) {
		*why = "does not name `inputs` or `outputs` of the step";
		*suggest = parts.count == 3 ? arena_print(arena, TEXT_FORMAT ".outputs", TEXT_ARGUMENTS(text)) : NULL;
		return false;
	}
	reference->step = parts.items[2];
	return tail_read(text, parts.items + 3, parts.count - 3, reference, arena, why, suggest);
}
