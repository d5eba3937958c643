/* covariance_past.c: see covariance_past.h. */
#include "methods/drift/covariance_past.h"

static int64_t part_ms(int64_t past_ms)
{
	return past_ms / COVARIANCE_PARTS;
}

int64_t covariance_block_begin(int64_t time_ms, int64_t past_ms)
{
	const int64_t kept_ms = past_time(time_ms), after_ms = kept_ms % part_ms(past_ms);
	return kept_ms - after_ms - (after_ms < 0 ? part_ms(past_ms) : 0);
}

struct covariance_block *covariance_past_find(struct covariance_past *past, int64_t begin_ms)
{
	for (size_t i = past->count; i-- > 0;)
		if (past->blocks[i].begin_ms == begin_ms)
			return &past->blocks[i];
	return NULL;
}

bool covariance_past_expire(struct covariance_past *past, struct past_span span, int64_t past_ms, uint64_t *number)
{
	size_t at = 0;
	while (at < past->count && past->blocks[at].begin_ms + part_ms(past_ms) > span.since_ms &&
	       past->blocks[at].begin_ms <= span.until_ms)
		at++;
	if (at == past->count && past->count < COVARIANCE_BLOCKS_MAX)
		return false;
	at = at < past->count ? at : 0;
	*number = past->blocks[at].number;
	past->count--;
	memmove(past->blocks + at, past->blocks + at + 1, (past->count - at) * sizeof *past->blocks);
	return true;
}

struct covariance_block *covariance_past_begin(struct covariance_past *past, int64_t begin_ms)
{
	assert(past->count < COVARIANCE_BLOCKS_MAX);
	struct covariance_block *block = &past->blocks[past->count++];
	*block = (struct covariance_block){.number = past->next++, .begin_ms = begin_ms};
	return block;
}

uint64_t covariance_past_rows(const struct covariance_past *past)
{
	uint64_t rows = 0;
	for (size_t i = 0; i < past->count; i++)
		rows += past->blocks[i].rows;
	return rows;
}

bool covariance_past_is_due(const struct covariance_past *past, size_t columns, bool begun)
{
	const uint64_t rows = covariance_past_rows(past), wide = COVARIANCE_ROWS_OF_COLUMN * columns;
	return rows >= (wide > COVARIANCE_ROWS_MIN ? wide : COVARIANCE_ROWS_MIN) && (begun || rows >= 2 * past->given);
}
