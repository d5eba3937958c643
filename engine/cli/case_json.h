/* case_json.h: JSON bodies held against each other. Apart, because jansson's names and
 * those of our own scanner do not go into one file. */
#ifndef SLUICE_CLI_CASE_JSON_H
#define SLUICE_CLI_CASE_JSON_H

#include "base/text.h"

/* Equal, or within a relative 1e-9: sums may be added up in another order. */
bool numbers_near(double a, double b);

/* The same JSON, its numbers near; false when one of them is none. */
bool json_near(struct text got, struct text wanted);

#endif
