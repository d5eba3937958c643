/* heard_facts.c: see heard_facts.h. */
#include "log/heard_facts.h"

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

/* The parenthesis at the end, which may have others in it, as "error(s)"; NULL: none. */
static const char *tail_find(const char *line)
{
	const char *found = NULL;
	for (const char *at = line; (at = strstr(at, " (")); at++)
		found = at;
	return found;
}

static uint64_t fact_hash(const char *line)
{
	char fact[FACT_BYTES];
	size_t length = 0;
	const char *coordinator = strstr(line, COORDINATOR), *tail = tail_find(line);
	if (coordinator)
		line = coordinator + strlen(COORDINATOR);
	const char *end = tail && tail > line ? tail : line + strlen(line), *at = address_end(line);
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

bool heard_facts_take(struct heard_facts *facts, const char *line, int64_t now_ms, uint64_t *more)
{
	const uint64_t hash = fact_hash(line);
	struct heard_fact *fact = &facts->items[0];
	for (size_t i = 0; i < HEARD_FACTS && fact->hash != hash; i++)
		if (facts->items[i].hash == hash || facts->items[i].logged_ms < fact->logged_ms)
			fact = &facts->items[i];
	if (fact->hash == hash && now_ms - fact->logged_ms < HEARD_FACT_MS) {
		fact->more++;
		return false;
	}
	if (fact->hash != hash)
		facts->unlogged += fact->more;
	*more = fact->hash == hash ? fact->more : 0;
	*fact = (struct heard_fact){.hash = hash, .logged_ms = now_ms};
	return true;
}

uint64_t heard_facts_end(struct heard_facts *facts)
{
	uint64_t unlogged = facts->unlogged;
	for (size_t i = 0; i < HEARD_FACTS; i++)
		unlogged += facts->items[i].more;
	*facts = (struct heard_facts){0};
	return unlogged;
}
