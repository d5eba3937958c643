/* distinct_sketch.c: see distinct_sketch.h. */
#include "methods/numeric/distinct_sketch.h"

#include <math.h>

#include "base/hash.h"

#define REGISTERS DISTINCT_SKETCH_REGISTERS
#define REST_BITS (64 - DISTINCT_SKETCH_BITS)

void distinct_sketch_add(struct distinct_sketch *sketch, double number)
{
	const double same = number == 0 ? 0 : number; /* -0 has other bytes */
	const uint64_t hash = hash_bytes(&same, sizeof same, 0);
	const uint64_t rest = hash << DISTINCT_SKETCH_BITS;
	const uint8_t length = (uint8_t)(rest ? __builtin_clzll(rest) + 1 : REST_BITS + 1);
	uint8_t *its = &sketch->registers[hash >> REST_BITS];
	if (!isnan(number) && *its < length)
		*its = length;
}

void distinct_sketch_merge(struct distinct_sketch *into, const struct distinct_sketch *from)
{
	for (size_t i = 0; i < REGISTERS; i++)
		if (into->registers[i] < from->registers[i])
			into->registers[i] = from->registers[i];
}

/* Sigma and tau are those of Ertl's paper, section 2.4. */
static double sigma(double x)
{
	double sum = x, before = -1, power = 1;
	while (sum != before) {
		x *= x;
		before = sum;
		sum += x * power;
		power += power;
	}
	return sum;
}

static double tau(double x)
{
	double sum = 1 - x, before = -1, power = 1;
	while (x > 0 && x < 1 && sum != before) {
		x = sqrt(x);
		before = sum;
		power *= 0.5;
		sum -= (1 - x) * (1 - x) * power;
	}
	return x > 0 && x < 1 ? sum / 3 : 0;
}

double distinct_sketch_count(const struct distinct_sketch *sketch)
{
	const double m = REGISTERS;
	double counts[REST_BITS + 2] = {0}; /* registers of each value */
	for (size_t i = 0; i < REGISTERS; i++)
		counts[sketch->registers[i]]++;
	if (counts[0] == m)
		return 0;
	double z = m * tau(1 - counts[REST_BITS + 1] / m);
	for (size_t i = REST_BITS; i > 0; i--)
		z = 0.5 * (z + counts[i]);
	z += m * sigma(counts[0] / m);
	return rint(m * m / (2 * log(2) * z));
}
