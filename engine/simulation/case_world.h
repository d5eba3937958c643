/* case_world.h: In-memory engine for one case: its pipelines, the stubs of its models, and a virtual clock that jumps
 * from event to event.
 *
 * Models are called as in a worker (serving/caller.h): with the concurrency limits, the breaker, the retries, the batches
 * and the cache that the files set. Only the transport is replaced, by stubs.
 *
 * All requests are sent at once, in the order of the file. Replies, retries, windows and deadlines occur at their
 * virtual time. So a window of a minute takes no time, and a case always gives the same results. The results are kept
 * as records.
 *
 * Everything is in the arena with which it is opened, except messages, which have arenas of their own;
 * case_world_close() frees those.
 */
#ifndef SLUICE_SIMULATION_CASE_WORLD_H
#define SLUICE_SIMULATION_CASE_WORLD_H

#include "simulation/case.h"
#include "flow/external_input.h"
#include "flow/flow.h"
#include "serving/files.h"
#include "serving/stub.h"
#include "serving/wire.h"

#define CASE_START_MS INT64_C(1767225600000) /* 2026-01-01, the same for all cases */

/* A result: a reply, or a record on a topic. */
struct arrival {
	struct arrival *next;
	struct text id;		       /* id of the request's line */
	const char *at;		       /* the topic; NULL: the reply */
	const struct message *message; /* the message that it answers, for its format */
	const struct format *format;   /* output format of the pipeline; NULL: that of the request */
	const struct payload *payload; /* NULL: `error` */
	const struct error *error;
	struct text body; /* as received, if JSON; bytes NULL: it is printed from the payload */
};

struct model { /* a model that was called, or is in the files */
	struct model *next;
	const char *name;
	const struct stub *stub; /* NULL: `refused` has the reason */
	struct error refused;
	struct case_world *world;
	struct model_config config;
	struct caller_config caller_configs[2];
	struct caller *callers[2]; /* of pipelines, by enum on_outage; NULL: none has called it */
	int64_t calls;		   /* attempts */
};

struct running { /* a pipeline */
	struct running *next;
	struct case_world *world;
	const char *name;
	bool implicit; /* made for a Model */
	struct graph *graph;
	struct flow *flow; /* NULL: `refused` has the reason */
	struct error refused;
	struct store *store; /* state of its stateful steps: all requests are of one partition; NULL: none */
	struct line *line;
	struct passage *entered, **entered_end;	     /* entered and not yet released, in their order */
	const char **topics;			     /* inputs, outputs; then inputs and outputs of each step */
	const struct external_input *external_input; /* NULL: it does not read another pipeline */
	struct case_alert *alerts;		     /* simulation/case_alerts.h */
	struct matcher *matcher;		     /* joins of requests for which some external inputs have come */
};

struct passage {		/* a message in a pipeline, with its state */
	struct message message; /* first member: the flow returns this pointer */
	struct passage *next;
	struct passage *behind; /* in running->entered */
	bool finished;
	struct running *running;
	struct text id;	       /* id of the request's line */
	bool asked;	       /* its reply is awaited */
	struct asking *parent; /* the call from another pipeline that it answers */
	int depth;	       /* nesting depth of such calls */
	struct acquaintance *acquaintances;
};

struct acquaintance { /* calls of a model by one message */
	struct acquaintance *next;
	const struct model *model;
	uint64_t calls;
};

enum event_kind {
	EVENT_SEND,    /* a request arrives */
	EVENT_ENTER,   /* a message made in this world enters a pipeline */
	EVENT_OUTCOME, /* an attempt of a model call ends */
	EVENT_READY,   /* a model says that it is ready */
	EVENT_RETURN,  /* a called pipeline answered, or a call cannot be made */
	EVENT_WINDOW,  /* a window of external inputs ends */
};

struct event {
	int64_t at_ms;
	uint64_t serial;
	enum event_kind kind;
	void *about; /* struct case_sending, passage, case_attempt, case_question, asking or running, by kind */
};

