/* step.h: the contract between the engine and a step.
 *
 * A step kind is one file in steps/. It ends in one `const struct step_kind`,
 * which steps/kinds.c lists; the engine knows nothing else of it.
 *
 * Life: open() once for each deployed version of a pipeline and worker; run() for
 * each visit; close() once, also after an open() that failed. A step belongs to one
 * worker, so it needs no lock.
 *
 * A visit is one message at one step: what came in (several sources, at a join),
 * what leaves (none, one, or many), and scratch memory that dies with the message. A step
 * never waits and never touches a socket, a file or a clock. What it needs of the
 * outside it asks for with visit_call() and returns STEP_WAIT; answered() is
 * entered when the reply is there. So the
 * same step runs unchanged in `sluice test`, in the simulator and in production.
 *
 * A stateful step remembers bytes by keys from message to message. It is an ordered gate:
 * the messages of a partition come to it in their order, whatever calls they waited for,
 * and each sees what those before it left there. A visit that fails leaves nothing; once
 * it has ended well what it wrote stands, even when a later step fails.
 *
 * A step may make many messages of one. These offspring have ids, keys and times of their
 * own and go on through the steps behind it as messages of their own, in the order in
 * which they were made, also where a later step remembers. What such a step reads of steps
 * that are not behind this one is the parent's, the same for all. The parent itself goes no
 * further there: where offspring reach the output they answer, each for itself, and leave
 * with the parent, in its place and its transaction. A later step may gather them, and what
 * that gives is the parent's own again.
 */
#ifndef SLUICE_STEP_STEP_H
#define SLUICE_STEP_STEP_H

#include "base/option.h"
#include "message/message.h"
#include "step/assignment.h"
#include "step/expression.h"

struct visit; /* one message at a step; flow/visit.c */

/* Where the bytes of files come from that options name: whoever opens a flow hands it in.
 * Any thread may read. `content` stays as long as the source, with a NUL behind it; reading
 * the same file again gives the same bytes. */
struct file_source {
	void *context;
	bool (*read)(void *context, const struct name *file, const char *digest, struct text *content, struct error *error);
};

/* One step of one running pipeline. Borrowed from the plan but for `state`. */
struct step {
	const struct step_kind *kind;
	const char *name;
	const char *pipeline;
	const void *options;		     /* filled in from the kind's rows */
	struct place place;		     /* of the step in the YAML */
	struct arena *arena;		     /* lives as long as the opened step */
	const struct file_source *files;     /* NULL: no file can be read here, as in lint's infer() */
	void *state;			     /* what open() made */
	const struct assignment *assignment; /* which of its shares a message has; NULL: its kind has none */
};

enum step_verdict {
	STEP_DONE, /* what was emitted goes on */
	STEP_WAIT, /* a call is out */
	STEP_DROP, /* nothing leaves on this branch, and that is no error */
	STEP_FAIL, /* `error` says why; its kind decides the fate */
};

/* What a step asks of the outside, and its answer. */
enum call_target { CALL_MODEL, CALL_PIPELINE, CALL_EXPERIMENT, CALL_ANY /* a bare name: the graph says what it means */ };

/* Where a call is, for whoever says why it has no answer. */
enum call_whereabouts {
	CALL_BEGUN,   /* nobody has said more */
	CALL_IN_LINE, /* others go before it, or who is called is away */
	CALL_PAUSED,  /* it failed, and is to be tried again */
	CALL_SENT,
};

struct call {
	enum call_target target;
	const char *name;
	const struct payload *request;
	const struct message *message; /* for id, headers, deadline; of the first member for a batch */
	int64_t timeout_ms;	       /* of each attempt; 0: the model's own or 30 s */
	bool timeout_own;	       /* the step itself says it: it goes before the model's own */
	struct tensors_wanted outputs; /* that the model is asked for; count 0: all. The step sees that they came */
	int64_t kept_ms;	       /* so long its reply is used again for equal requests, as the step says; 0: it does not */
	bool once;		       /* of a copy: it is not repeated, and does not wait for a model that is away */
	/* The answer: one of the two. */
	const struct payload *reply;
	struct error error; /* kind NONE: `reply` holds */
	unsigned attempts;  /* how often it was asked; 0: never */
	enum call_whereabouts where;
	int64_t outage_ms; /* by its answer: when servers of its model last could not be reached; 0: never, or nobody knows */
	void *owner;	   /* who waits: the flow's */
	void *under_way;   /* who makes it: serving's */
	void *asker;	   /* on whose behalf: of whoever carries the flow's calls out */
};

