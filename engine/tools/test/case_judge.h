/* case_judge.h: Comparison of the results of a case with the expected ones, and their printing as JSON lines. */
#pragma once

#include "tools/test/case_results.h"

/* Prints a record as one line; the form that `sluice test --print` documents. */
void record_print(const struct arrival *record, struct arena *arena, struct buffer *out);
/* Prints {"calls": {...}}. */
void calls_print(const struct case_results *results, struct buffer *out);

/* The number of calls of the model with that name on its server. */
int64_t calls_of(const struct case_results *results, struct text name);

/* Whether a list such as "INPUT|REMOTE" contains that kind. */
bool kind_fits(struct text kinds, const char *kind);

/* Whether a line of out.jsonl is met. If not, a sentence and the differences go to `out`, indented. */
bool expected_judge(const struct case_results *results, const struct case_expected *expected, struct buffer *out);

/* Whether all lines of out.jsonl are met. The violations go to `why`. */
bool case_results_judge(const struct case_results *results, struct buffer *why);

/* Whether `got` (a complete response, JSON) matches `wanted`. Differences go to `out`, which may be NULL. */
bool response_judge(struct arena *arena, struct text got, struct text wanted, struct buffer *out);

/* The contents of a record as the JSON of a response; bytes NULL: it cannot be written. */
struct text record_response(const struct arrival *record, struct arena *arena);
