/* series.c: see series.h. */
#include "observe/series.h"

#include <math.h>

#include "base/hash.h"

#define SLOTS 1024	    /* of the index: more than twice SERIES_PLACES_MAX */
#define SUMMARY_SAMPLES 2   /* its sum and its count */
#define HISTOGRAM_SAMPLES 3 /* besides: the bucket of all larger values */

struct series_table {
	struct series_form form;
	size_t count;	/* published with release: what is below it does not change but for its words */
	bool has_other; /* the others have their place */
	uint64_t missed, lost, others;
	struct series_sum *items;
	char *labels;	 /* SERIES_LABEL_BYTES of each label of each place */
	uint16_t *slots; /* a place and one; 0: free. NULL: there is one place */
};

size_t series_samples(const struct series_form *form)
{
	switch (form->type) {
	case SERIES_HISTOGRAM:
		return form->bucket_count + HISTOGRAM_SAMPLES;
	case SERIES_SUMMARY:
		return SUMMARY_SAMPLES;
	default:
		return 1;
	}
}

struct series_table *series_table_open(const struct series_form *form, struct arena *arena)
{
	assert(form->places >= 1 && form->places <= SERIES_PLACES_MAX && form->label_count <= SERIES_LABELS_MAX &&
	       form->bucket_count <= SERIES_BUCKETS_MAX);
	struct series_table *table = ARENA_NEW(arena, struct series_table);
	if (!table)
		return NULL;
	*table =
		(struct series_table){.form = *form,
				      .items = ARENA_ARRAY(arena, struct series_sum, form->places),
				      .labels = ARENA_ARRAY(arena, char, form->places * form->label_count * SERIES_LABEL_BYTES + 1),
				      .slots = form->places > 1 ? ARENA_ARRAY(arena, uint16_t, SLOTS) : NULL};
	return table->items && table->labels && (table->slots || form->places == 1) ? table : NULL;
}

const struct series_form *series_table_form(const struct series_table *table)
{
	return &table->form;
}

bool series_takes(enum series_type type, double value)
{
	return isfinite(value) && (type != SERIES_COUNTER || value >= 0);
}

/* ---- finding a series ---- */

/* Bytes that no reader takes for text are replaced here, so that each series is another one there, too. */
static struct text label_kept(struct text label, char plain[SERIES_LABEL_BYTES])
{
	const struct text cut = text_beginning(label, SERIES_LABEL_BYTES);
	if (text_is_utf8(cut) && !memchr(cut.bytes ? cut.bytes : "", '\0', cut.length))
		return cut;
	const size_t length = label.length < SERIES_LABEL_BYTES ? label.length : SERIES_LABEL_BYTES;
	for (size_t i = 0; i < length; i++)
		plain[i] = (unsigned char)label.bytes[i] >= 0x80 || label.bytes[i] == '\0' ? '?' : label.bytes[i];
	return (struct text){plain, length};
}

static bool labels_equal(const struct series_sum *series, const struct text *labels, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!text_equal(series->labels[i], labels[i]))
			return false;
	return true;
}

static struct series_sum *series_make(struct series_table *table, const struct text *labels, uint64_t hash)
{
	const size_t place = table->count, count = table->form.label_count;
	struct series_sum *series = &table->items[place];
	for (size_t i = 0; i < count; i++) {
		char *at = table->labels + (place * count + i) * SERIES_LABEL_BYTES;
		if (labels[i].length > 0)
			memcpy(at, labels[i].bytes, labels[i].length);
		series->labels[i] = (struct text){at, labels[i].length};
	}
	series->hash = hash;
	__atomic_store_n(&table->count, place + 1, __ATOMIC_RELEASE);
	return series;
}

/* Of a table with one place. */
static struct series_sum *series_only(struct series_table *table, const struct text *labels, bool is_other)
{
	if (table->form.label_count > 0 && !is_other)
		return NULL;
	return table->count > 0 ? &table->items[0] : series_make(table, labels, 0);
}

/* The series of those labels, which are cut already; NULL: it has none, and there is no place for one. The last place is that of
 * the others. */
