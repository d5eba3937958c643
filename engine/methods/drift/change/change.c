/* change.c: The detector at work: rows to scores, scores to sums, sums beside levels; see change.h. */
#include <math.h>

#include "methods/drift/change/change_parts.h"
#include "methods/numeric/simd.h"

const unsigned change_windows[CHANGE_WINDOWS] = {3, 4, 6, 8, 11, 16, 22, 32, 45, 64, 90, 128, 181, 256};

const enum change_kind change_column_kinds[CHANGE_OF_COLUMN] = {CHANGE_LOCATION, CHANGE_SCALE, CHANGE_SHAPE, CHANGE_SHAPE,
								CHANGE_SHAPE};

/* ---- rows to scores ---- */

/* The share at which a number stands among the column's reference, freed of what follows from the rows before. NaN: not known. */
static double column_share(struct change_column *column, const struct rank_normal *normal, double number)
{
	if (column->linear.carry != 0) {
		const double rest = linear_carry_rest(&column->linear, number, column->previous);
		column->previous = number;
		return isnan(rest) ? rest : rank_share(&column->rests, rest);
	}
	double share = rank_share(&column->values, number);
	if (!change_column_rests(column))
		return share;
	double level = rank_normal_of(normal, share), rest = level - column->carry * column->previous;
	column->previous = level;
	if (column->lasts > 0)
		rest = lasting_spread_free(&column->spread, rest);
	return rank_share(&column->rests, rest);
}

void change_column_score(const struct change_detector *self, double share, double *scores)
{
	size_t twice_below = (size_t)(share * (double)(2 * self->rows + 2) - 0.5);
	memcpy(scores, self->by_rank + CHANGE_OF_COLUMN * twice_below, CHANGE_OF_COLUMN * sizeof *scores);
}

/* The levels of all columns, freed of how they go together in the reference. */
static void whitened_scores(const struct change_detector *self, const double *scores, double *levels)
{
	size_t columns = self->paired;
	for (size_t i = 0; i < columns; i++) {
		double level = 0;
		for (size_t j = 0; j <= i; j++)
			level += self->whitening[i * columns + j] * scores[CHANGE_OF_COLUMN * j];
		levels[i] = level;
	}
}

static void pair_scores(const struct change_detector *self, const double *levels, double *scores)
{
	size_t at = 0;
	double centred[CHANGE_PAIRED_MAX];
	for (size_t i = 0; i < self->paired; i++) {
		centred[i] = rank_share(&self->levels[i], levels[i]) - 0.5;
		for (size_t j = 0; j < i; j++)
			scores[at++] = 12 * centred[i] * centred[j];
	}
}

void change_scores(struct change_detector *self, const double *row, double *scores)
{
	bool missing = false;
	for (size_t i = 0; i < self->columns; i++) {
		double *of_column = scores + CHANGE_OF_COLUMN * i;
		const double number = row[self->watched[i].place];
		const double share = isnan(number) ? number : column_share(&self->watched[i], &self->normal, number);
		if (!isnan(share)) {
			change_column_score(self, share, of_column);
			continue;
		}
		missing = true;
		for (size_t j = 0; j < CHANGE_OF_COLUMN; j++)
			of_column[j] = (double)NAN;
	}
	if (self->paired == 0)
		return;
	double *levels = scores + CHANGE_OF_COLUMN * self->columns;
	for (size_t i = 0; missing && i < self->series - CHANGE_OF_COLUMN * self->columns; i++)
		levels[i] = (double)NAN;
	if (missing)
		return;
	whitened_scores(self, scores, levels);
	if (self->levels)
		pair_scores(self, levels, levels + self->paired);
}

/* ---- sums beside levels ---- */

/* Of the pair of this number. */
static void pair_columns(size_t number, size_t *column, size_t *other)
{
	size_t i = 1;
	for (; number >= i; i++)
		number -= i;
	*column = number;
	*other = i;
}

/* Which statistic a series belongs to, for an alarm. */
static void alarm_fill(const struct change_detector *self, size_t series, struct change_alarm *alarm)
{
	size_t of_columns = CHANGE_OF_COLUMN * self->columns;
	if (series < of_columns) {
		alarm->kind = change_column_kinds[series % CHANGE_OF_COLUMN];
		alarm->column = alarm->other = self->watched[series / CHANGE_OF_COLUMN].place;
		return;
	}
	size_t column, other;
	pair_columns(series - of_columns - self->paired, &column, &other);
	alarm->kind = CHANGE_DEPENDENCE;
	alarm->column = self->watched[column].place;
	alarm->other = self->watched[other].place;
}

