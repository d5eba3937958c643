/* suggest.c: see suggest.h. The distance is optimal string alignment (Damerau-Levenshtein without overlapping
 * swaps), which models typing errors. */
#include "base/suggest.h"

#define WORD_MAX 48 /* a longer word is no slip of the fingers; it is only compared */

#define COST_NOTHING_NEAR 1000U
#define COST_SAME_LETTERS 1U /* equal but for case and joining marks: nearer than any edit */
#define COST_EDIT 2U
#define COST_BEGINNING 8U /* one is the beginning of the other: farther than three edits */
#define BEGINNING_LEAST 3 /* letters that a beginning needs to mean something */

struct word_letters {
	size_t length;
	char bytes[WORD_MAX];
};

static bool letters_of(struct text text, struct word_letters *letters)
{
	letters->length = 0;
	if (text.length > WORD_MAX)
		return false;
	for (size_t i = 0; i < text.length; i++)
		letters->bytes[letters->length++] = letter_lowered(text.bytes[i]);
	return true;
}

static struct word_letters suggest_joined(const struct word_letters *letters)
{
	struct word_letters result = {0};
	for (size_t i = 0; i < letters->length; i++)
		if (letters->bytes[i] != '-' && letters->bytes[i] != '_')
			result.bytes[result.length++] = letters->bytes[i];
	return result;
}

static bool equal(const struct word_letters *a, const struct word_letters *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned distance(const struct word_letters *a, const struct word_letters *b)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];
	for (unsigned j = 0; j <= b->length; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a->length; i++) {
		unsigned *free_row = before;
		before = above;
		above = row;
		row = free_row;
		row[0] = i;
		for (unsigned j = 1; j <= b->length; j++) {
			unsigned changed = above[j - 1] + (a->bytes[i - 1] != b->bytes[j - 1]);
			row[j] = least(changed, least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a->bytes[i - 1] == b->bytes[j - 2] && a->bytes[i - 2] == b->bytes[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return row[b->length];
}

/* How many slips a word of that length may hold and still be recognised. */
static unsigned slips_allowed(size_t length)
{
	if (length < 3)
		return 0;
	return length < 6 ? 1 : length < 9 ? 2 : 3;
}

static unsigned cost_of(struct text word, struct text candidate)
{
	struct word_letters a, b;
	if (!letters_of(word, &a) || !letters_of(candidate, &b) || a.length == 0 || b.length == 0)
		return COST_NOTHING_NEAR;
	struct word_letters a_joined = suggest_joined(&a), b_joined = suggest_joined(&b);
	if (equal(&a_joined, &b_joined))
		return COST_SAME_LETTERS;
	size_t shorter = a.length < b.length ? a.length : b.length;
	size_t longer = a.length < b.length ? b.length : a.length;
	unsigned slips = distance(&a, &b);
	if (slips <= slips_allowed(longer) && slips < shorter)
		return COST_EDIT * slips;
	if (shorter >= BEGINNING_LEAST && memcmp(a.bytes, b.bytes, shorter) == 0)
		return COST_BEGINNING + (unsigned)(longer - shorter);
	return COST_NOTHING_NEAR;
}

struct suggestion suggest_begin(struct text word)
{
	return (struct suggestion){.word = word, .cost = COST_NOTHING_NEAR};
}

void suggest_offer(struct suggestion *suggestion, struct text candidate)
{
	unsigned cost = cost_of(suggestion->word, candidate);
	if (cost < suggestion->cost) {
		suggestion->cost = cost;
		suggestion->nearest = candidate;
	}
}

const char *suggest_nearest(const char *word, const char *const *candidates, size_t count)
{
	struct suggestion suggestion = suggest_begin(text_of(word));
	for (size_t i = 0; i < count; i++)
		suggest_offer(&suggestion, text_of(candidates[i]));
	return suggestion.nearest.bytes;
}

int choice_find(const char *choices, struct text word, struct suggestion *suggestion)
{
	struct text rest = text_of(choices);
	for (int place = 0; rest.length > 0; place++) {
		const struct text choice = text_take_until(&rest, ' ');
		if (text_equal(choice, word))
			return place;
		if (suggestion)
			suggest_offer(suggestion, choice);
	}
	return -1;
}
