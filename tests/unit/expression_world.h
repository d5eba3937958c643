/* expression_world.h: one message that the tests of expressions look at, and values
 * as text.
 *
 *   x    FP32[1,3]  1 2 4, columns open,high,volume    m    FP64[2,3]  1..6
 *   d    FP64[]     0.1                                  n    FP64[4]    3 nan 1 2
 *   i    INT32[3]   -7 0 7                               u    UINT64[2]  5 18446744073709551615
 *   big  INT64[1]   9223372036854775807                  s    BYTES[2]   "buy" "sell"
 *   b    BOOL[3]    true false true                      h    FP16[2]    0.5 1.5
 *   e    FP32[0]    nothing                              market-data FP32[1] 7
 *   mark drift_score FP64[] 0.25; made above: made INT64[] 42, x2 FP32[1,3] 2 4 8
 *   header X-User "ann"; key "K1"; id "r-1"; ts 2024-02-29T13:45:30.250Z (1709214330250)
 *   params.level 3, params.who "bob"; step first: first.y FP32[1] 9; pipeline "trading"
 */
#pragma once

#include "compiler/expression/expression.h"

struct world {
	struct arena *arena;
	struct message message;
	struct tensors made;
	struct scope scope;
};

void world_open(struct world *world);
void world_close(struct world *world);

/* "FP32[1,3] 1 2 4"; texts in quotes. In the world's arena. */
const char *world_show(struct world *world, const struct tensor *tensor);

/* What `source` evaluates to, shown; an error as "INPUT 1:5 words". */
const char *world_evaluate(struct world *world, const char *source);

/* "true", "false", or the error. */
const char *world_judge(struct world *world, const char *source);

/* The error of compiling with these uses, "CONFIG 1:5 words"; "" when there is none. */
const char *world_compile(struct world *world, const char *source, unsigned uses);

/* The type that a check finds when all tensors of the world are known, "FP32[1,3]",
 * "float[?]"; or the error. */
const char *world_check(struct world *world, const char *source);

/* Each source gives its value when asked by `ask`; fails the test with all that do not. */
struct world_row {
	const char *source;
	const char *value;
};

void world_hold(const char *(*ask)(struct world *world, const char *source), const struct world_row *rows, size_t count);

#define WORLD_HOLD(ask, rows) world_hold(ask, rows, sizeof(rows) / sizeof *(rows))
