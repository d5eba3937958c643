/* distance.h: Distances between two samples of numbers in the numbers' own unit: Wasserstein-1 and energy.
 *
 * Samples are finite, not empty, and may have weights, of which only the shares count.
 *
 * Pure; any thread may call.
 */
#pragma once

#include <stddef.h>

struct weighed {
	double value, weight;
};

/* Puts values in rising order. */
void weighed_sort(struct weighed *values, size_t count);

struct distances {
	double wasserstein; /* the integral of |F - G| */
	double energy;	    /* sqrt(2 E|X-Y| - E|X-X'| - E|Y-Y'|) = sqrt(2 integral of (F - G)^2) */
};

/* Of two samples in rising order. */
struct distances distances_of(const struct weighed *reference, size_t references, const struct weighed *current, size_t currents);
