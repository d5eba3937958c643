/* mutate_json.c: see mutate.h: values change, and are swapped, repeated, moved and left out; what comes is JSON. */
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mutate.h"

#define SLOTS_MAX 4096
#define CHANGES_MAX 4
#define DEPTH_MAX 64 /* a value put into itself again and again grows no deeper */

/* Where a value stands. */
struct slot {
	json_t *parent;
	const char *key; /* NULL: in a list */
	size_t index;
};

struct slots {
	struct slot items[SLOTS_MAX];
	size_t count;
};

static void slot_add(struct slots *slots, json_t *parent, const char *key, size_t index)
{
	if (slots->count < SLOTS_MAX)
		slots->items[slots->count++] = (struct slot){parent, key, index};
}

static void slots_find(struct slots *slots, json_t *value, size_t depth)
{
	const char *key;
	json_t *item;
	size_t index;
	if (depth == DEPTH_MAX)
		return;
	json_object_foreach(value, key, item)
	{
		slot_add(slots, value, key, 0);
		slots_find(slots, item, depth + 1);
	}
	json_array_foreach(value, index, item)
	{
		slot_add(slots, value, NULL, index);
		slots_find(slots, item, depth + 1);
	}
}

static json_t *slot_get(const struct slot *slot)
{
	return slot->key ? json_object_get(slot->parent, slot->key) : json_array_get(slot->parent, slot->index);
}

/* Takes the value. */
static void slot_set(const struct slot *slot, json_t *value)
{
	if (slot->key)
		(void)json_object_set_new(slot->parent, slot->key, value);
	else
		(void)json_array_set_new(slot->parent, slot->index, value);
}

static json_t *value_drawn(struct dice *dice)
{
	switch (dice_roll(dice, 8)) {
	case 0:
		return json_real(dice_number(dice));
	case 1:
		return json_string(dice_text(dice));
	case 2:
		return dice_roll(dice, 2) ? json_true() : json_false();
	case 3:
		return json_null();
	case 4:
		return dice_roll(dice, 2) ? json_array() : json_object();
	default:
		return json_integer((json_int_t)dice_whole(dice));
	}
}

/* A value of the same type, near it. */
static json_t *value_near(struct dice *dice, const json_t *value)
{
	static const double factors[] = {-1, 2, 0.5, 1e10};
	char text[32];
	if (json_is_integer(value))
		return json_integer((json_int_t)((json_integer_value(value)) ^ (json_int_t)((size_t)1 << dice_roll(dice, 20))));
	if (json_is_real(value))
		return json_real(json_real_value(value) * factors[dice_roll(dice, 4)]);
	if (!json_is_string(value))
		return value_drawn(dice);
	const long number = strtol(json_string_value(value), NULL, 10);
	const bool small = number > 0 && number < INT32_MAX;
	snprintf(text, sizeof text, "%ld", small ? number + (long)dice_roll(dice, 5) - 2 : 0);
	return json_string(small && dice_roll(dice, 2) ? text : dice_text(dice));
}

/* Half of a list, or one of it again. */
static void list_change(struct dice *dice, json_t *list)
{
	const size_t length = json_array_size(list), at = dice_roll(dice, length);
	if (length == 0)
		return;
	if (dice_roll(dice, 3) == 0)
		while (json_array_size(list) > length / 2)
			(void)json_array_remove(list, json_array_size(list) - 1);
	else
		for (size_t i = 1 + dice_roll(dice, 3); i > 0; i--)
			(void)json_array_insert_new(list, at, json_deep_copy(json_array_get(list, at)));
}

static bool is_container(const json_t *value)
{
	return json_is_object(value) || json_is_array(value);
}

static void tree_change(struct dice *dice, json_t *root)
{
	static struct slots slots;
	slots.count = 0;
	slots_find(&slots, root, 0);
	if (slots.count == 0)
		return;
	const struct slot *slot = &slots.items[dice_roll(dice, slots.count)];
	const struct slot *other = &slots.items[dice_roll(dice, slots.count)];
	json_t *value = slot_get(slot), *copy = json_deep_copy(value), *other_copy = json_deep_copy(slot_get(other));
	switch (dice_roll(dice, 7)) {
	case 0:
		slot_set(slot, value_drawn(dice));
		break;
	case 1:
		slot_set(slot, json_incref(other_copy));
		break;
	case 2: /* of lists and maps one may stand in the other, and go with it */
		if (!is_container(copy) && !is_container(other_copy)) {
			slot_set(other, json_incref(copy));
			slot_set(slot, json_incref(other_copy));
		}
		break;
	case 3:
		(void)(slot->key ? json_object_del(slot->parent, slot->key) : json_array_remove(slot->parent, slot->index));
		break;
	case 4:
		list_change(dice, json_is_array(value) ? value : slot->parent);
		break;
	default:
		slot_set(slot, value_near(dice, value));
		break;
	}
	json_decref(copy);
	json_decref(other_copy);
}

size_t mutate_json(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct dice dice = dice_of(seed);
	json_t *root = dice_roll(&dice, 8) ? json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL) : NULL;
	if (!root)
		return LLVMFuzzerMutate(data, size, max);
	for (size_t i = 1 + dice_roll(&dice, CHANGES_MAX); i > 0; i--)
		tree_change(&dice, root);
	char *text = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY);
	const size_t length = text ? strlen(text) : 0;
	if (length > 0 && length <= max)
		memcpy(data, text, length);
	free(text);
	json_decref(root);
	return length > 0 && length <= max ? length : LLVMFuzzerMutate(data, size, max);
}
