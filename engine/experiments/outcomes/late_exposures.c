/* late_exposures.c: see late_exposures.h. A sample is a table with open addressing, at most half full. */
#include "experiments/outcomes/late_exposures.h"

#include "base/memory.h"

#define SAMPLE_MAX 32768 /* some 6 MiB; an estimate of a million exposures is right within a percent */
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

static void sampled_release(struct sampled_exposure *sampled)
{
	if (sampled->key != 0)
		sampled->form->users--;
	memory_give(sampled->own);
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
		} else {
			sampled_release(&sample->items[i]);
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
	if (sample->count < SAMPLE_MAX)
		return 2 * (sample->count + 1) <= sample->places ||
		       sample_resize(sample, sample->places > 0 ? 2 * sample->places : PLACES_AT_FIRST);
	sample->halvings++;
	if (sample_resize(sample, sample->places))
		return true;
	sample->halvings--; /* all are there, so each stands for as many as before */
	return false;
}

static void sample_close(struct exposure_sample *sample)
{
	for (size_t i = 0; i < sample->places; i++)
		sampled_release(&sample->items[i]);
	memory_give(sample->items);
}

static struct sampled_exposure *sample_find(struct exposure_sample *sample, uint64_t key)
{
	if (sample->count == 0)
		return NULL;
	struct sampled_exposure *found = sample_place(sample->items, sample->places, sample_key(key));
	return found->key != 0 ? found : NULL;
}

/* Adds an exposure that is not in the sample. Where it is then; NULL: it was left out, or memory ran out. */
static struct sampled_exposure *sample_add(struct exposure_sample *sample, uint64_t key)
{
	while (sample_has_key(sample, key)) {
		const unsigned halvings = sample->halvings;
		if (!sample_make_space(sample))
			return NULL;
		if (halvings != sample->halvings)
			continue;
		sample->count++;
		return sample_place(sample->items, sample->places, key);
	}
	return NULL;
}

/* ---- exposures ---- */

struct late_exposures {
	struct exposure_sample samples[OPEN_KEYS];
};

/* Adds an exposure, or puts it in the place of the one of its key if that is an earlier one of another form and `replaces`. */
static void sample_take(struct exposure_sample *sample, enum open_key by, const struct packed_exposure *packed,
			const struct held_exposure *head, bool replaces)
{
	const uint64_t key = sample_key(head->keys[by]);
	const uint32_t names = replaces ? 0 : head->names;
	struct sampled_exposure *known = sample_find(sample, key);
	const bool is_replaced = known && replaces && known->form != packed->form && known->time_ms < head->time_ms;
	if (known && !is_replaced) {
		known->outcomes |= names;
		return;
	}
	if (known)
		sampled_release(known);
	else
		known = sample_add(sample, key);
	if (!known)
		return;
	*known = (struct sampled_exposure){key, head->time_ms, names, packed->form, text_block(packed->own)};
	known->form->users++;
}

void late_exposures_end(struct late_exposures *late, const struct packed_exposure *packed, const struct held_exposure *head)
{
	if (late)
		sample_take(&late->samples[OPEN_BY_REQUEST], OPEN_BY_REQUEST, packed, head, false);
}

void late_exposures_see(struct late_exposures *late, const struct packed_exposure *packed, const struct held_exposure *head)
{
	if (late && head->keys[OPEN_BY_UNIT] != 0)
		sample_take(&late->samples[OPEN_BY_UNIT], OPEN_BY_UNIT, packed, head, true);
}

struct sampled_exposure *late_exposures_find(struct late_exposures *late, enum open_key by, uint64_t key)
{
	return late ? sample_find(&late->samples[by], key) : NULL;
}

int64_t late_exposures_weight(const struct late_exposures *late, enum open_key by)
{
	return INT64_C(1) << late->samples[by].halvings;
}

void late_exposures_read(const struct sampled_exposure *sampled, struct arena *arena, struct exposure *exposure)
{
	const struct packed_exposure packed = {sampled->form, sampled->own ? *sampled->own : (struct text){0}};
	packed_exposure_read(&packed, sampled->time_ms, arena, exposure);
}

struct late_exposures *late_exposures_open(void)
{
	return memory_take(1, sizeof(struct late_exposures));
}

void late_exposures_close(struct late_exposures *late)
{
	for (size_t i = 0; late && i < OPEN_KEYS; i++)
		sample_close(&late->samples[i]);
	memory_give(late);
}
