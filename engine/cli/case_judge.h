/* case_judge.h: what came of a case, as JSON lines, and held against what must come. */
#ifndef SLUICE_CLI_CASE_JUDGE_H
#define SLUICE_CLI_CASE_JUDGE_H

#include "cli/case_world.h"

/* One line for a record, with its end; the form that `sluice test --print` documents. */
void record_print(const struct arrival *record, struct buffer *out);
/* {"calls": {...}} */
void calls_print(const struct case_world *world, struct buffer *out);

/* How often the model that a server calls so was called. */
int64_t calls_of(const struct case_world *world, struct text name);

/* Whether "INPUT|REMOTE" has that kind. */
bool kind_fits(struct text kinds, const char *kind);

/* Whether a line of out.jsonl holds; what is wrong is said in `out`, a sentence and
 * what differs, each line indented. */
bool expected_judge(const struct case_world *world, const struct case_expected *expected, struct buffer *out);

/* Whether `got` (a whole response, JSON) is what `wanted` says; differences go to `out`,
 * which may be NULL. */
bool response_judge(struct arena *arena, struct text got, struct text wanted, struct buffer *out);

/* What is in a record, as the JSON of a response; bytes NULL when it cannot be written. */
struct text record_response(const struct arrival *record, struct arena *arena);

#endif
