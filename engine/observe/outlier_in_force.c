/* outlier_in_force.c: see outlier_in_force.h. */
#include "observe/outlier_in_force.h"

#define FORCE_BYTES_MAX ((size_t)16 << 20) /* of the most columns that a distance has */

struct outlier_in_force *outlier_in_force_make(uint64_t identity, const struct covariance *learnt)
{
	assert(learnt->rows > learnt->columns);
	struct arena *arena = arena_open(FORCE_BYTES_MAX);
	struct outlier_in_force *made = arena ? ARENA_NEW(arena, struct outlier_in_force) : NULL;
	struct error why = {0};
	if (made) {
		*made = (struct outlier_in_force){
			.held.arena = arena,
			.identity = identity,
			.columns = learnt->columns,
			.limit = mahalanobis_limit((double)learnt->rows, (double)learnt->columns),
		};
		made->is_unfit = !mahalanobis_fit(&made->distance, learnt, 1, 0, arena, &why);
	}
	if (made && !arena_failed(arena))
		return made;
	arena_close(arena);
	return NULL;
}
