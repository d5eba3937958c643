/* exposure_sample.c: see exposure_sample.h. A table with open addressing, at most half full. */
#include "experiments/outcomes/exposure_sample.h"

#include "base/memory.h"

#define PLACES_AT_FIRST 1024
#define SPREAD UINT64_C(0x9E3779B97F4A7C15) /* odd: the place comes of other bits than the bound looks at */

struct exposure_sample {
	struct sampled_exposure *items; /* key 0: the place is free */
	size_t count, places;		/* a power of two */
	unsigned halvings;
};

static uint64_t sample_key(uint64_t key)
{
	return key != 0 ? key : UINT64_C(1) << 63;
}

static bool sample_has_key(const struct exposure_sample *sample, uint64_t key)
{
	return (key & ((UINT64_C(1) << sample->halvings) - 1)) == 0;
}

static struct sampled_exposure *sample_place(struct sampled_exposure *items, size_t places, uint64_t key)
{
	size_t at = (size_t)(key * SPREAD >> 32) & (places - 1);
	while (items[at].key != 0 && items[at].key != key)
		at = (at + 1) & (places - 1);
	return &items[at];
}

/* Moves what is sampled to so many places. False: memory ran out. */
static bool sample_resize(struct exposure_sample *sample, size_t places)
{
	struct sampled_exposure *items = memory_take(places, sizeof *items);
	size_t count = 0;
	if (!items)
		return false;
	for (size_t i = 0; i < sample->places; i++)
		if (sample->items[i].key != 0 && sample_has_key(sample, sample->items[i].key)) {
			*sample_place(items, places, sample->items[i].key) = sample->items[i];
			count++;
		}
	memory_give(sample->items);
	sample->items = items;
	sample->places = places;
	sample->count = count;
	return true;
}

/* Makes space for one more. False: memory ran out. */
static bool sample_make_space(struct exposure_sample *sample)
{
	if (sample->count < EXPOSURE_SAMPLE_MAX)
		return 2 * (sample->count + 1) <= sample->places ||
		       sample_resize(sample, sample->places > 0 ? 2 * sample->places : PLACES_AT_FIRST);
	sample->halvings++;
	if (sample_resize(sample, sample->places))
		return true;
	sample->halvings--; /* all are there, so each stands for as many as before */
	return false;
}

struct exposure_sample *exposure_sample_open(void)
{
	return memory_take(1, sizeof(struct exposure_sample));
}

void exposure_sample_close(struct exposure_sample *sample)
{
	if (!sample)
		return;
	memory_give(sample->items);
	memory_give(sample);
}

struct sampled_exposure *exposure_sample_find(struct exposure_sample *sample, uint64_t key)
{
	if (sample->count == 0)
		return NULL;
	struct sampled_exposure *found = sample_place(sample->items, sample->places, sample_key(key));
	return found->key != 0 ? found : NULL;
}

void exposure_sample_add(struct exposure_sample *sample, const struct sampled_exposure *exposure)
{
	const uint64_t key = sample_key(exposure->key);
	struct sampled_exposure *known = exposure_sample_find(sample, key);
	if (known) {
		known->outcomes |= exposure->outcomes;
		return;
	}
	while (sample_has_key(sample, key)) {
		const unsigned halvings = sample->halvings;
		if (!sample_make_space(sample))
			return;
		if (halvings != sample->halvings)
			continue;
		known = sample_place(sample->items, sample->places, key);
		*known = *exposure;
		known->key = key;
		sample->count++;
		return;
	}
}

uint64_t exposure_sample_weight(const struct exposure_sample *sample)
{
	return UINT64_C(1) << sample->halvings;
}
