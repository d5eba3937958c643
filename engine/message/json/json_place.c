/* json_place.c: see json_place.h. */
#include "message/json/json_place.h"

#include "message/json/json_scan.h"

static struct place place_at(struct text json, const char *file, const char *value)
{
	struct place place = {file, 1, 1};
	const char *line = json.bytes;
	for (const char *at = json.bytes; at < value; at++) {
		if (*at != '\n')
			continue;
		line = at + 1;
		place.line++;
	}
	place.column += (uint32_t)text_characters((struct text){line, (size_t)(value - line)});
	return place;
}

struct place json_place(struct text json, const char *file, const char *member, struct arena *arena)
{
	struct json_scan scan;
	struct text key;
	struct error unheard = {0};
	json_begin(&scan, json, "", arena, &unheard);
	bool found = json_peek(&scan) == JSON_OBJECT && json_enter(&scan);
	while (found && json_key(&scan, &key)) {
		if (text_is(key, member) && json_peek(&scan) != JSON_WRONG)
			return place_at(json, file, scan.at);
		json_skip(&scan);
	}
	return (struct place){file, 1, 1};
}
