/* case_compare_json.h: Comparison of JSON bodies. It has its own file because jansson's names conflict with those of our own
 * scanner. */
#pragma once

#include "base/text.h"

/* Whether two numbers are equal within a relative 1e-9, since sums may be added in another order. */
bool numbers_near(double a, double b);

/* Whether two texts are the same JSON, with numbers within that tolerance. False: one is not JSON. */
bool json_near(struct text got, struct text wanted);