/* Whether all sums of single series are between their levels. */
BUILT_TWICE
static bool window_is_quiet(const struct change_window *window, const double *sums, const double *before, size_t stride)
{
	wide_mask out = {0};
	for (size_t s = 0; s < stride; s += WIDE) {
		wide sum = *(const wide *)(sums + s) - *(const wide *)(before + s);
		out |= (sum >= *(const wide *)(window->most + s)) | (sum <= *(const wide *)(window->least + s));
	}
	return (out[0] | out[1] | out[2] | out[3]) == 0;
}

/* Adds standardised scores to sums, and keeps the sums; one that is missing adds nothing. */
BUILT_TWICE
static void sums_add(const struct change_detector *self, double *now)
{
	for (size_t s = 0; s < self->stride; s += WIDE) {
		wide score = (*(const wide *)(self->scores + s) - *(const wide *)(self->means + s)) *
			     *(const wide *)(self->factors + s);
		wide_mask there = score == score; /* NOLINT(misc-redundant-expression): false of NaN alone */
		*(wide *)(now + s) = *(wide *)(self->sums + s) += (wide)((wide_mask)score & there);
	}
}

/* Whether a series is of a column with values, since the row of `before`, that the reference lacks. */
static bool series_has_unseen(const struct change_detector *self, size_t series, const uint64_t *before)
{
	const size_t of_columns = CHANGE_OF_COLUMN * self->columns;
	size_t column = series / CHANGE_OF_COLUMN, other = column;
	if (series >= of_columns)
		pair_columns(series - of_columns - self->paired, &column, &other);
	return self->unseen[column] > before[column] || self->unseen[other] > before[other];
}

/* Sums of single series, over the last `rows`. */
static bool window_crosses(const struct change_detector *self, const struct change_window *window, size_t rows,
			   const double *before, struct change_alarm *alarm)
{
	const uint64_t *unseen = self->unseen_ring + (self->filled - rows) % CHANGE_RING * self->columns;
	const double *sums = self->sums;
	if (window_is_quiet(window, sums, before, self->stride))
		return false;
	for (size_t s = 0; s < self->series; s++) {
		double sum = sums[s] - before[s];
		if (sum < window->most[s] && sum > window->least[s])
			continue;
		const bool has_unseen = series_has_unseen(self, s, unseen);
		const double most = has_unseen ? window->most_with_unseen[s] : window->most[s];
		const double least = has_unseen ? window->least_with_unseen[s] : window->least[s];
		if (sum < most && sum > least)
			continue;
		alarm->score = sum / window->deviation;
		alarm->level = fabs(sum > 0 ? most : least) / window->deviation;
		alarm_fill(self, s, alarm);
		return true;
	}
	return false;
}

/* The sum of squares of the levels of all columns. */
static bool window_crosses_jointly(const struct change_detector *self, const struct change_window *window, const double *before,
				   struct change_alarm *alarm)
{
	size_t begin = CHANGE_OF_COLUMN * self->columns;
	double total = 0;
	for (size_t s = begin; s < begin + self->paired; s++)
		total += (self->sums[s] - before[s]) * (self->sums[s] - before[s]);
	if (total < window->joint)
		return false;
	*alarm = (struct change_alarm){.kind = CHANGE_JOINT,
				       .score = sqrt(total) / window->deviation,
				       .level = sqrt(window->joint) / window->deviation};
	return true;
}

/* ---- rows that settle ---- */

/* Levels beside means of so many rows instead of those they are beside now. */
static void levels_move(struct change_detector *self, size_t settled)
{
	double from = (double)(self->rows + self->settled), to = (double)(self->rows + settled);
	for (size_t i = 0; i < CHANGE_WINDOWS; i++) {
		struct change_window *window = &self->windows[i];
		double rows = change_windows[i], square = (1 + rows / to) / (1 + rows / from), part = sqrt(square);
		window->deviation *= part;
		window->joint *= square;
		for (size_t s = 0; s < self->series; s++) {
			window->least[s] *= part;
			window->most[s] *= part;
			window->least_with_unseen[s] *= part;
			window->most_with_unseen[s] *= part;
		}
	}
	self->settled = settled;
}

static void unseen_add(struct change_detector *self, const double *row)
{
	if (!self->any_lacks)
		return;
	for (size_t i = 0; i < self->columns; i++) {
		const struct change_column *column = &self->watched[i];
		const double number = row[column->place];
		self->unseen[i] += column->lacks && !isnan(number) && !rank_has(&column->values, number);
	}
	memcpy(self->unseen_ring + self->filled % CHANGE_RING * self->columns, self->unseen, self->columns * sizeof *self->unseen);
}