/* How tensors go through a step of this kind, for fusion and type inference. */
enum step_shape {
	SHAPE_ADDS,	/* passes all on and adds */
	SHAPE_REPLACES, /* only what it makes leaves */
	SHAPE_PASSES,	/* what came in leaves, or nothing */
};

/* A tensor as the plan knows it. */
struct tensor_type {
	struct text name;
	struct value_type type;
	const struct parameters *parameters; /* that name its columns; NULL: what they are is not known */
};

/* Where a list stands, how many of its places are taken, and how many there are. */
struct tensor_room {
	struct tensor_type *items;
	size_t taken;
	size_t size;
};

/* Lists are shared and never changed. Who adds to one takes the places behind it, where
 * nobody else did so before; else he makes a list of his own. So a chain of steps of
 * which each adds a tensor needs no list for each. */
struct tensor_types {
	bool complete; /* false: others may be there too */
	size_t count;
	const struct tensor_type *items;
	struct tensor_room *room; /* NULL: none behind `items` */
	const char *remark;	  /* what the plan says of how the step that gives them works; NULL: nothing */
};

/* What a kind that combines its sources is content with. */
struct gather {
	size_t need;	   /* of its sources; without so many it fails. 0: as its join is written */
	int64_t within_ms; /* after the first has come it goes on with what there is; 0: the join's window */
};

/* Messages that a kind learns from; they can be gone through again and again. */
struct fit_source {
	void *context;
	void (*rewind)(void *context);
	/* The tensors of the next one, as they come to the step, in the arena. False: none is
	 * left, or the error says why. */
	bool (*next)(void *context, struct arena *arena, struct payload *payload, struct error *error);
	/* The step would refuse the last one, an INPUT error. `texts`: the tensor whose elements are texts where numbers are
	 * wanted, if that is why; else NULL. True: it is left out from now on; false: the error has been told where it
	 * stands, and ends it. */
	bool (*refused)(void *context, const struct tensor *texts, struct error *error);
	/* What is to be known of what was learnt, and is no error; NULL: nobody wants to. */
	void (*remarked)(void *listener, const char *text);
	void *listener;
};

/* What a step joins, before anything runs. */
struct step_sources {
	size_t count;		  /* as many as visit_source() has */
	const struct name *items; /* the step that each is of, where the reference to it stands */
	bool one_at_a_time;	  /* its join lets each go on by itself, unless gather() has it otherwise */
};

struct experiment_spec; /* step/experiment.h */

