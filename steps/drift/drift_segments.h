/* drift_segments.h: Segments of a step `drift` with `groupBy`: which rows of a message belong to which, and how many there are.
 *
 * A segment is a value of the expression as text. Each has windows and verdicts of its own; all are compared with the same
 * reference. The first DRIFT_SEGMENTS_MAX are watched, and the rows of any other are counted. A segment stays one as long as the
 * step's reference, window and `groupBy` do, as does its part in the declared rate of false alarms. Without `groupBy` there is one,
 * with the name "".
 *
 * With another reference, window or `groupBy` all segments are former ones. Each message makes the step forget
 * DRIFT_FORGOTTEN_MOST of those that have not come again, and DRIFT_FORGOTTEN_CHUNKS_MOST records of their rows: these are deleted
 * from the state and its changelog, and the verdict from the feed. A former segment that comes later begins with window 0. If the
 * step is meanwhile again what it was, as after a rollback, those that are left go on. Segments that an earlier version of sluice
 * stored have no index: they stay until they come again.
 */
#ifndef SLUICE_STEPS_DRIFT_DRIFT_SEGMENTS_H
#define SLUICE_STEPS_DRIFT_DRIFT_SEGMENTS_H

#include "methods/drift/monitor.h"
#include "compiler/step/step.h"

/* The segments of `rows` rows, in `arena`: the expression gives one element, for all of them, or one for each. INPUT: it gives
 * another number, or a name of more than DRIFT_SEGMENT_BYTES_MAX bytes. */
bool drift_segments_of(const struct expression *group, const struct scope *scope, size_t rows, struct arena *arena,
		       struct text **segments, struct error *error);

/* How many bytes the rows of all open windows and the state of online methods may need, with DRIFT_SEGMENTS_MAX segments; `lint`
 * warns from DRIFT_LARGE_BYTES on. */
double drift_segments_bytes(const struct monitor_settings *settings, size_t features);
#define DRIFT_LARGE_BYTES 0.25e9

/* The segment of a message's first row: "" if it has none. */
struct text drift_segment_first(const struct expression *group, const struct scope *scope, struct arena *arena);

/* What the observer's state has of all segments together. */
struct drift_tally {
	uint64_t version, identity;
	uint64_t segments;
	uint64_t unusable;	    /* messages since the last verdict */
	uint64_t misfits;	    /* messages in a row that do not fit, or have more than is watched */
	uint64_t beyond, beyond_all; /* rows of segments beyond the limit: since the last verdict, and in all */
	/* The segments have the numbers from `base` on, as they came, and former ones those from `former` to there. */
	uint64_t base, former;
	uint64_t awaited; /* messages that came before the reference of a topic was known: since the last verdict */
};

#define DRIFT_FORGOTTEN_MOST 4 /* by one message: a reload with 1000 segments is over after 250 */
#define DRIFT_FORGOTTEN_CHUNKS_MOST 256 /* by one message: all are in one transaction */

/* Reads it; one of another identity begins anew. */
void drift_tally_read(struct visit *visit, uint64_t identity, struct drift_tally *tally);
bool drift_tally_keep(struct visit *visit, const struct drift_tally *tally, struct error *error);

/* Whether another segment is within the limit; then it counts. Without `groupBy` there is one, which may begin again. */
bool drift_tally_admit(struct drift_tally *tally, bool grouped);

/* ---- the index: the name of each segment, by the number in which it came ---- */

/* False: LIMIT. */
bool drift_segment_index(struct visit *visit, uint64_t number, struct text name, struct error *error);

/* The name, in the visit's arena. False: no segment has that number. */
bool drift_segment_named(struct visit *visit, uint64_t number, struct text *name);
bool drift_segment_unindex(struct visit *visit, uint64_t number, struct error *error);

#endif
