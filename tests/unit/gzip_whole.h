/* gzip_whole.h: whole bodies through net/http/gzip.h, in portions of any size. */
#pragma once

#include "net/http/gzip.h"

static inline enum gzip_outcome gzip_whole(struct gzip *gzip, struct text plain, size_t portion_bytes, struct buffer *out)
{
	enum gzip_outcome outcome = gzip_begin(gzip, plain) ? GZIP_MORE : GZIP_INVALID;
	while (outcome == GZIP_MORE) {
		size_t bytes = portion_bytes;
		outcome = gzip_more(gzip, &bytes, out);
	}
	return outcome;
}

static inline enum gzip_outcome gunzip_whole(enum gzip_form form, struct text packed, size_t bytes_max, size_t portion_bytes,
					     struct buffer *out)
{
	struct gunzip *gunzip = gunzip_open(form, packed, bytes_max);
	enum gzip_outcome outcome = gunzip ? GZIP_MORE : GZIP_NO_MEMORY;
	while (outcome == GZIP_MORE) {
		size_t bytes = portion_bytes;
		outcome = gunzip_more(gunzip, &bytes, out);
	}
	gunzip_close(gunzip);
	return outcome;
}