struct step_kind {
	const char *name;	      /* the key in YAML */
	const char *summary;	      /* one sentence, for the reference page */
	const char *example;	      /* YAML of one step */
	const struct option *options; /* ended by OPTION_END; NULL for a kind without options */
	size_t options_size;
	enum step_shape shape;
	bool planned;  /* its fields are known, but it cannot run yet */
	bool stateful; /* it may call visit_recall() and its kin */
	/* What a plain value instead of a map means is a row with short_form. */
	/* What its expressions may name beside what every one may (`members`); ends with NULL.
	 * NULL: nothing. */
	const char *const *own_names;
	/* Checks beyond the rows; adds to `error` only the first fault. NULL: none. */
	bool (*check)(const void *options, struct place place, struct error *error);
	/* The experiment that is written in its options, for what can be said of any
	 * experiment; NULL (also as hook): none is. */
	const struct experiment_spec *(*experiment)(const void *options);
	/* The types that leave when `in` comes in. `out` holds what is known without it: what
	 * the model called is known to answer, else by `shape`. NULL: that is all. */
	bool (*infer)(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
		      struct error *error);
	/* Whether it makes offspring, visit_offspring(); NULL: it does not. */
	bool (*multiplies)(const struct step *step);
	/* The step whose offspring it gathers: then it is visited once, when all of them have
	 * come or ended, and has visit_part(). It remembers nothing. False or NULL: none. */
	bool (*gathers)(const struct step *step, struct name *multiplier);
	/* Whom it calls, for the plan: the n-th, until it returns false. NULL: nobody. */
	bool (*calls)(const struct step *step, size_t nth, enum call_target *target, const char **name);
	/* Whom it sends copies (visit_copy()), likewise. NULL: nobody. */
	bool (*copies)(const struct step *step, size_t nth, enum call_target *target, const char **name);
	/* The outputs that it asks of the model it calls; an empty list or NULL: it leaves that to the model. */
	const struct name_list *(*asks)(const void *options);
	/* An option that is read, and that nothing heeds yet: the nth, with the words that follow "`NAME` is of ". NULL: none. */
	bool (*later)(const void *options, size_t nth, struct name *option, const char **words);
	/* To which later steps alone it may send (visit_only_to()): the n-th, until it
	 * returns false. Each must list this step in its inputs. NULL: to none. */
	bool (*targets)(const struct step *step, size_t nth, struct name *target);
	/* The ways among which it shares messages out: the n-th, until it returns false. They
	 * have different names, and weights of which one is above 0. NULL: it does not. */
	bool (*shares)(const struct step *step, size_t nth, struct share *share);
	/* Those of its sources that its options name: the n-th, until it returns false. Each
	 * must be a step that it reads, or the pipeline. NULL: it names none. */
	bool (*members)(const struct step *step, size_t nth, struct name *member);
	/* A step of the pipeline whose answer it looks at, another than itself. False or NULL: it
	 * names none. */
	bool (*watches)(const struct step *step, struct name *watched);
	/* The tensor that each of its sources must give, but for those that gather() does not need.
	 * False or NULL: none is named. */
	bool (*wants)(const struct step *step, struct text *tensor);
	/* Checks what it joins; an error without a place is one of its options. NULL: any sources
	 * will do. */
	bool (*joins)(const struct step *step, const struct step_sources *sources, struct error *error);
	/* Where the step itself says its model is (a storageUri); NULL: it does not, and the
	 * Model of that name does. */
	const char *(*storage)(const struct step *step);
	/* The key by which it needs its messages partitioned; NULL: none. */
	const struct expression *(*key)(const struct step *step);
	/* How many of its sources it waits for, and how long; false or NULL: as its join is
	 * written. Asked once, behind open(). */
	bool (*gather)(const struct step *step, struct gather *gather);
	/* Learns what its options leave to fitted files, of a step that is not opened, and
	 * writes the file (`sluice fit`). NULL: it learns nothing. */
	bool (*fit)(struct step *step, const struct fit_source *source, struct buffer *file, struct error *error);
	bool (*open)(struct step *step, struct error *error);
	enum step_verdict (*run)(struct step *step, struct visit *visit, struct error *error);
	enum step_verdict (*answered)(struct step *step, struct visit *visit, struct call *call, struct error *error);
	void (*close)(struct step *step);
};

#define STEP_KIND_DEFAULT "model" /* of a step without a kind key: it calls the model of its own name */

/* The table that main hands down; ends with NULL. */
typedef const struct step_kind *const step_kind_table[];
const struct step_kind *step_kind_find(const struct step_kind *const *kinds, const char *name);

/* The bytes of the file that an option names, in open() or infer() alone; they stay as long
 * as the opened step. A relative name is relative to the YAML that it stands in. `digest` is
 * its SHA-256 in hexadecimal digits, with or without `sha256:` before them; NULL: it is not
 * checked. What fails is a CONFIG error at the file's place. */
bool step_file(const struct step *step, const struct name *file, const char *digest, struct text *content, struct error *error);

