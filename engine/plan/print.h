/* print.h: Printers of access lists and target metrics, shared by the printers of a plan. Private to text.c, json.c,
 * drawing.c, acls.c and targets.c. Texts are made in the arena that they are given. */
#ifndef SLUICE_PLAN_PRINT_H
#define SLUICE_PLAN_PRINT_H

#include "plan/emit.h"
#include "plan/plan.h"

void acls_print_text(const struct plan *plan, struct arena *arena, struct buffer *out);
void acls_emit(const struct plan *plan, struct arena *arena, struct emitter *emitter);

void targets_print_text(const struct plan *plan, double rate, struct arena *arena, struct buffer *out);
void targets_emit(const struct plan *plan, double rate, struct arena *arena, struct emitter *emitter);

#endif
