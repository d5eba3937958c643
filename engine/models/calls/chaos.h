/* chaos.h: Fault injection for calls of models: calls that are late, lost, or answered with an error, by rules.
 *
 *   model scorer: 5% 503, +200ms; model ranker: 1% lost, 2% silent, 10% +2s
 *
 * A rule is a list of faults for one model, or for all (`models: ...`). `+TIME` delays a call by that time. A
 * number of three digits answers with that HTTP status. `lost` closes the connection, `refused` makes none,
 * `silent` never answers. `N%` before a fault is the share of calls that it affects; without it, all calls.
 * Each fault of a rule is drawn independently. Of the faults that end a call the first that is drawn counts,
 * and the model is not called.
 *
 * It replaces the connections (models/calls/wire.h), so circuit breakers, retries and deadlines act as they do on
 * real faults.
 */
#pragma once

#include "models/calls/wire.h"

#define CHAOS_MISHAPS_MAX 64 /* of all rules together */

struct chaos {
	size_t count;
	struct mishap {
		const char *model; /* NULL: all models */
		double share;	   /* 0 to 1 */
		enum mishap_kind { MISHAP_LATE, MISHAP_STATUS, MISHAP_LOST, MISHAP_REFUSED, MISHAP_SILENT } kind;
		int64_t late_ms;
		int status;
	} mishaps[CHAOS_MISHAPS_MAX];
};

/* Parses rules into the arena. NULL: a CONFIG error that names the word. */
struct chaos *chaos_read(const char *rules, struct arena *arena, struct error *error);

/* The wire that injects the faults; its context is the struct chaos. */
extern const struct wire_operations wire_chaos;
