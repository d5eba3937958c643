/* case_engine.h: Engine for the requests of a case on a real Kafka. Its pipelines have topics and groups of their
 * own, and the built-in server answers for its models. The results at points of its pipelines are read back. All of
 * it except the workers runs in the calling thread. */
#ifndef SLUICE_CLI_CASE_ENGINE_H
#define SLUICE_CLI_CASE_ENGINE_H

#include "cli/command.h"
#include "log/record.h"
#include "message/answer_decode.h"
#include "plan/plan.h"

struct case_send { /* one sending of a request */
	const char *pipeline;
	struct headers headers;
	struct text key, body;
	int64_t timeout_ms; /* from the time of sending; 0: none */
};

/* A record that was read at a point. */
struct case_came {
	struct decoded_answer answer;
	struct text body; /* as read, if it is plain JSON; else bytes NULL */
	const struct case_send *of; /* the request that made it; NULL: not known */
};

/* Borrowed as long as the engine lives. */
struct case_engine_config {
	struct session *session; /* faults of the files are printed on its `err` */
	const char *brokers;
	const char *namespace; /* of its topics and groups; not used by other engines */
	const char *pipeline;  /* a file */
	const char *folder;    /* its stubs.json is used */
	struct name_list models_asked; /* Models that requests are sent to by their names */
	size_t send_count;
	const struct case_send *sends;
	size_t point_count;
	const char *const *points; /* to read: "PIPELINE.outputs", "PIPELINE.step.STEP.inputs" */
	int64_t patience_ms;	   /* time limit of the run */
	int64_t quiet_ms;	   /* the run ends when nothing has come for so long */
	/* Called by case_engine_run(). The records live in the arena. */
	void (*came)(void *context, size_t point, const struct case_came *came);
	bool (*complete)(void *context); /* whether all expected records have come */
	/* Told by workers on a simulated Kafka what an alert says of a request. */
	void (*alert_judged)(void *context, const struct case_send *of, const char *name, bool held);
	bool one_by_one; /* a request is sent when all before it are done; only on a simulated Kafka */
	void *context;
	struct arena *arena;
};

struct case_engine;

/* NULL: CONFIG: the case cannot be run yet. Kind NONE: the files have faults, which were printed. */
struct case_engine *case_engine_open(const struct case_engine_config *config, struct error *error);
void case_engine_close(struct case_engine *engine); /* NULL is fine */

/* Sends all requests, and reads until no more records come. LIMIT: it was not complete in time; the records until
 * then were passed on. */
bool case_engine_run(struct case_engine *engine, struct error *error);

/* The number of calls of the model; *name: its name on its server. */
uint64_t case_engine_calls(struct case_engine *engine, const char *model, const char **name);

/* ---- shared with case_workers.h ---- */

/* The topic of a point; NULL: there is none. */
const struct topic *case_engine_topic(const struct plan *plan, const char *name);
/* Headers of a request that is sent at that time of day. A deadline is a header, as the gateway writes it. */
bool case_send_headers(const struct case_engine_config *config, const struct case_send *send, int64_t now_ms,
		       struct headers *headers);
/* Decodes a record of a point and passes it on. `of`: the request that made it; NULL: not known. */
bool case_record_take(const struct case_engine_config *config, size_t point, bool requests, const struct record *record,
		      const struct case_send *of, struct error *error);

#endif
