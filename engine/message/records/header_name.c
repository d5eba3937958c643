/* header_name.c: see header_name.h. */
#include "message/records/header_name.h"

#define NAME_BYTES_MIN 4
#define TABLE_PLACES 256       /* a byte of the product */
#define FACTOR 0x0dd27a65U     /* found by trying */
#define SMALL_FOUR 0x20202020U /* the bit by which a small letter differs from its capital, in each byte; likewise: */
#define SMALL_EIGHT UINT64_C(0x2020202020202020)

#define NAME_TEXT(name, text, place) [HEADER_##name] = {text, sizeof text - 1},
static const struct text texts[HEADER_NAMES] = {HEADER_NAME_ROWS(NAME_TEXT)[HEADER_B3] = {"b3", 2}};

#define NAME_PLACE(name, text, place) [place] = HEADER_##name,
static const unsigned char table[TABLE_PLACES] = {HEADER_NAME_ROWS(NAME_PLACE)};

static inline unsigned place_of(struct text name)
{
	uint32_t tail;
	memcpy(&tail, name.bytes + name.length - sizeof tail, sizeof tail);
	return ((tail | SMALL_FOUR) + ((uint32_t)name.length << 16)) * FACTOR >> 24;
}

unsigned header_name_place(struct text name)
{
	assert(name.length >= NAME_BYTES_MIN);
	return place_of(name);
}

/* Eight bytes; the second ones are of a row, where a byte with the bit 0x40 is a small letter. */
static inline bool eight_are_same(const char *bytes, const char *row)
{
	uint64_t eight, other;
	memcpy(&eight, bytes, sizeof eight);
	memcpy(&other, row, sizeof other);
	return ((eight ^ other) & ~(other >> 1 & SMALL_EIGHT)) == 0;
}

/* Four likewise. */
static inline bool four_are_same(const char *bytes, const char *row)
{
	uint32_t four, other;
	memcpy(&four, bytes, sizeof four);
	memcpy(&other, row, sizeof other);
	return ((four ^ other) & ~(other >> 1 & SMALL_FOUR)) == 0;
}

/* Of names of one length. The last bytes may overlap those before them. */
static inline bool name_is_of_row(const char *name, const char *row, size_t length)
{
	const size_t eight = sizeof(uint64_t), four = sizeof(uint32_t);
	if (length < eight)
		return four_are_same(name, row) && four_are_same(name + length - four, row + length - four);
	for (size_t at = 0; at + eight < length; at += eight)
		if (!eight_are_same(name + at, row + at))
			return false;
	return eight_are_same(name + length - eight, row + length - eight);
}

enum header_name header_name_find(struct text name)
{
	if (name.length < NAME_BYTES_MIN)
		return text_equal_caseless(name, texts[HEADER_B3]) ? HEADER_B3 : HEADER_OTHER;
	const enum header_name found = table[place_of(name)];
	return texts[found].length == name.length && name_is_of_row(name.bytes, texts[found].bytes, name.length) ? found
														 : HEADER_OTHER;
}

struct text header_name_text(enum header_name name)
{
	return texts[name];
}
