/* batch_limit.c: see batch_limit.h. */
#include "kafka/topics/batch_limit.h"

#include <assert.h>

size_t batch_limit_lower(struct batch_limit *limit, size_t refused_bytes, bool to_one_record)
{
	assert(refused_bytes > 0);
	size_t lower = !to_one_record && refused_bytes / BATCH_LOWER_BY > 1 ? refused_bytes / BATCH_LOWER_BY : 1;
	size_t now = atomic_load(&limit->bytes);
	while (now == 0 || now >= refused_bytes || (to_one_record && now > 1))
		if (atomic_compare_exchange_weak(&limit->bytes, &now, lower))
			return lower;
	return now;
}
