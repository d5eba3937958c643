/* drift_reference.h: Reference of the step `drift`: what is usual, as learnt by `sluice fit drift`.
 *
 * The file is JSON:
 *
 *	{"format": "sluice_drift/1", "rows": 400, "block": 400, "features": [
 *	  {"name": "x.bid", "kind": "numbers", "missing": 0, "least": 98.5, "greatest": 101.5, "values": [100.0, 99.5, ...]},
 *	  {"name": "side", "kind": "categories", "missing": 0, "categories": ["buy", "sell"], "values": [0, 1, ...]},
 *	  {"name": "note", "kind": "texts", "missing": 0, "categories": ["none"], "values": ["NaN", 1, 0, ...]},
 *	  {"name": "length(note)", "kind": "numbers", "missing": 0, "least": 4, "greatest": 80, "values": [4, 17, 4, ...]}]}
 *
 * `values` are in the order in which the rows came, a missing one as "NaN", a category by its place in `categories`. Free
 * texts (steps/drift/drift_texts.h) are two features: the commonest ones are categories, and all others are one past the last;
 * their lengths in characters are numbers. Directions onto which a tensor is projected (methods/drift/projection.h) also have its
  * `width`: {"name": "embedding.direction0", "kind": "numbers", "width": 768, ...}. Of more than DRIFT_REFERENCE_ROWS_MAX rows,
   * blocks of `block` rows are kept, evenly spread; `rows`, `missing`, `least` and `greatest` are of all. Rows whose times are
    * known also have `times_ms` and `gaps_ms`: when some of all rows came, evenly spread, and the longest times without a newer one
     * (arrivals.h).
 */
#pragma once

#include "methods/drift/monitor.h"
#include "compiler/step/step.h"

/* Learns from all messages of the source and appends the file. CONFIG: they give no reference; else what the source says. */
bool drift_reference_learn(const struct step *step, const struct name_list *tensors, const struct fit_source *source,
			   struct buffer *file, struct error *error);

/* Appends the file of a reference, whose names end with a NUL. */
bool drift_reference_write(const struct drift_reference *reference, struct arena *arena, struct buffer *file, struct error *error);

/* CONFIG at the file's place: it is no such file, or does not hold together. What is read lives in the arena. */
bool drift_reference_read(const struct name *file, struct text content, struct arena *arena, struct drift_reference *reference,
			  struct error *error);
