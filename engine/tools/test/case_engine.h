/* case_engine.h: Engine for the requests of a case on a real Kafka. Its pipelines have topics and groups of their
 * own, and the built-in server answers for its models. The results at points of its pipelines are read back. All of
 * it except the workers runs in the calling thread. */
#pragma once

#include "tools/test/case_records.h"
#include "observe/log_sink.h"
#include "compiler/yaml/workspace.h"

/* Borrowed as long as the engine lives. */
struct case_engine_config {
	const struct workspace *workspace; /* gets the faults of the files */
	const struct log_sink *log;	   /* gets the log of the engine */
	const char *brokers;
	const char *namespace; /* of its topics and groups; not used by other engines */
	const struct case_files *files;
	const struct case_sends *sends;
	int64_t patience_ms; /* time limit of the run */
	int64_t quiet_ms;    /* the run ends when nothing has come for so long */
	/* Called by case_engine_run(). The records live in the arena. */
	void (*came)(void *context, const struct case_point *point, size_t number, const struct case_came *came);
	bool (*complete)(void *context); /* whether all expected records have come */
	void *context;
	struct arena *arena;
};

struct case_engine;

/* NULL: CONFIG: the case cannot be run yet. Kind NONE: the files have faults, which were reported. */
struct case_engine *case_engine_open(const struct case_engine_config *config, struct error *error);
void case_engine_close(struct case_engine *engine); /* NULL is fine */

/* Sends all requests, and reads until no more records come. LIMIT: it was not complete in time; the records until
 * then were passed on. */
bool case_engine_run(struct case_engine *engine, struct error *error);

/* The number of calls of the model; *name: its name on its server. */
uint64_t case_engine_calls(struct case_engine *engine, const char *model, const char **name);
