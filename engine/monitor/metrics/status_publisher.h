/* status_publisher.h: Publisher of the status records of an engine's pipelines, one per second, in the engine's
 * thread. It writes best effort, so that nothing waits for it. */
#pragma once

#include "engine/run/engine.h"
#include "observe/status.h"

/* Which pipelines of an engine report in a second.
 *
 * Where nobody looks, a report of each pipeline and second would be most of what a namespace writes: of 1,000 pipelines on three
 * engines 3,000 records a second. So a pipeline reports when its state has changed, each second while it does not run well, and
 * otherwise in turn: at least one pipeline a second, and each within STATUS_QUIET_MS. While somebody watches (`sluice top`), all
 * report each second.
 *
 * Pure.
 */

/* What a report says of a pipeline, without its figures. */
struct status_facts {
	bool ready;
	const char *state; /* of a static text */
	uint64_t version;
};

struct status_turns {
	size_t next; /* the pipeline whose turn is next */
};

/* The turns of a second. */
struct status_turn {
	size_t first, count; /* `count` pipelines from `first` on; after the last comes the first */
	size_t pipelines;
	bool watched;
	int64_t at_ms;
};

/* Begins the second of that time. `pipelines`: how many there are. */
struct status_turn status_turn_begin(struct status_turns *turns, size_t pipelines, bool watched, int64_t at_ms);

/* Whether the pipeline of that index reports. `reported` is what it reported last, at `reported_ms`; without a state: nothing. */
bool status_is_due(const struct status_turn *turn, size_t index, const struct status_facts *now,
		   const struct status_facts *reported, int64_t reported_ms);

struct model_watch;
struct status_publisher;

/* Opened before engine_run(), in whose loop it works. Borrows both. */
struct status_publisher *status_publisher_open(struct engine *engine, const struct engine_config *config, struct error *error);
void status_publisher_close(struct status_publisher *status_publisher); /* called before the engine is closed; NULL is fine */

/* Writes a record of another form to the status topic of the pipeline's namespace, best effort. False: it is lost. From that
 * thread. */
struct pipeline_plan;
bool status_publisher_post(struct status_publisher *status_publisher, const struct pipeline_plan *plan, struct text key,
			   struct text value);

/* The watch whose receivers of alerts it reports from now on; NULL: none, as before that is closed. From that thread. */
struct alert_watch;
void status_publisher_set_alerts(struct status_publisher *status_publisher, struct alert_watch *alerts);

/* Whether the last reload was rejected, since which the files are others than those that run; also in that thread. */
void status_publisher_note_reload(struct status_publisher *status_publisher, bool rejected);

/* Its watch of models, which looks once a second, for others in that thread. Until the publisher is closed. */
const struct model_watch *status_publisher_models(const struct status_publisher *status_publisher);
