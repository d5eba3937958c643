/* condition_board.h: Board of the conditions of an engine: of the engine itself, and of each resource that it runs.
 *
 * A Pipeline is ready when all workers run its version, the consumer group has assigned its partitions, and nothing
 * keeps its requests waiting: then a request that is sent now is answered. While its consumer group changes it waits, and
 * says for whom (engine/run/group_mover.h). A resource from which pipelines are made (a Model, a SeldonDeployment) is ready when
 * all of them are. A Model is not ready while the engine calls it and cannot reach it. Other resources are ready when the
 * engine runs their version. One whose secret is withheld says so (`NoSecret`, engine/setup/revision.h). A ready Pipeline says so
 * if a model that it calls is slow (`Slow`), or its topics are not as planned (`Differs`): it answers nevertheless. A slow
 * Model is `Slow` too.
 */
#pragma once

#include "control/engine/control_documents.h"
#include "engine/run/group_mover.h"
#include "monitor/model_watch.h"
#include "engine/run/topic_watch.h"

#define CONDITION_WHY_BYTES 512
#define CONDITION_LOOK_MS 50	  /* between two looks while conditions settle after a change */
#define CONDITION_SETTLING_MS 5000 /* after a change: what is not ready then may stay so for hours */
#define CONDITION_CALM_MS 1000	  /* between two looks otherwise */

struct condition_board;

/* State of the follower, of which the engine's own condition is made. */
struct board_state {
	const char *failure; /* why the documents in force do not run; "": they do */
	const char *unserved; /* why the gateway does not serve; "": it does, or there is none */
	const char *unfed; /* why the feed cannot be read; "": it can */
	const char *cut_off; /* why the control plane cannot be read; "": it can */
	const char *differs; /* what is wrong with the topics of the control plane; "": nothing */
	const char *waiting; /* why an ACCEPTED change is not prepared; "": it is, or there is none */
	bool is_stale;
	const struct topic_watch *topics; /* NULL: they are not held against the plan */
	const struct model_watch *models; /* NULL: slow ones are not known */
	struct group_mover *mover; /* NULL: no group changes */
};

/* The names are borrowed. NULL: SYSTEM. */
struct condition_board *condition_board_open(const char *namespace, const char *engine, int64_t started_ms, struct error *error);
void condition_board_close(struct condition_board *board); /* NULL is fine */

/* Looks at the engine, which runs the documents. True: `record` is to be sent, because a condition has changed, or
 * CONDITIONS_EVERY_MS have passed, or the engine has `stopped`. It is borrowed until the next look. Times are of the
 * wall clock. */
bool condition_board_look(struct condition_board *board, const struct engine *engine, const struct control_documents *documents,
			  const struct board_state *state, int64_t now_ms, bool stopped, struct engine_conditions *record);

/* Time until the next look is useful, by the monotonic clock. */
int64_t condition_board_pause_ms(const struct condition_board *board, int64_t clock_now_ms);

/* Number of conditions that were not ready at the last look. */
size_t condition_board_unready(const struct condition_board *board);
