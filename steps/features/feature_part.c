/* feature_part.c: see feature_part.h. */
#include "steps/features/feature_part.h"

static bool parts_fail(const struct feature_parts *parts)
{
	return error_memory(parts->error, ERROR_LIMIT, "computing features");
}

static bool refuse_more(const struct feature_parts *parts, const struct feature_program_form *row)
{
	return error_set(parts->error, ERROR_LIMIT, row->call->place,
			 "%s() holds %d messages of one key, the most that are kept; make its duration shorter, or let an "
			 "aggregate step make windows",
			 row->call->name, TRAILING_VALUES_MAX);
}

/* The elements of a series are kept apart, so there must be as many as before. */
static bool elements_fit(const struct feature_parts *parts, const struct feature_program_form *row,
			 const struct feature_slot *found, size_t count)
{
	if (count > FEATURE_ELEMENTS_MAX)
		return error_set(parts->error, ERROR_LIMIT, row->call->place,
				 "%s() is given %zu elements, and of %d at most what came before is kept", row->call->name, count,
				 FEATURE_ELEMENTS_MAX);
	return !found->bytes || found->elements == count ||
	       error_set_tensor(parts->error, row->call->place,
				"%s() is given %zu elements, and %u came before under this key; send as many", row->call->name,
				count, found->elements);
}

/* Texts are kept apart from numbers, so a series is of the one or the other. */
static bool kind_fits(const struct feature_parts *parts, const struct feature_program_form *row, const struct feature_slot *found,
		      bool texts)
{
	bool before = found->capacity == FEATURE_CAPACITY_TEXTS;
	return !found->elements || before == texts ||
	       error_set_tensor(parts->error, row->call->place,
				"%s() is given %s, and %s came before under this key; send the same", row->call->name,
				texts ? "texts" : "numbers", before ? "texts" : "numbers");
}

/* Of one element. */
static size_t rests_bytes(const struct feature_program_form *row, uint32_t capacity)
{
	const struct trailing form = trailing_rests_form(&row->form.window);
	return trailing_bytes(&form, capacity);
}

bool feature_part_measure(const struct feature_program_form *row, const struct feature_slot *slot, struct feature_part *part)
{
	if (!slot->elements || slot->capacity == FEATURE_CAPACITY_TEXTS)
		return false;
	const size_t lane_bytes = feature_bytes(&row->form, slot->capacity);
	const bool exact = slot->size_bytes != slot->elements * lane_bytes;
	if (exact &&
	    (row->form.kept != KEPT_WINDOW || slot->size_bytes != slot->elements * (lane_bytes + rests_bytes(row, slot->capacity))))
		return false;
	part->slot = *slot;
	part->lane_bytes = lane_bytes;
	part->exact = exact;
	return true;
}

/* What counts still of what is kept: nothing, where all of it has left its window, so that another kind of series may
 * begin there. */
static struct feature_part part_find(const struct feature_parts *parts, size_t form)
{
	const struct feature_program_form *row = &parts->program->forms[form];
	struct feature_slot slot;
	struct feature_part found = {0};
	if (!feature_state_find(&parts->before, row->keeps, form, &slot) || !slot.elements)
		return found;
	found.slot = slot;
	bool counts = slot.capacity == FEATURE_CAPACITY_TEXTS
			      ? trailing_texts_whole(slot.bytes, slot.size_bytes) &&
					!trailing_texts_spent(&row->form.window, slot.bytes, parts->newest_ms)
			      : feature_part_measure(row, &slot, &found) &&
					!feature_spent(&row->form, slot.bytes, slot.capacity, parts->newest_ms);
	return counts ? found : (struct feature_part){0};
}

char *feature_part_rests(const struct feature_program_form *row, const struct feature_part *part, size_t lane)
{
	return part->bytes + part->slot.elements * part->lane_bytes + lane * rests_bytes(row, part->slot.capacity);
}

/* Puts rests behind a part that has none, of 0: its message has others. What was remembered already does not hold them, so
 * that all parts are remembered anew in the end. */
static bool part_widen(struct feature_parts *parts, size_t form)
{
	const struct feature_program_form *row = &parts->program->forms[form];
	struct feature_part *part = &parts->items[form];
	for (size_t i = 0; parts->in_place && i < parts->program->form_count; i++) {
		struct feature_part *other = &parts->items[i];
		char *copy = arena_take_raw(parts->arena, other->slot.size_bytes);
		if (!copy)
			return parts_fail(parts);
		memcpy(copy, other->bytes, other->slot.size_bytes);
		other->slot.bytes = other->bytes = copy;
	}
	parts->in_place = false;
	const size_t elements = part->slot.elements;
	const size_t size = part->slot.size_bytes + elements * rests_bytes(row, part->slot.capacity);
	char *bytes = arena_take(parts->arena, size, 1);
	if (!bytes)
		return parts_fail(parts);
	memcpy(bytes, part->bytes, part->slot.size_bytes);
	part->slot.bytes = part->bytes = bytes;
	part->slot.size_bytes = (uint32_t)size;
	part->exact = true;
	for (size_t lane = 0; lane < elements; lane++)
		trailing_rests_begin(&row->form.window, feature_part_lane(bytes, lane, part->lane_bytes), part->slot.capacity,
				     feature_part_rests(row, part, lane));
	return true;
}

