/* case_engine.h: a case's requests through an engine on a real Kafka: its pipelines with
 * topics and groups of their own, its models answered by the built-in server, and what
 * comes at points of its pipelines read back. All of it but the workers in the thread that
 * calls.
 */
#ifndef SLUICE_CLI_CASE_ENGINE_H
#define SLUICE_CLI_CASE_ENGINE_H

#include "cli/command.h"
#include "message/answer_decode.h"

struct case_send { /* one time that a request is sent */
	const char *pipeline;
	struct headers headers;
	struct text key, body;
	int64_t timeout_ms; /* from when it is sent; 0: none */
};

/* Something that stood at a point. */
struct case_came {
	struct decoded_answer answer;
	struct text body; /* as it came, where that is JSON and nothing else; else bytes NULL */
};

/* Borrowed as long as the engine lives. */
struct case_engine_config {
	struct session *session; /* on its `err` it is said what is wrong with the files */
	const char *brokers;
	const char *namespace; /* of its topics and groups, which nobody else has */
	const char *pipeline;  /* a file */
	const char *folder;    /* whose stubs.json counts */
	size_t send_count;
	const struct case_send *sends;
	size_t point_count;
	const char *const *points; /* that are read: "PIPELINE.outputs", "PIPELINE.step.STEP.inputs" */
	int64_t patience_ms;	   /* how long it may take */
	int64_t quiet_ms;	   /* how long nothing must come before it counts as all */
	/* Both from case_engine_run(); what came lives in the arena. */
	void (*came)(void *context, size_t point, const struct case_came *came);
	bool (*complete)(void *context); /* whether all that must come has */
	void *context;
	struct arena *arena;
};

struct case_engine;

/* CONFIG: it cannot be run yet. Kind NONE: the files have faults, which were said. */
struct case_engine *case_engine_open(const struct case_engine_config *config, struct error *error);
void case_engine_close(struct case_engine *engine); /* NULL is fine */

/* Sends everything, and reads until nothing more comes. LIMIT: not everything was done in
 * time; what came until then was given. */
bool case_engine_run(struct case_engine *engine, struct error *error);

/* That were put to the model; *name: what its server calls it. */
uint64_t case_engine_calls(struct case_engine *engine, const char *model, const char **name);

#endif
