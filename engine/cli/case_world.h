/* case_world.h: a small world in which a case runs: its pipelines, the stubs of its models,
 * and a clock that jumps from event to event.
 *
 * All requests are sent at once, in the order of the file; replies, retries, windows
 * and deadlines come when they are due, so that a minute's window passes at no cost
 * and the same case always goes the same way. What comes out is kept as records.
 *
 * Everything is in the arena that it is opened with, but messages, which have their
 * own; case_world_close() gives those back.
 */
#ifndef SLUICE_CLI_CASE_WORLD_H
#define SLUICE_CLI_CASE_WORLD_H

#include "cli/case.h"
#include "flow/external_input.h"
#include "flow/flow.h"
#include "serving/attempts.h"
#include "serving/files.h"
#include "serving/stub.h"

#define CASE_START_MS INT64_C(1767225600000) /* the first of January 2026: some day after 1970, the same for all */

/* Something that came. */
struct arrival {
	struct arrival *next;
	struct text id;		       /* of the request's line */
	const char *at;		       /* the topic; NULL: the reply */
	const struct message *message; /* whose reply it is, for its format */
	const struct format *format;   /* in which the pipeline has it leave; NULL: that of the request */
	const struct payload *payload; /* NULL: `error` */
	const struct error *error;
	struct text body; /* as it came, where it is JSON; bytes NULL: it is written from the payload */
};

struct model { /* one that was called, or is known */
	struct model *next;
	const char *name;
	const struct stub *stub; /* NULL: `refused` says why */
	struct error refused;
	struct parameters settings;
	int64_t timeout_ms; /* its own; 0: none */
	int64_t calls;
};

struct running { /* a pipeline */
	struct running *next;
	struct case_world *world;
	const char *name;
	bool implicit; /* made for a Model */
	struct graph *graph;
	struct flow *flow; /* NULL: `refused` says why */
	struct error refused;
	struct store *store; /* what its stateful steps remember: all requests are of one partition; NULL: it has none */
	struct line *line;
	struct passage *entered, **entered_end;	     /* and not released, in their order */
	const char **topics;			     /* inputs, outputs; then inputs and outputs of each step */
	const struct external_input *external_input; /* NULL: it reads no other pipeline */
	struct matcher *matcher;		     /* requests of which some external inputs have come */
};

struct passage {		/* a message in a pipeline */
	struct message message; /* first: the flow gives it back */
	struct passage *next;
	struct passage *behind; /* in running->entered */
	bool finished;
	struct running *running;
	struct text id;	       /* of the request's line */
	bool asked;	       /* someone waits for its reply */
	struct asking *parent; /* a call of another pipeline that it answers */
	int depth;	       /* of such calls */
	struct acquaintance *acquaintances;
};

struct acquaintance { /* of a message with a model */
	struct acquaintance *next;
	const struct model *model;
	uint64_t calls;
};

enum event_kind {
	EVENT_SEND,    /* a request arrives */
	EVENT_ENTER,   /* a message made in this world enters a pipeline */
	EVENT_ATTEMPT, /* a model is asked */
	EVENT_OUTCOME, /* what came of it */
	EVENT_RETURN,  /* a called pipeline answered */
	EVENT_WINDOW,  /* of external inputs */
};

struct event {
	int64_t at_ms;
	uint64_t serial;
	enum event_kind kind;
	void *about; /* struct passage, asking or running, by kind */
};

struct case_world {
	struct arena *arena;
	const struct spec *spec;
	const struct case_files *files;
	struct files *named; /* by its steps */
	const struct step_kind *const *kinds;
	struct running *runnings;
	struct model *models;
	struct passage *passages;
	struct asking *askings; /* calls that are out */
	int64_t now_ms;
	uint64_t serial;
	struct event *events; /* a heap; [0] is not used */
	size_t event_count, event_capacity;
	struct arrival *records, **records_end;
	bool failed; /* memory ran out */
};

/* Builds the pipelines; what cannot run is refused one by one, so that the others do. */
bool case_world_open(struct case_world *world, const struct case_files *files, const struct spec *spec,
		     const struct step_kind *const *kinds, struct arena *arena, struct error *error);
bool case_world_run(struct case_world *world, struct error *error);
void case_world_close(struct case_world *world);

/* Instead of a run: each request is answered with that error. */
void case_world_refuse(struct case_world *world, const struct error *why);

/* Why the case cannot be run yet: it uses what is not built. NULL: it can. */
const char *case_world_lacks(const struct case_world *world);

/* ---- between its files ---- */

void case_world_note(struct case_world *world, enum event_kind kind, int64_t at_ms, void *about);
struct event case_world_next(struct case_world *world); /* takes the first; there is one */
void case_world_record(struct case_world *world, const struct passage *passage, const char *at, const struct payload *payload,
		       const struct error *error);
/* The same of the passage's message, or of one of its offspring: all under the line's id. */
void case_world_record_of(struct case_world *world, const struct message *message, const char *at, const struct payload *payload,
			  const struct error *error);
struct text case_world_line(const struct message *message); /* that id */
/* A pipeline, or (implicit) what was made for a Model, which may have the same name. */
struct running *case_world_find(const struct case_world *world, const char *name, bool implicit);

/* case_world_run.c: a message of this world, in an arena of its own; NULL: no memory. */
struct passage *passage_make(struct case_world *world, struct running *running, struct text id);

/* The passage is about to be entered into that pipeline. */
void running_expect(struct running *running, struct passage *passage);

/* case_world_calls.c */
void case_world_call(void *context, struct call *call);
void case_world_copy(void *context, const struct call *call);
void case_world_forget(void *context, struct call *call);
void asking_attempt(struct case_world *world, struct asking *asking);
void asking_outcome(struct case_world *world, struct asking *asking);
void asking_return(struct case_world *world, struct asking *asking);
void asking_answered(struct asking *asking, enum flow_outcome outcome, const struct answer *answer);
struct model *model_of(struct case_world *world, const char *name, const char *storage_uri);

/* case_world_feeds.c: gives what came at a point of a pipeline to those that read it. */
void case_world_feed(struct running *from, const struct message *message, enum tap_point point, const char *step,
		     const struct payload *payload);
void case_world_window(struct case_world *world, struct running *running);

#endif
