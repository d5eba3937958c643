/* worker_stand.h: a worker with one or two pipelines against the mock of a broker, for
 * tests of what becomes of records. It runs in a thread of its own. */
#pragma once

#include "tests/unit/mock_broker.h"
#include "tests/unit/planning.h"
#include "tests/unit/running.h"

#define STAND_STAGES 2

struct stand {
	struct mock mock;
	struct planning planning[STAND_STAGES];
	size_t planned;
	struct caller_config caller;
	struct stage_config stages[STAND_STAGES];
	struct worker_config config;
	struct running running;
};

/* cmocka's setup and teardown: the state is a struct stand. */
int stand_open(void **state);
int stand_close(void **state);
#define STORY(name) cmocka_unit_test_setup_teardown(name, stand_open, stand_close)

/* A pipeline `p` of these steps, from `in` to `out`, exactly once: all of it may be changed
 * before stand_start(). */
void stand_configure(struct stand *stand, const char *steps);

/* Beside it a pipeline `q` from the topic `also` to `out`. */
void stand_configure_also(struct stand *stand, const char *steps);

void stand_start(struct stand *stand);
struct worker_counts stand_stop(struct stand *stand); /* fails the test unless all was drained */

/* A request of one number, to `in`. */
void stand_ask(struct stand *stand, const char *id, int number, const char *header, const char *header_value);
/* The same to `also`, or to `in` in any other way; key NULL: none. */
void stand_ask_at(struct stand *stand, const char *topic, const char *key, const char *id, int number);

bool record_says(const rd_kafka_message_t *record, const char *words);
const char *record_header(const rd_kafka_message_t *record, const char *name); /* NULL: it has none */

/* What the group has committed of `in`. */
int64_t stand_committed(struct stand *stand);
