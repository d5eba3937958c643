/* dispatch_servers.h: servers that are played for the calls of one model, on a clock that
 * leaps from one event to the next. */
#pragma once

#include "base/number/random.h"
#include "models/calls/dispatch.h"

#define SECOND 1000000
#define REPLICAS_MAX 3
#define FLIGHTS_MAX 512

enum mood { ANSWERS, REFUSES, FAILS, SAYS_400, SAYS_500, HANGS, LOSES, ANSWERS_WITHOUT_ROWS };

struct servers {
	struct dispatch *dispatch;
	struct dispatch_config config;
	struct model_config model;
	struct model_address addresses[REPLICAS_MAX];
	struct arena *arena;
	int64_t now_us;
	enum mood moods[REPLICAS_MAX];
	struct random random;
	unsigned fail_in_thousand[REPLICAS_MAX]; /* of its answers, by chance */
	int64_t latency_us[REPLICAS_MAX];
	int64_t busy_us; /* of this process, before it reads replies */
	bool has_readiness, unready;
	struct flight {
		struct queued_call *queued_call;
		int64_t due_us;
	} flights[FLIGHTS_MAX];
	size_t flight_count, flights_most;
	struct {
		bool asked;
		int64_t due_us;
	} readiness[REPLICAS_MAX];
	uint64_t sent[REPLICAS_MAX], asked;
	float poison; /* a row of this value makes a server say what `poisoned` says; 0: none */
	enum mood poisoned;
	size_t answered, failed, withdrawn;
	int64_t longest_us; /* that a call has waited for its answer */
	size_t most_rows;
	char order[64];
	struct call *calls;
	struct call *last;
};

extern struct servers servers;

int servers_set_up(void **state);
int servers_tear_down(void **state);
void servers_begin(size_t replicas); /* once the configuration is as the story wants it */

/* A call of `rows` rows, value, value + 1, ...; each answer is checked to be its own. */
struct call *servers_make(float value, int64_t rows, struct message *message);
struct call *servers_ask(float value, int64_t rows, int64_t deadline_ms);
void servers_warm(void); /* all have answered, and are known */

void servers_work_for(int64_t us);   /* this process works, and reads then what has come meanwhile */
bool servers_step(int64_t until_us); /* one event, if it comes before; else time stands there */
void servers_run_until(int64_t until_us);
void servers_run_for(int64_t us);

void servers_expect_error(const struct call *call, enum error_kind kind, const char *words);

#define STORY(name) cmocka_unit_test_setup_teardown(name, servers_set_up, servers_tear_down)
