/* assignment_table.c: see assignment_table.h. */
#include "compiler/step/assignment_table.h"

#include <stdlib.h>

#include "base/hash.h"

/* ---- a list of them ---- */

static int table_compare(const void *a, const void *b)
{
	return strcmp(((const struct assignment_table *)a)->choice, ((const struct assignment_table *)b)->choice);
}

void assignment_tables_sort(struct assignment_tables *tables)
{
	if (tables->count > 1)
		qsort(tables->items, tables->count, sizeof *tables->items, table_compare);
}

const struct assignment_table *assignment_table_find(const struct assignment_tables *tables, const char *choice)
{
	const struct assignment_table wanted = {.choice = choice};
	if (!tables || tables->count == 0)
		return NULL;
	return bsearch(&wanted, tables->items, tables->count, sizeof wanted, table_compare);
}

static bool tables_match(const struct assignment_table *a, const struct assignment_table *b)
{
	const bool moves = a->moves || b->moves;
	if (a->count != b->count || table_compare(a, b) != 0 ||
	    (!moves && (a->version != b->version || !text_equal(a->packed, b->packed))))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->shares[i].name, b->shares[i].name) != 0)
			return false;
	return true;
}

bool assignment_tables_equal(const struct assignment_tables *a, const struct assignment_tables *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!tables_match(&a->items[i], &b->items[i]))
			return false;
	return true;
}

/* NULL: there is none of that name. */
static const struct share *share_named(const struct assignment_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->shares[i].name, name) == 0)
			return &table->shares[i];
	return NULL;
}

void assignment_weigh(const struct assignment_tables *tables, const char *choice, struct share *shares, size_t count)
{
	const struct assignment_table *table = assignment_table_find(tables, choice);
	bool known = table && table->count == count;
	for (size_t i = 0; known && i < count; i++)
		known = share_named(table, shares[i].name) != NULL;
	for (size_t i = 0; known && i < count; i++)
		shares[i].weight = share_named(table, shares[i].name)->weight;
}

/* ---- packed ---- */

static unsigned bits_of(size_t count)
{
	unsigned bits = 0;
	while (((size_t)1 << bits) < count)
		bits++;
	return bits;
}

static size_t packed_bytes(unsigned bits)
{
	return (ASSIGNMENT_BUCKETS * (size_t)bits + 7) / 8;
}

void assignment_pack(const struct assignment *assignment, struct buffer *out)
{
	unsigned bits = bits_of(assignment->count), have = 0, pending = 0;
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++) {
		pending |= (unsigned)assignment->ways[i] << have;
		for (have += bits; have >= 8; have -= 8, pending >>= 8)
			buffer_byte(out, (char)(pending & 0xFF));
	}
	if (have > 0)
		buffer_byte(out, (char)pending);
}

bool assignment_unpack(struct text packed, size_t count, unsigned char *ways)
{
	unsigned bits = bits_of(count), have = 0, pending = 0;
	if (count == 0 || count > ASSIGNMENT_WAYS_MAX || packed.length != packed_bytes(bits))
		return false;
	for (size_t i = 0, at = 0; i < ASSIGNMENT_BUCKETS; i++) {
		for (; have < bits; have += 8)
			pending |= (unsigned)(unsigned char)packed.bytes[at++] << have;
		ways[i] = (unsigned char)(pending & ((1U << bits) - 1));
		if (ways[i] >= count)
			return false;
		pending >>= bits;
		have -= bits;
	}
	return pending == 0;
}

/* ---- the table of a choice ---- */

const struct assignment *assignment_choose(struct arena *arena, const struct assignment_tables *tables, const char *choice,
					   const struct share *shares, size_t count)
{
	unsigned char ways[ASSIGNMENT_BUCKETS];
	const struct assignment_table *table = assignment_table_find(tables, choice);
	if (!table || !assignment_unpack(table->packed, table->count, ways))
		return assignment_make(arena, choice, shares, count);
	const struct assignment former = {.seed = hash_bytes(choice, strlen(choice), 0), .count = table->count, .ways = ways};
	return assignment_move(arena, &former, table->shares, shares, count);
}
