/* drift_picture.c: see drift_picture.h. */
#include "steps/drift/drift_picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "message/json/json_write.h"
#include "methods/numeric/quantile.h"

#define TAIL 0.01 /* share of the reference in each outer bin of numbers */
#define NEVER_SEEN 2.0

static size_t picture_bins(const struct drift_picture *picture)
{
	return picture->feature->categories ? picture->own_count + 2 : PICTURE_BINS + 2;
}

/* The value is not missing. */
static size_t picture_bin(const struct drift_picture *picture, double value)
{
	if (picture->feature->categories) {
		const size_t others = picture->own_count;
		if (!(value >= 0 && value < (double)picture->feature->category_count))
			return others + 1;
		for (size_t i = 0; i < picture->own_count; i++)
			if (picture->own[i] == (size_t)value)
				return i;
		return others;
	}
	if (value < picture->low)
		return 0;
	if (value > picture->high)
		return PICTURE_BINS + 1;
	const double extent = picture->high - picture->low;
	const double place = extent > 0 ? (value - picture->low) / extent * PICTURE_BINS : 0;
	return 1 + (place < PICTURE_BINS ? (size_t)place : PICTURE_BINS - 1);
}

/* The most frequent categories; of equal ones, the first. */
static void categories_choose(struct drift_picture *picture, size_t rows)
{
	uint64_t counts[DRIFT_CATEGORIES_MAX] = {0};
	const size_t known = picture->feature->category_count < DRIFT_CATEGORIES_MAX ? picture->feature->category_count
										       : DRIFT_CATEGORIES_MAX;
	for (size_t i = 0; i < rows; i++) {
		const double value = picture->feature->values[i];
		if (value >= 0 && value < (double)known)
			counts[(size_t)value]++;
	}
	while (picture->own_count < PICTURE_BINS) {
		size_t most = 0;
		for (size_t i = 1; i < known; i++)
			if (counts[i] > counts[most])
				most = i;
		if (known == 0 || counts[most] == 0)
			return;
		picture->own[picture->own_count++] = most;
		counts[most] = 0;
	}
}

static void numbers_bound(struct drift_picture *picture, size_t rows, double *sorted)
{
	if (rows > 0)
		memcpy(sorted, picture->feature->values, rows * sizeof *sorted);
	const size_t count = quantile_sort(sorted, rows);
	if (count == 0)
		return;
	picture->low = sorted[(size_t)(TAIL * (double)(count - 1))];
	picture->high = sorted[(size_t)ceil((1 - TAIL) * (double)(count - 1))];
}

struct drift_picture *drift_pictures_learn(const struct drift_reference *reference, struct arena *arena)
{
	struct drift_picture *pictures = ARENA_ARRAY(arena, struct drift_picture, reference->feature_count + 1);
	double *sorted = ARENA_ARRAY(arena, double, reference->rows + 1);
	if (!pictures || !sorted)
		return NULL;
	for (size_t i = 0; i < reference->feature_count; i++) {
		struct drift_picture *picture = &pictures[i];
		*picture = (struct drift_picture){.feature = &reference->features[i]};
		if (picture->feature->categories)
			categories_choose(picture, reference->rows);
		else
			numbers_bound(picture, reference->rows, sorted);
		for (size_t row = 0; row < reference->rows; row++)
			if (!isnan(picture->feature->values[row]))
				picture->counts[picture_bin(picture, picture->feature->values[row])]++;
	}
	return pictures;
}

static void counts_put(const uint64_t *counts, size_t count, struct buffer *out)
{
	for (size_t i = 0; i < count; i++)
		buffer_print(out, "%s%llu", i ? ", " : "[", (unsigned long long)counts[i]);
	buffer_byte(out, ']');
}

void drift_picture_put(const struct drift_picture *picture, const struct monitor *monitor, size_t feature, struct buffer *out)
{
	uint64_t counts[PICTURE_BINS + 2] = {0};
	for (size_t row = 0; row < monitor_closed_rows(monitor); row++) {
		const double value = monitor_closed_value(monitor, feature, row);
		if (!isnan(value))
			counts[picture_bin(picture, value)]++;
	}
	counts_put(counts, picture_bins(picture), out);
}

void drift_picture_put_reference(const struct drift_picture *picture, struct buffer *out)
{
	json_write_member(out, "{", "name", picture->feature->name);
	if (picture->feature->categories) {
		buffer_string(out, ", \"categories\": [");
		for (size_t i = 0; i < picture->own_count; i++) {
			buffer_string(out, i ? ", " : "");
			json_write_string(out, picture->feature->category_names[picture->own[i]]);
		}
		buffer_byte(out, ']');
	} else {
		buffer_string(out, ", \"low\": ");
		json_write_double(out, picture->low);
		buffer_string(out, ", \"high\": ");
		json_write_double(out, picture->high);
	}
	buffer_string(out, ", \"picture\": ");
	counts_put(picture->counts, picture_bins(picture), out);
	buffer_byte(out, '}');
}

double drift_picture_strangeness(const struct drift_picture *picture, double value)
{
	if (isnan(value))
		return -1;
	if (!picture->feature->categories)
		return fabs(value - (picture->low + picture->high) / 2);
	const size_t bin = picture_bin(picture, value);
	return bin > picture->own_count ? NEVER_SEEN : 1 / (1 + (double)picture->counts[bin]);
}