/* The rests of what was found, where the part has another capacity. */
static void rests_move(const struct feature_program_form *row, const struct feature_part *found, const struct feature_part *part)
{
	const struct trailing form = trailing_rests_form(&row->form.window);
	const struct feature_slot *from = &found->slot;
	const char *old = (const char *)from->bytes + from->elements * found->lane_bytes;
	for (size_t lane = 0; lane < from->elements; lane++)
		trailing_move(&form, feature_part_lane(old, lane, rests_bytes(row, from->capacity)), from->capacity,
			      feature_part_rests(row, part, lane), part->slot.capacity);
}

/* Copies what is kept, with room for one message more. */
static bool part_take(struct feature_parts *parts, size_t form, size_t elements)
{
	const struct feature_program_form *row = &parts->program->forms[form];
	struct feature_part *part = &parts->items[form];
	const struct feature_part before = part_find(parts, form);
	const struct feature_slot *found = &before.slot;
	if (!kind_fits(parts, row, found, false) || !elements_fit(parts, row, found, elements))
		return false;
	uint32_t capacity = feature_capacity(&row->form, found->bytes, found->capacity, parts->newest_ms);
	if (capacity > TRAILING_VALUES_MAX)
		return refuse_more(parts, row);
	bool same = found->bytes && capacity == found->capacity;
	const size_t lane_bytes = feature_bytes(&row->form, capacity);
	const size_t size = elements * (lane_bytes + (before.exact ? rests_bytes(row, capacity) : 0));
	char *bytes = same ? arena_take_raw(parts->arena, size) : arena_take(parts->arena, size, 1);
	if (!bytes)
		return parts_fail(parts);
	if (same)
		memcpy(bytes, found->bytes, size);
	for (size_t lane = 0; found->bytes && !same && lane < elements; lane++)
		feature_move(&row->form, feature_part_lane(found->bytes, lane, before.lane_bytes), found->capacity,
			     bytes + lane * lane_bytes, capacity);
	*part = (struct feature_part){.slot = {.keeps = row->keeps,
					       .size_bytes = (uint32_t)size,
					       .elements = (uint16_t)elements,
					       .capacity = (uint16_t)capacity,
					       .bytes = bytes},
				      .bytes = bytes,
				      .lane_bytes = lane_bytes,
				      .exact = before.exact};
	if (before.exact && !same)
		rests_move(row, &before, part);
	return true;
}

/* The window of texts with this message in it. */
static bool texts_take(struct feature_parts *parts, size_t form, const struct trailing_input *input)
{
	const struct feature_program_form *row = &parts->program->forms[form];
	struct feature_part *part = &parts->items[form];
	const struct feature_slot found = part_find(parts, form).slot;
	if (!trailing_texts_fit(row->call, input, parts->error) || !kind_fits(parts, row, &found, true) ||
	    !elements_fit(parts, row, &found, input->count))
		return false;
	const struct trailing_row message = {.texts = parts->counts ? input->texts : NULL,
					     .series = input->count,
					     .time_ms = parts->time_ms,
					     .newest_ms = parts->newest_ms};
	size_t size = trailing_texts_bytes(&row->form.window, found.bytes, &message);
	if (!size)
		return refuse_more(parts, row);
	char *bytes = arena_take(parts->arena, size, 1);
	if (!bytes)
		return parts_fail(parts);
	trailing_texts_write(&row->form.window, found.bytes, &message, bytes);
	*part = (struct feature_part){.slot = {.keeps = row->keeps,
					       .size_bytes = (uint32_t)size,
					       .elements = (uint16_t)input->count,
					       .capacity = FEATURE_CAPACITY_TEXTS,
					       .bytes = bytes},
				      .bytes = bytes};
	return true;
}

static bool keeps_texts(const struct feature_program_form *row, const struct trailing_input *input)
{
	return input->texts && row->form.texts == TEXTS_KEPT;
}

static void rest_add(const struct feature_parts *parts, const struct feature_program_form *row, const struct feature_part *part,
		     size_t lane, double rest)
{
	const struct trailing form = trailing_rests_form(&row->form.window);
	trailing_add(&form, feature_part_rests(row, part, lane), part->slot.capacity, parts->time_ms, parts->newest_ms, rest);
}

bool feature_parts_update(struct feature_parts *parts, size_t form, const struct trailing_input *input)
{
	assert(form < parts->program->form_count);
	const struct feature_program_form *row = &parts->program->forms[form];
	struct feature_part *part = &parts->items[form];
	if (keeps_texts(row, input))
		return part->bytes ? kind_fits(parts, row, &part->slot, true) && elements_fit(parts, row, &part->slot, input->count)
				   : texts_take(parts, form, input);
	if (!(part->bytes ? elements_fit(parts, row, &part->slot, input->count) : part_take(parts, form, input->count)))
		return false;
	if (part->updated)
		return true;
	if (input->rests && !part->exact && !part_widen(parts, form))
		return false;
	part->updated = true;
	for (size_t lane = 0; parts->counts && lane < input->count; lane++) {
		double inputs[FEATURE_INPUTS_MAX];
		feature_part_inputs(input, lane, inputs);
		feature_update(&row->form, part->bytes + lane * part->lane_bytes, part->slot.capacity, parts->time_ms,
			       parts->newest_ms, inputs);
		if (part->exact)
			rest_add(parts, row, part, lane, isnan(inputs[0]) ? (double)NAN : input->rests ? input->rests[lane] : 0);
	}
	return true;
}
