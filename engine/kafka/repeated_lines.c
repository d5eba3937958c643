/* repeated_lines.c: see repeated_lines.h. */
#include "kafka/repeated_lines.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"

#define FACT_BYTES 512 /* of a line; the rest does not count */
#define COORDINATOR "Coordinator: "

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

/* The end of the broker's address that begins the line, without its handle; the line itself if there is none. */
static const char *address_end(const char *line)
{
	const char *end = line;
	while (*end && *end != ' ' && *end != '/')
		end++;
	return *end == '/' || (end > line && end[-1] == ':') ? end : line;
}

/* The last parenthesis before `end`, which may have others in it, as "error(s)"; NULL: none. */
static const char *parenthesis_before(const char *line, const char *end)
{
	const char *found = NULL;
	for (const char *at = line; (at = strstr(at, " (")) && at < end; at++)
		found = at;
	return found;
}

/* The end of what a line says: where its last parenthesis begins, or the first of several in a row. */
static const char *fact_end(const char *line)
{
	const char *tail = parenthesis_before(line, line + strlen(line)), *before = tail;
	while (before && before > line && before[-1] == ')' && (before = parenthesis_before(line, before)))
		tail = before;
	return tail && tail > line ? tail : line + strlen(line);
}

static uint64_t fact_hash(const char *line)
{
	char fact[FACT_BYTES];
	size_t length = 0;
	const char *coordinator = strstr(line, COORDINATOR);
	if (coordinator)
		line = coordinator + strlen(COORDINATOR);
	const char *end = fact_end(line), *at = address_end(line);
	for (const char *byte = line; byte < at && length < sizeof fact; byte++)
		if (byte + 1 < at || *byte != ':')
			fact[length++] = *byte;
	if (*at == '/')
		at += strcspn(at, ":");
	for (; at < end && length < sizeof fact; at++)
		if (!is_digit(*at) && *at != ':' && *at != ' ')
			fact[length++] = *at;
	const uint64_t hash = hash_bytes(fact, length, 0);
	return hash > 0 ? hash : 1;
}

bool repeated_lines_admit(struct repeated_lines *lines, const char *line, int64_t now_ms, uint64_t *more)
{
	const uint64_t hash = fact_hash(line);
	struct repeated_line *repeated = &lines->items[0];
	for (size_t i = 0; i < REPEATED_LINES && repeated->hash != hash; i++)
		if (lines->items[i].hash == hash || lines->items[i].logged_ms < repeated->logged_ms)
			repeated = &lines->items[i];
	if (repeated->hash == hash && now_ms - repeated->logged_ms < REPEATED_LINE_MS) {
		repeated->more++;
		return false;
	}
	if (repeated->hash != hash)
		lines->unlogged += repeated->more;
	*more = repeated->hash == hash ? repeated->more : 0;
	*repeated = (struct repeated_line){.hash = hash, .logged_ms = now_ms};
	return true;
}

uint64_t repeated_lines_end(struct repeated_lines *lines)
{
	uint64_t unlogged = lines->unlogged;
	for (size_t i = 0; i < REPEATED_LINES; i++)
		unlogged += lines->items[i].more;
	*lines = (struct repeated_lines){0};
	return unlogged;
}
