/* random_seed.c: see random_seed.h. */
#include "base/number/random_seed.h"

#include <sys/random.h>

struct random random_seeded(void)
{
	struct random random = {0};
	if (getrandom(&random.state, sizeof random.state, 0) != (ssize_t)sizeof random.state)
		random.state = (uint64_t)(uintptr_t)&random; /* it need not be secret */
	return random;
}
