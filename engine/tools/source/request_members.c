/* request_members.c: see request_members.h. */
#include "tools/source/request_members.h"

#include "message/json/json_scan.h"

static void text_take(struct json_scan *scan, struct text *text)
{
	if (json_peek(scan) == JSON_STRING)
		json_text(scan, text);
	else
		json_skip(scan);
}

static void headers_take(struct json_scan *scan, struct arena *arena, struct headers *headers)
{
	struct json_scan inside;
	if (json_peek(scan) != JSON_OBJECT) {
		json_skip(scan);
		return;
	}
	const size_t count = json_look_ahead(scan, JSON_OBJECT, &inside);
	struct header *items = scan->failed ? NULL : ARENA_ARRAY(arena, struct header, count + 1);
	size_t taken = 0;
	while (items && taken < count && json_key(&inside, &items[taken].name))
		text_take(&inside, &items[taken++].value);
	*headers = (struct headers){taken, items};
}

struct text request_members_read(struct text line, struct arena *arena, struct message *message)
{
	struct json_scan scan;
	struct error wrong = {0};
	struct message seen = *message;
	struct text key, span = line;
	bool has = false;
	json_begin(&scan, line, "the line", arena, &wrong);
	if (json_peek(&scan) != JSON_OBJECT || !json_enter(&scan))
		return line;
	while (json_key(&scan, &key)) {
		has |= text_is(key, "request");
		if (text_is(key, "request"))
			json_span(&scan, &span);
		else if (text_is(key, "id"))
			text_take(&scan, &seen.id);
		else if (text_is(key, "key"))
			text_take(&scan, &seen.key);
		else if (text_is(key, "headers"))
			headers_take(&scan, arena, &seen.headers);
		else
			json_skip(&scan);
	}
	if (!json_end(&scan) || !has)
		return line;
	*message = seen;
	return span;
}
