/* print.h: Printers of access lists and target metrics, shared by the printers of a plan. Private to text.c, json.c,
 * drawing.c, picture.c, acls.c and targets.c. Texts are made in the arena that they are given. */
#pragma once

#include "compiler/print/emit.h"
#include "compiler/plan/plan.h"

/* Whether a callee is drawn: a step calls another than the model of its own name. */
bool drawing_calls_another(const struct pipeline_plan *plan, const struct callee *callee);

/* The first of the callees that is the same model or pipeline: the one that is drawn. */
size_t drawing_callee_first(const struct pipeline_plan *plan, size_t index);

void acls_print_text(const struct plan *plan, struct arena *arena, struct buffer *out);
void acls_emit(const struct plan *plan, struct arena *arena, struct emitter *emitter);

void targets_print_text(const struct plan *plan, double rate, struct arena *arena, struct buffer *out);
void targets_emit(const struct plan *plan, double rate, struct arena *arena, struct emitter *emitter);
