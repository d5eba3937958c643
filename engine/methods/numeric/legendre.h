/* legendre.h: Gauss-Legendre quadrature on 0..1: points and weights that integrate polynomials of degree up to 2
 * count - 1 exactly. */
#pragma once

#include <stddef.h>

/* Fills `count` points, in ascending order, and their weights, which add up to 1. */
void legendre_rule(size_t count, double *points, double *weights);
