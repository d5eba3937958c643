/* window_texts.c: First and last texts of a window; see window_texts.h. */
#include "steps/windows/window_texts.h"

#include <string.h>

#include "message/rows.h"

#define ROOM_AT_FIRST 256

/* Its numbers as they stand in the bytes, with both texts behind them. */
struct ends_head {
	int64_t first_time, last_time;
	uint32_t first_length, last_length;
};

struct text_ends {
	int64_t first_time, last_time;
	struct text first, last;
};

static struct text_ends ends_read(const char **bytes)
{
	struct ends_head head;
	memcpy(&head, *bytes, sizeof head);
	const char *first = *bytes + sizeof head;
	*bytes = first + head.first_length + head.last_length;
	return (struct text_ends){
		head.first_time, head.last_time, {first, head.first_length}, {first + head.first_length, head.last_length}};
}

static bool make_room(struct window_texts *made, size_t bytes, struct arena *arena)
{
	if (made->room - made->length >= bytes)
		return true;
	size_t room = made->room ? made->room * 2 : ROOM_AT_FIRST;
	room = room - made->length < bytes ? made->length + bytes : room;
	char *more = arena_take_raw(arena, room);
	if (!more)
		return false;
	if (made->length)
		memcpy(more, made->bytes, made->length);
	made->bytes = more;
	made->room = room;
	return true;
}

static void window_texts_put(struct window_texts *made, const void *bytes, size_t length)
{
	if (length)
		memcpy(made->bytes + made->length, bytes, length);
	made->length += length;
}

static bool ends_write(struct window_texts *made, const struct text_ends *ends, struct arena *arena)
{
	const struct ends_head head = {
		ends->first_time, ends->last_time, (uint32_t)ends->first.length, (uint32_t)ends->last.length};
	if (!make_room(made, sizeof head + ends->first.length + ends->last.length, arena))
		return false;
	window_texts_put(made, &head, sizeof head);
	window_texts_put(made, ends->first.bytes, ends->first.length);
	window_texts_put(made, ends->last.bytes, ends->last.length);
	return true;
}

static void ends_join(struct text_ends *into, const struct text_ends *from)
{
	if (from->first_time < into->first_time) {
		into->first = from->first;
		into->first_time = from->first_time;
	}
	if (from->last_time >= into->last_time) {
		into->last = from->last;
		into->last_time = from->last_time;
	}
}

bool window_texts_add(struct window_texts *made, const char **before, const struct text *texts, size_t count, int64_t time,
		      struct arena *arena)
{
	bool written = true;
	for (size_t i = 0; written && i < count; i++) {
		const struct text_ends own = {time, time, texts[i], texts[i]};
		struct text_ends ends = *before ? ends_read(before) : own;
		ends_join(&ends, &own);
		written = ends_write(made, &ends, arena);
	}
	return written;
}

bool window_texts_join(struct window_texts *made, const char **into, const char **from, size_t count, struct arena *arena)
{
	bool written = true;
	for (size_t i = 0; written && i < count; i++) {
		struct text_ends ends = ends_read(into);
		const struct text_ends others = ends_read(from);
		ends_join(&ends, &others);
		written = ends_write(made, &ends, arena);
	}
	return written;
}

bool window_texts_read(const char **bytes, size_t count, bool last, struct text *texts, struct arena *arena)
{
	for (size_t i = 0; i < count; i++) {
		const struct text_ends ends = ends_read(bytes);
		const struct text text = last ? ends.last : ends.first;
		if (!texts)
			continue;
		texts[i] = text_copied(arena, text);
		if (!texts[i].bytes)
			return false;
	}
	return true;
}