struct case_world {
	struct arena *arena;
	const struct spec *spec;
	const struct case_files *files;
	struct files *named; /* files named by its steps */
	const struct step_kind *const *kinds;
	struct verdict_board *board; /* of steps that watch */
	struct running *runnings;
	struct model *models;
	struct passage *passages;
	struct asking *askings; /* calls of pipelines in progress, and calls that cannot be made */
	struct loop *loop;	/* of the callers of models: their timers, and the clock */
	int64_t now_ms;		/* the loop's */
	uint64_t serial;
	struct event *events; /* a heap; items[0] is not used */
	size_t event_count, event_capacity;
	struct arrival *records, **records_end;
	struct alert_result *alert_results; /* simulation/case_alerts.h; the newest first */
	bool failed; /* memory ran out */
};

/* Builds the pipelines. One that cannot run is rejected alone, so that the others run. */
bool case_world_open(struct case_world *world, const struct case_files *files, const struct spec *spec,
		     const struct step_kind *const *kinds, struct arena *arena, struct error *error);
bool case_world_run(struct case_world *world, struct error *error);
void case_world_close(struct case_world *world);

/* Used instead of a run: each request is answered with that error. */
void case_world_refuse(struct case_world *world, const struct error *why);

/* Answers an attempt of a call by the model's stub, in the arena of the call's message. `earlier`: the number of attempts
 * before for this request. Sets the outcome, and how long it takes to come. False: memory. */
bool case_stub_attempt(const struct model *model, const struct call *call, const struct wire_call *wire_call, uint64_t earlier,
		       struct attempt *attempt, int64_t *delay_ms);

/* ---- private to case_world*.c and case_models.c ---- */

struct case_attempt;  /* an attempt of a model call on its way */
struct case_question; /* a question to a model on its way */

void case_world_note(struct case_world *world, enum event_kind kind, int64_t at_ms, void *about);
struct event case_world_next(struct case_world *world); /* removes and returns the first event; there must be one */
void case_world_record(struct case_world *world, const struct passage *passage, const char *at, const struct payload *payload,
		       const struct error *error);
/* The same for the passage's message, or for one of its children: all under the line's id. */
void case_world_record_of(struct case_world *world, const struct message *message, const char *at, const struct payload *payload,
			  const struct error *error);
struct text case_world_line(const struct message *message); /* the id of the request's line */
/* Finds a pipeline, or (implicit) that of a Model, which may have the same name. */
struct running *case_world_find(const struct case_world *world, const char *name, bool implicit);

/* case_world_run.c: makes a message of this world, in an arena of its own; NULL: no memory. */
struct passage *passage_make(struct case_world *world, struct running *running, struct text id);

/* Registers a passage that will be entered into that pipeline. */
void running_expect(struct running *running, struct passage *passage);

/* case_world_calls.c */
void case_world_call(void *context, struct call *call);
void case_world_copy(void *context, const struct call *call);
void case_world_forget(void *context, struct call *call);
int64_t case_world_outage_ms(void *context, const struct call *call);
void asking_return(struct case_world *world, struct asking *asking);
void asking_answered(struct asking *asking, const struct message *message, enum flow_outcome outcome, const struct answer *answer);
/* The passage of a message; NULL: it is a batch's. */
struct passage *passage_of_message(const struct case_world *world, const struct message *message);

/* case_models.c */
struct model *case_model_of(struct case_world *world, const char *name, const char *storage_uri);
/* The model's caller for calls of that pipeline. NULL: `error` has the reason. */
struct caller *case_model_caller(struct model *model, const struct running *running, struct error *error);
void case_models_close(struct case_world *world);
void case_attempt_end(struct case_attempt *attempt);
void case_question_answer(struct case_question *question);

/* case_world_feeds.c: passes a result at a point of a pipeline to the pipelines that read it. */
void case_world_feed(struct running *from, const struct message *message, enum tap_point point, const char *step,
		     const struct payload *payload);
void case_world_window(struct case_world *world, struct running *running);

#endif