/* Sums of later rows hold more of what moves to the means. */
BUILT_TWICE
static void ring_shift(struct change_detector *self, uint64_t first, const double *shifts)
{
	for (size_t i = 1; i < CHANGE_RING; i++) {
		double *sums = self->ring + ((first + i) % CHANGE_RING) * self->stride;
		for (size_t s = 0; s < self->stride; s += WIDE)
			*(wide *)(sums + s) -= *(const wide *)(shifts + s) * (double)i;
	}
}

static bool rows_have_unseen(const struct change_detector *self, uint64_t first, uint64_t end)
{
	return memcmp(self->unseen_ring + first % CHANGE_RING * self->columns,
		      self->unseen_ring + end % CHANGE_RING * self->columns, self->columns * sizeof *self->unseen) != 0;
}

/* Rows that have left the longest window, and nothing was seen in it since, make the means surer: as many at the most as
 * the reference has, so that a slow drift can hide no more than half of what it did to these. Not rows with a value that the
 * reference lacks: beside a column of few values it is so far out that the mean would be beside all others. */
static void rows_settle(struct change_detector *self)
{
	uint64_t first = self->filled - CHANGE_LONGEST - CHANGE_SETTLED;
	if (rows_have_unseen(self, first, first + CHANGE_SETTLED))
		return;
	const double *begin = self->ring + (first % CHANGE_RING) * self->stride;
	const double *end = self->ring + ((first + CHANGE_SETTLED) % CHANGE_RING) * self->stride;
	double rows = (double)(self->rows + self->settled + CHANGE_SETTLED);
	double *shifts = self->scores; /* free until the next row */
	memset(shifts, 0, self->stride * sizeof *shifts);
	for (size_t s = 0; s < self->series; s++) {
		if (self->factors[s] == 0)
			continue;
		shifts[s] = (end[s] - begin[s]) / rows;
		self->means[s] += shifts[s] / self->factors[s];
		self->sums[s] -= shifts[s] * (CHANGE_RING - 1);
	}
	ring_shift(self, first, shifts);
	levels_move(self, self->settled + CHANGE_SETTLED);
}

static bool rows_are_due(const struct change_detector *self)
{
	return !self->stays && self->filled >= CHANGE_LONGEST + CHANGE_SETTLED &&
	       (self->filled - CHANGE_LONGEST) % CHANGE_SETTLED == 0 && self->settled + CHANGE_SETTLED <= self->rows;
}

/* Empty windows, beside the reference alone. */
static void change_forget(struct change_detector *self)
{
	self->filled = 0;
	memset(self->sums, 0, self->stride * sizeof *self->sums);
	memset(self->ring, 0, self->stride * sizeof *self->ring);
	memcpy(self->unseen_ring, self->unseen, self->columns * sizeof *self->unseen);
	memcpy(self->means, self->learnt, self->series * sizeof *self->means);
	levels_move(self, 0);
}

void change_begin(struct change_detector *detector)
{
	for (size_t i = 0; i < detector->columns; i++)
		change_column_begin(&detector->watched[i]);
	change_forget(detector);
	detector->stays = true;
}

/* ---- looking ---- */

/* Long windows change little from row to row, so they are not looked at in each. */
static size_t window_stride(size_t rows)
{
	return rows / 16 > 1 ? rows / 16 : 1;
}

bool change_add(struct change_detector *self, const double *row, struct change_alarm *alarm)
{
	struct change_alarm unread = {0}, *found = alarm ? alarm : &unread;
	double *now = self->ring + (++self->filled % CHANGE_RING) * self->stride;
	change_scores(self, row, self->scores);
	sums_add(self, now);
	unseen_add(self, row);
	for (size_t i = 0; i < CHANGE_WINDOWS && change_windows[i] <= self->filled; i++) {
		const struct change_window *window = &self->windows[i];
		const double *before = self->ring + ((self->filled - change_windows[i]) % CHANGE_RING) * self->stride;
		if (self->filled % window_stride(change_windows[i]) != 0)
			continue;
		if (window_crosses(self, window, change_windows[i], before, found) ||
		    (self->paired && window_crosses_jointly(self, window, before, found))) {
			found->window = change_windows[i];
			change_forget(self);
			return true;
		}
	}
	if (rows_are_due(self))
		rows_settle(self);
	return false;
}