static struct series_sum *series_find(struct series_table *table, const struct text *labels, bool is_other)
{
	const size_t count = table->form.label_count;
	uint64_t hash = 0;
	if (!table->slots)
		return series_only(table, labels, is_other);
	for (size_t i = 0; i < count; i++)
		hash = hash_bytes(labels[i].bytes, labels[i].length, hash + i + 1);
	size_t slot = hash % SLOTS;
	for (; table->slots[slot] > 0; slot = (slot + 1) % SLOTS) {
		struct series_sum *series = &table->items[table->slots[slot] - 1];
		if (series->hash == hash && labels_equal(series, labels, count))
			return series;
	}
	const size_t kept = count > 0 && !is_other && !table->has_other ? 1 : 0; /* for the others */
	if (table->count + kept >= table->form.places)
		return NULL;
	table->has_other = table->has_other || is_other;
	table->slots[slot] = (uint16_t)(table->count + 1);
	return series_make(table, labels, hash);
}

static bool labels_are_other(const struct text *labels, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!text_is(labels[i], SERIES_OTHER))
			return false;
	return count > 0;
}

/* ---- counting ---- */

static void sum_add(uint64_t *sum, double value)
{
	double total = series_double(*sum) + value;
	uint64_t bits;
	memcpy(&bits, &total, sizeof bits);
	count_set(sum, bits);
}

void series_add(struct series_table *table, const struct text *labels, double value, uint64_t now_ms)
{
	const struct series_form *form = &table->form;
	struct text cut[SERIES_LABELS_MAX];
	char plain[SERIES_LABELS_MAX][SERIES_LABEL_BYTES];
	uint64_t bits;
	for (size_t i = 0; i < form->label_count; i++)
		cut[i] = label_kept(labels[i], plain[i]);
	struct series_sum *series = series_find(table, cut, labels_are_other(cut, form->label_count));
	if (!series) {
		for (size_t i = 0; i < form->label_count; i++)
			cut[i] = TEXT(SERIES_OTHER);
		series = series_find(table, cut, true);
		assert(series); /* they have a place, or one is kept for them */
		count_add(&table->others, 1);
	}
	if (form->type == SERIES_HISTOGRAM) {
		size_t bucket = 0;
		while (bucket < form->bucket_count && value > form->buckets[bucket])
			bucket++;
		count_add(&series->buckets[bucket], 1);
	}
	memcpy(&bits, &value, sizeof bits);
	sum_add(&series->sum, value);
	count_set(&series->last, bits);
	count_set(&series->last_ms, now_ms);
	count_add(&series->count, 1);
}

void series_miss(struct series_table *table)
{
	count_add(&table->missed, 1);
}

void series_lose(struct series_table *table, uint64_t count)
{
	count_add(&table->lost, count);
}

/* ---- reading ---- */

size_t series_count(const struct series_table *table)
{
	return __atomic_load_n(&table->count, __ATOMIC_ACQUIRE);
}

void series_read(const struct series_table *table, size_t index, struct series_sum *series)
{
	const struct series_sum *live = &table->items[index];
	memcpy(series->labels, live->labels, sizeof series->labels);
	series->hash = live->hash;
	series->count = count_read(&live->count);
	series->sum = count_read(&live->sum);
	series->last = count_read(&live->last);
	series->last_ms = count_read(&live->last_ms);
	for (size_t i = 0; i <= table->form.bucket_count; i++)
		series->buckets[i] = count_read(&live->buckets[i]);
}

uint64_t series_missed(const struct series_table *table)
{
	return count_read(&table->missed);
}

uint64_t series_lost(const struct series_table *table)
{
	return count_read(&table->lost);
}

uint64_t series_others(const struct series_table *table)
{
	return count_read(&table->others);
}

void series_merge(struct series_sum *sum, const struct series_sum *more)
{
	sum_add(&sum->sum, series_double(more->sum));
	sum->count += more->count;
	for (size_t i = 0; i <= SERIES_BUCKETS_MAX; i++)
		sum->buckets[i] += more->buckets[i];
	if (more->last_ms >= sum->last_ms) {
		sum->last_ms = more->last_ms;
		sum->last = more->last;
	}
}
