/* chaos.h: bad days of models, rehearsed: calls that are late, lost or answered with an
 * error on purpose, as rules say.
 *
 *   model scorer: 5% 503, +200ms; model ranker: 1% lost, 2% silent, 10% +2s
 *
 * For each model, or for all (`models: ...`), a list of mishaps. `+TIME` makes a call
 * that much later; a number of three digits answers with that status of HTTP; `lost` cuts the
 * connection, `refused` has none, `silent` never answers. `N%` before one: of so many
 * calls; without it, of all. Every part of a rule is drawn by itself; of the ends the first
 * that is drawn counts, and the model is not asked.
 *
 * It stands where connections do (serving/wire.h), so breakers, retries and deadlines
 * meet it as they would meet the real thing.
 */
#ifndef SLUICE_SERVING_CHAOS_H
#define SLUICE_SERVING_CHAOS_H

#include "base/arena.h"
#include "serving/wire.h"

#define CHAOS_MISHAPS_MAX 64 /* of all rules together */

struct chaos {
	size_t count;
	struct mishap {
		const char *model; /* NULL: of all */
		double share;	   /* 0 to 1 */
		enum mishap_kind { MISHAP_LATE, MISHAP_STATUS, MISHAP_LOST, MISHAP_REFUSED, MISHAP_SILENT } kind;
		int64_t late_ms;
		int status;
	} mishaps[CHAOS_MISHAPS_MAX];
};

/* In the arena. NULL: a CONFIG error that names the word. */
struct chaos *chaos_read(const char *rules, struct arena *arena, struct error *error);

/* The wire that does so; its context is the chaos. */
extern const struct wire_operations wire_chaos;

#endif