/* Whether it may remember, as its options are. */
bool step_is_stateful(const struct step *step);

/* ---- of the visit ---- */

struct arena *visit_arena(struct visit *visit);

/* What came in: all sources joined, selected and renamed. */
const struct payload *visit_input(const struct visit *visit);

/* What came from each source alone, for kinds that combine: the n-th, in the order
 * of `inputs`; payload NULL where that source gave nothing. False past the last. */
bool visit_source(const struct visit *visit, size_t nth, const char **step, const struct payload **payload);

/* What leaves; the payload lives in the visit's arena. visit_pass() emits what came
 * in, untouched and uncopied. */
void visit_emit(struct visit *visit, const struct payload *payload);
void visit_pass(struct visit *visit);

/* What is emitted goes only to the step of that name (route's `to`); NULL: to all that
 * read it. */
void visit_only_to(struct visit *visit, const char *step);

/* Which of the kind's shares the message has: it stays the same for its key, or without a
 * key for the record that it was. */
size_t visit_way(const struct visit *visit);

/* Whether the message is among `percent` of all; what is drawn under one salt says nothing
 * of another. */
bool visit_is_drawn(const struct visit *visit, const char *salt, double percent);

/* ---- one message into many, and back ---- */

#define OFFSPRING_MAX 10000 /* of one message, its offspring's offspring counted too; an arena holds no more */

/* A message of its own leaves, behind those that were made before it, when the visit ends
 * with STEP_DONE; nothing else leaves then. All that is given lives in the visit's arena.
 * The id tells it from every other: `ID/0`, `ID/1` of the message's own, where a step has no
 * better. Key bytes NULL: that of the message, which its answer keeps. A visit that makes
 * none is no error: STEP_DROP says that nothing has left yet, STEP_DONE that the message has
 * no parts, which is gathered to an empty whole. LIMIT: too many. */
bool visit_offspring(struct visit *visit, struct text id, struct text key, int64_t time_ms, const struct payload *payload,
		     struct error *error);

/* The message that is visited: for ids, keys and times. */
const struct message *visit_message(const struct visit *visit);

/* Of a step that gathers: what the n-th of the offspring that came has brought, in their
 * order; visit_input() is what the step that made them was sent. False past the last. */
bool visit_part(const struct visit *visit, size_t nth, struct text *id, const struct payload **payload);

/* A scope over the visit's input; `made` may be NULL. */
struct scope visit_scope(const struct visit *visit, const struct tensors *made);

/* Evaluates a condition over the input: false fills in an INPUT error that names
 * what was missing. */
bool visit_judge(struct visit *visit, const struct expression *condition, bool *holds, struct error *error);

/* Asks the outside. `request` lives in the visit's arena. The call's answer comes to
 * answered(). NULL when memory ran out. */
struct call *visit_call(struct visit *visit, enum call_target target, const char *name, const struct payload *request,
			struct error *error);

/* Sends a copy off the path: nobody waits for it, it is sent once, and what comes of it is
 * dropped. `request` is read before this returns. */
void visit_copy(struct visit *visit, enum call_target target, const char *name, const struct payload *request);

/* ---- of a stateful step's visit ----
 *
 * Keys are the step's own: no other step sees them. Only messages of one partition share
 * them, so a key must be part of what the stage is partitioned by. Values outlive the
 * engine that wrote them: begin them with a version. */

/* What is remembered under `key`; false: nothing. The value is aligned to 8 bytes; it
 * stays until run() or answered() returns, and until that key is written. */
bool visit_recall(struct visit *visit, struct text key, struct text *value);

/* `size` bytes, aligned for any type, that are remembered under `key` from now on; they
 * are the step's to change until its visit ends. They begin as what was remembered there
 * before, cut off or with zeros behind it. The key is copied. NULL: LIMIT. */
void *visit_remember(struct visit *visit, struct text key, size_t size, struct error *error);

/* Nothing is remembered under `key` any more. False: LIMIT. */
bool visit_forget(struct visit *visit, struct text key, struct error *error);

#endif
