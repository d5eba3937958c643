/* drift_examples.c: see drift_examples.h. */
#include "steps/drift/drift_examples.h"

#include <string.h>

#include "message/json/json_write.h"

#define NAME_BYTES_MAX 256 /* of an id, which whoever sends a request chooses; a longer one is left out */

void drift_examples_see(struct drift_examples *examples, struct text segment, uint64_t before,
			const struct monitor_verdict *verdict)
{
	if (!verdict->drifted || verdict->score <= examples->score || verdict->feature == verdict->feature_count)
		return; /* no single feature makes a row strange to the joint test */
	*examples = (struct drift_examples){.score = verdict->score,
					    .segment = segment,
					    .window = verdict->window,
					    .from = before,
					    .until = before + verdict->rows,
					    .feature = verdict->feature};
}

static bool name_copy(struct text *name, struct arena *arena)
{
	const bool kept = name->length > 0 && name->length <= NAME_BYTES_MAX;
	const char *copy = kept ? arena_copy(arena, name->bytes, name->length) : "";
	*name = (struct text){copy, kept ? name->length : 0};
	return copy;
}

bool drift_examples_add(struct drift_examples *examples, struct text segment, struct drift_example made,
			const struct drift_picture *picture, const struct fit_source *source, struct arena *arena)
{
	if (!text_equal(segment, examples->segment))
		return true;
	const uint64_t number = examples->at++;
	made.strangeness = drift_picture_strangeness(picture, made.value);
	size_t at = examples->count;
	while (at > 0 && examples->items[at - 1].strangeness < made.strangeness)
		at--;
	if (number < examples->from || number >= examples->until || made.strangeness < 0 || at == DRIFT_EXAMPLES)
		return true;
	if (source->name) {
		const struct fit_name name = source->name(source->context);
		made.id = name.id;
		made.origin = name.origin;
	}
	if (!name_copy(&made.id, arena) || !name_copy(&made.origin, arena))
		return false;
	examples->count += examples->count < DRIFT_EXAMPLES;
	memmove(&examples->items[at + 1], &examples->items[at], (examples->count - 1 - at) * sizeof *examples->items);
	examples->items[at] = made;
	return true;
}

/* Null: a category never seen, of which only that is known. */
static void value_put(const struct drift_picture *picture, double value, struct buffer *out)
{
	const struct drift_feature *feature = picture->feature;
	if (!feature->categories)
		json_write_double(out, value);
	else if (value >= 0 && value < (double)feature->category_count)
		json_write_string(out, feature->category_names[(size_t)value]);
	else
		buffer_string(out, "null");
}

void drift_examples_put(const struct drift_examples *examples, const struct drift_picture *picture, struct buffer *out)
{
	json_write_member(out, "{", "segment", examples->segment);
	buffer_print(out, ", \"window\": %llu", (unsigned long long)examples->window);
	json_write_member(out, ", ", "feature", picture->feature->name);
	buffer_string(out, ", \"requests\": [");
	for (size_t i = 0; i < examples->count; i++) {
		const struct drift_example *item = &examples->items[i];
		buffer_print(out, "%s{\"message\": %llu, \"row\": %zu", i ? ", " : "", (unsigned long long)item->message,
			     item->row);
		json_write_member(out, ", ", "id", item->id);
		json_write_member(out, ", ", "origin", item->origin);
		buffer_string(out, ", \"value\": ");
		value_put(picture, item->value, out);
		buffer_byte(out, '}');
	}
	buffer_string(out, "]}");
}
