/* case_update.h: Update of the out.jsonl of a case by its results, for `sluice test --update`. */
#ifndef SLUICE_TOOLS_TEST_CASE_UPDATE_H
#define SLUICE_TOOLS_TEST_CASE_UPDATE_H

#include "tools/test/case_results.h"

/* Writes out.jsonl: lines that hold stay as they are, and of the others what came is written. Counts and splits are a matter of
 * judgement, and stay too. Whether the case passes now; `why` describes what was done. CONFIG: the file cannot be written. */
bool case_update(const struct case_results *results, struct buffer *why, struct error *error);

#endif
