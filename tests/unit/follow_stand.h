/* follow_stand.h: Engine that follows the control plane, on the embedded broker, for tests. The keeper is the pure one:
 * the stand carries its records to the topics, and the engine's reports back to it. */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "control/engine/follower.h"
#include "kafka/embedded/embedded_broker.h" /* its settings */
#include "kafka/consume/reader.h"
#include "engine/run/engine.h"
#include "tests/unit/control_stand.h"
#include "tests/unit/mock_broker.h"

#define CONTROL "sluice.default.control"
#define STATUS "sluice.default.status"
#define TICK_MS 10
#define WAIT_MS 20000 /* far more than anything takes */

/* A part of a story: what is done, and what then must come. The last one has no `what`. */
struct scene {
	const char *what;
	void (*act)(void);  /* NULL: nothing */
	bool (*until)(void);
};

struct follow_stand {
	struct control_stand control;
	size_t carried; /* records of the keeper that are on the topic */
	struct mock mock;
	struct loop *loop;
	struct loop_timer timer;
	struct engine_config config;
	struct engine *engine;
	struct follower_config follower_config;
	struct follower *follower;
	struct topic_watch_config topics_config; /* every_ms 0: topics are not watched */
	struct topic_watch *topics;
	struct control_state state;
	struct reader_config status_config, outputs_config;
	struct reader *status;
	struct arena *arena; /* of the latest records of status */
	struct engine_report report;
	struct engine_conditions conditions;
	bool is_reporting; /* reports are carried to the keeper */
	bool is_denied;	   /* reading has failed on purpose */
	bool is_slow;	   /* a compile takes SLOW_MS */
	int64_t turns;	   /* of the loop while a compile lasts */
	atomic_bool is_compiling;
	atomic_int refusals; /* so many compiles find a model that is not ready */
	int64_t refused;     /* change whose compiles those are; 0: of any */
	atomic_int compiles;
	int64_t behind_ms; /* by so much the keeper's clock is behind */
	int64_t end_ms;
	const struct scene *scene; /* that is played now */
	void (*closing)(void); /* called after the follower is closed; NULL: nothing */
	struct error failure; /* of activate; kind NONE: it succeeds */
	struct error unserved; /* of serve; kind NONE: it succeeds */
};
#define SLOW_MS 500

extern struct follow_stand follow_stand;

int follow_open(void **state);
int follow_close(void **state);

/* Runs an engine, which has no pipelines at first, and its follower, until all scenes are played. */
void follow_play(const struct scene *scenes);

void follow_deny_reading(size_t count); /* Kafka refuses the next so many fetches of all clients */
bool follow_was_said(const char *words); /* in a line of the log */
void follow_produce(const char *topic, struct text key, struct text value);
void follow_carry(void); /* what the keeper has decided goes to the topic */
void follow_beat(void);	 /* of the keeper */
void follow_propose(struct proposal_item item);
void follow_apply(const char *name, int64_t expected, const char *yaml); /* a Pipeline */

/* Reads what the engine wrote to status, and carries reports to the keeper. */
void follow_read_status(void);
