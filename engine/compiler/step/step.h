/* step.h: Contract between the engine and a step kind.
 *
 * A step kind is one file in steps/. It ends in one `const struct step_kind`, which steps/kinds.c lists. The engine
 * has no other access to it.
 *
 * Lifecycle: open() once for each worker and deployed version of a pipeline; run() for each visit. What open() makes is
 * in the step's arena and ends with it. A step belongs to one worker, so it needs no lock.
 *
 * A visit is one message at one step. It has the input (several sources, at a join), the output (no message, one, or
 * many), and scratch memory that is freed with the message. A step never waits and never uses a socket, a file or a
 * clock. For anything outside the process it makes a call with visit_call() and returns STEP_WAIT. The engine enters
 * answered() of its call rules with the reply. So the same step runs unchanged in `sluice test`, in the simulator and
 * in production.
 *
 * A stateful step stores bytes by key from message to message. It is an ordered gate: it gets the messages of a
 * partition in their order, whatever calls they waited for, and each message sees what earlier ones stored. A visit
 * that fails stores nothing. The writes of a visit that ended well stay, even when a later step fails. A kind whose
 * state matters only at the end of a visit has in_turn() in its state rules: its messages work side by side, and only
 * what follows has their order.
 *
 * A step may make many child messages (offspring) of one message. Children have ids, keys and times of their own.
 * They pass through the later steps as messages of their own, in the order in which they were made, also through a
 * stateful step. Where a later step also reads a step that is not after the one that made the children, it gets the
 * parent's value, the same for all. The parent itself does not continue there. Where children reach the output, each
 * of them gives an answer of its own; these leave with the parent, in its position and transaction. A later step may
 * collect the children, and its output belongs to the parent again.
 */
#pragma once

#include "base/option.h"
#include "message/message.h"
#include "compiler/step/assignment.h"
#include "compiler/expression/expression.h"

struct visit; /* one message at a step; flow/visit.c */
struct verdict_board;

/* Source of the bytes of files that options name. The opener of a flow passes it in. Any thread may read. `content`
 * lives as long as the source and is followed by a NUL. Reading the same file again gives the same bytes. */
struct file_source {
	void *context;
	bool (*read)(void *context, const struct name *file, const char *digest, struct text *content, struct error *error);
};

/* One step of one running pipeline. Borrowed from the plan except `state`. */
struct step {
	const struct step_kind *kind;
	const char *name;
	const char *pipeline;
	const void *options;		     /* filled from the kind's rows */
	struct place place;		     /* of the step in the YAML */
	struct arena *arena;		     /* lives as long as the opened step */
	const struct file_source *files;     /* NULL: no file can be read here, as in lint's infer() */
	void *state;			     /* set by open() */
	const struct assignment *assignment; /* from messages to the step's shares; NULL: its kind has none */
	const struct step *explained;	     /* the step that it explains; NULL: none */
	struct verdict_board *board;	     /* observe/verdict_board.h; NULL: there is none here */
};

#define OBSERVER_SUFFIX ".observer" /* of an observer's name, after that of the step that it observes */

enum step_verdict {
	STEP_DONE,    /* the emitted payload continues */
	STEP_WAIT,    /* a call is in progress */
	STEP_IN_TURN, /* in_turn() of the state rules goes on, when earlier messages have passed; only visit_in_turn() gives it */
	STEP_DROP,    /* no output on this branch, and that is no error */
	STEP_FAIL,    /* `error` gives the reason; its kind decides what happens to the message */
};

/* Target of a call. */
enum call_target { CALL_MODEL, CALL_PIPELINE, CALL_EXPERIMENT, CALL_ANY /* a plain name: the graph resolves it */ };

/* State of a call, for the error that explains why it has no reply. */
enum call_whereabouts {
	CALL_BEGUN,   /* nothing more is reported */
	CALL_IN_LINE, /* queued behind other calls, or its target is unreachable */
	CALL_PAUSED,  /* it failed and waits for its retry */
	CALL_SENT,
};

/* What a call waits for, or a message by its calls. Of several the last in this list counts. */
enum standing {
	STANDING_NONE,	     /* for no call */
	STANDING_UNSENT,     /* in line for a model that can be reached, which has got no call of the message */
	STANDING_BEGUN,	     /* likewise, and a call of the message has ended before */
	STANDING_HELD_UP,    /* for an unreachable model, or for another attempt */
	STANDING_ON_ITS_WAY, /* for a model that works on it; or it has ended */
};

struct call {
	enum call_target target;
	const char *name;
	const struct payload *request;
	const struct message *message; /* for id, headers, deadline; for a batch: of its first member */
	int64_t due_ms;		       /* when it ends, if that is before the deadline of the message; 0: at the deadline */
	int64_t timeout_ms;	       /* of each attempt; 0: the model's timeout, or 30 s */
	bool timeout_own;	       /* the step sets the timeout: it overrides the model's */
	struct tensors_wanted outputs; /* requested from the model; count 0: all. The step checks that they came */
	int64_t kept_ms;	       /* cache time set by the step: the reply answers equal requests meanwhile; 0: the model's */
	bool once;		       /* a shadow request: no retry, and it does not wait for an unreachable model */
	bool outage_fails;	       /* it fails at once if its model is unreachable: something else is to answer then */
	bool uncached;		       /* a perturbation: no cache, tap or metric has it, and other calls go first */
	/* The result: one of the two. */
	const struct payload *reply;
	struct error error; /* kind NONE: `reply` holds */
	unsigned attempts;  /* attempts that were sent; 0: none */
	enum call_whereabouts where;
	int64_t waited_ms; /* set with the result: in queues of this engine, before models that could be reached */
	int64_t outage_ms; /* set with the result: when servers of its model were last unreachable; 0: never, or not known */
	void *owner;	   /* the waiting party; used by flow */
	void *under_way;   /* the request in progress; used by serving, and for a subpipeline by its worker */
	void *asker;	   /* the requester; used by the platform that runs the flow's calls */
	void *mirrored;	   /* the copy to a mirror that is compared with the result; NULL: none; likewise */
};

/* When a call ends without a reply; 0: never. */
static inline int64_t call_deadline_ms(const struct call *call)
{
	const int64_t deadline_ms = call->message->deadline_ms;
	return call->due_ms > 0 && (deadline_ms == 0 || call->due_ms < deadline_ms) ? call->due_ms : deadline_ms;
}

/* Effect of a kind on the tensors of a message, for fusion and type inference. */
enum step_shape {
	SHAPE_ADDS,	/* passes all tensors and adds some */
	SHAPE_REPLACES, /* passes only the tensors that it makes */
	SHAPE_PASSES,	/* passes all tensors unchanged, or no message */
};

/* Statically known type of a tensor. */
struct tensor_type {
	struct text name;
	struct value_type type;
	const struct parameters *parameters; /* with the names of its columns; NULL: not known */
};

/* Memory of lists of types: its entries, how many are used, and how many there are. */
struct tensor_room {
	struct tensor_type *items;
	size_t taken;
	size_t size;
};

/* Types of a list of tensors. Lists are shared and never changed. A step that adds types to a list uses the free
 * entries after it, unless another list has used them already; then it copies the list. So a chain of steps, each of
 * which adds a tensor, needs no list for each step. */
struct tensor_types {
	bool complete; /* false: there may be other tensors */
	size_t count;
	const struct tensor_type *items;
	struct tensor_room *room; /* NULL: no entries after `items` */
	const char *remark;	  /* remark of the plan on how the step makes them; NULL: none */
};

/* By what feedback names the request of a message. */
struct fit_name {
	struct text id;
	struct text origin; /* TOPIC-PARTITION-OFFSET; empty: unknown */
};

/* What feedback says became of a request. */
struct fit_truth {
	double accuracy;      /* the metric of that name, from 0 to 1; NaN: none */
	struct tensors truth; /* what the answer should have been */
};

struct settled_score; /* message/records/settled_score.h */

/* Messages from which a kind learns its parameters. They can be read several times, or once. */
struct fit_source {
	void *context;
	bool passes_once; /* the rewind does nothing */
	void (*rewind)(void *context);
	/* The tensors of the next message, as the step would get them, in the arena. False: there is no next one, or
	 * `error` is set. */
	bool (*next)(void *context, struct arena *arena, struct payload *payload, struct error *error);
	/* Reports that the step rejects the last message with an INPUT error. `texts`: the tensor whose elements are
	 * texts where numbers are needed, if that is the reason; else NULL. True: the message is left out from now
	 * on. False: `error` now has the place of the message, and ends the fit. */
	bool (*refused)(void *context, const struct tensor *texts, struct error *error);
	/* Whether a tensor of texts of the last message is meant as that; `is_named`: the step's options name it. False: INPUT, it
	 * is a column of a CSV that has nearly all numbers, maybe formatted ones: $5; or, unless it is named, ones with units: 5
	 * EUR. NULL: messages have types. */
	bool (*texts_check)(void *context, const struct tensor *texts, bool is_named, struct error *error);
	/* The tensor of the last message with the type that is wanted, in the arena, as a CSV has none: numbers, if its field is
	 * one, or texts. Returns the tensor itself if it cannot have that; NULL: the arena is full. NULL (the hook): messages have
	 * types. */
	const struct tensor *(*retype)(void *context, const struct tensor *tensor, bool texts, struct arena *arena);
	/* The last message, for expressions, until the next. NULL: rows have nothing beside tensors. */
	const struct message *(*message)(void *context);
	/* The event time of the last message; NULL: messages have no times. */
	int64_t (*time_ms)(void *context);
	/* The name of the last message, until the next. NULL: messages have no names. */
	struct fit_name (*name)(void *context);
	/* Finds the feedback on a message; NULL: there is none on it. The function is NULL: no feedback was read. */
	const struct fit_truth *(*truth)(void *truths, const struct fit_name *name);
	void *truths;
	/* Finds what became of a segment's window, of messages of these times and so many rows, in the records of its observer;
	 * NULL: it has not settled yet. The function is NULL: no such records were read. */
	const struct settled_score *(*settled)(void *settlements, struct text segment, int64_t begin_ms, int64_t end_ms,
					       uint64_t rows);
	void *settlements;
	/* By how much a feature's share of the importance of all changed from the first windows of an explaining step to those of
	 * that time; NaN: not known. The function is NULL: there are none. */
	double (*importance_shift)(void *importances, struct text feature, int64_t begin_ms, int64_t end_ms);
	void *importances;
	/* Reports a remark on the learnt parameters that is no error; NULL: nobody reads it. */
	void (*remarked)(void *listener, const char *text);
	void *listener;
	size_t rows_most;		  /* so many rows are learnt from, the first; 0: all. A drift reference has it */
	const struct rebase_result *past; /* of a step whose reference is the past of its stream; NULL: it was not read */
};

/* Reports a remark, if there is one and somebody reads it. */
static inline void fit_source_remark(const struct fit_source *source, const char *remark)
{
	if (remark && source->remarked)
		source->remarked(source->listener, remark);
}

/* What is to be made of the past that a step has stored (`sluice drift rebase`). */
struct rebase_wanted {
	void *state;							  /* of its observer */
	bool (*recall)(void *state, struct text key, struct text *value); /* as visit_recall() */
	int64_t from_ms, until_ms;					  /* the windows of that time, with both ends */
	bool alarmed;							  /* also windows in alarm */
};

/* What was made of it. */
struct rebase_made {
	uint64_t windows, rows;
	uint64_t values;		  /* rows that are in the file */
	int64_t first_ms, last_ms;	  /* times of its windows */
	uint64_t left_windows, left_rows; /* left out, since a window was in alarm */
};

struct rebase_result {
	struct text file;
	struct rebase_made made;
};

/* What the state of an observer waits for: a message whose record was written then, or later. */
struct awaited_time {
	int64_t due_ms;
	int64_t clock_ms; /* when the last one was written that the state knows; maybe after `due_ms` */
};

/* ---- facts about a step, and rules of its kind: what the engine must know beside its visits ---- */

struct experiment_spec; /* compiler/step/experiment.h */

/* Number of sources that a merging step waits for, and how long. */
struct quorum {
	size_t need;	   /* sources needed; with fewer it fails. 0: as its join is written */
	int64_t within_ms; /* window from the first source, after which it continues without the others; 0: the join's window */
};

/* Facts about a step that follow from its options. They live as long as these. */
struct step_facts {
	/* What its options ask for that cannot run yet, with its place: lint warns, and a run refuses it. NULL: nothing. */
	const char *later;
	struct place later_place;
	/* It marks each message as a whole, so that none shares a batch. */
	bool marks;
	/* Of a step that calls its model: the outputs that it requests (NULL, or empty: the model decides), and the model's address
	 * (a storageUri; NULL: the Model of that name applies). */
	const struct name_list *outputs;
	const char *storage;
	/* The experiment in its options, for the checks that apply to any experiment, and the experiment's name. NULL: none. */
	const struct experiment_spec *experiment;
	const char *experiment_name;
	/* Of a step that merges: the tensor that each source must give, except sources that the quorum does not need (NULL: none is
	 * named), and the quorum. */
	const char *member_tensor;
	struct quorum quorum;
	/* It makes child messages with visit_offspring(). */
	bool makes_offspring;
	/* The step whose child messages it collects. It is then visited once, when all of them have come or ended, and reads them
	 * with visit_part(). It stores no state. NULL text: none. */
	struct name collects;
	/* Of a step whose kind stores state: the key by which its messages must be partitioned; the step evaluates it itself, for
	 * the key of its state. NULL: the key of the record. */
	const struct expression *key;
	/* Likewise: it stores none with these options. */
	bool is_stateless;
	/* Likewise: what determines, besides the kind, how its state is read: one word. State of another form is of no use to the
	 * step. NULL: the kind alone, which recognises what its other options wrote. */
	const char *form;
	/* The other step of the pipeline whose result it reads. NULL text: none. */
	struct name watched;
	/* Of a step that explains: it does so beside the answer, which does not wait, in a stage of its own; and how many rows of
	 * the pipeline's newest requests an engine gives to background() when it starts, if the explained step gets requests as
	 * they are. */
	bool is_beside;
	size_t background_rows;
	/* The kind of the observer that the plan adds to the step: a step with its options that gets its inputs, in a stage of its
	 * own beside the answer, where one task has all of its messages. NULL: none. */
	const struct step_kind *observer;
	/* The expression for whose values its observer has a verdict each. NULL: it has one verdict. */
	const struct expression *segments;
	/* It estimates how good the answers are: the figure `estimated_error`, or the others of that sort. */
	bool estimates_error, estimates;
	/* The topic from whose records an engine learns what fit() would write, when it starts; the observer finds it on the board
	 * (verdict_entry_learnt()). NULL: none. */
	const char *learns_from;
	/* It compares with the past that it has stored, so that review() needs that past of its source. */
	bool reviews_past;
	/* Of an observer: the share of the messages that it gets, 0 to 1. */
	double share;
	/* Of an observer: it takes the rows of several messages as one (message/records/slice.h). Then nothing of a message but its
	 * tensors and its time may matter to it. */
	bool slices;
	/* Of an observer: it waits for what becomes of requests, so feedback goes to it, too (message/records/truth_link.h). */
	bool awaits_truths;
};

/* Rules of a kind that calls models or pipelines. */
struct call_rules {
	/* The targets that it calls: the n-th, until it returns false. */
	bool (*targets)(const struct step *step, size_t nth, enum call_target *target, const char **name);
	/* The targets of its shadow requests (visit_copy()), likewise. NULL: none. */
	bool (*shadows)(const struct step *step, size_t nth, enum call_target *target, const char **name);
	/* What the step is instead, where nothing offers its model: another kind, with options in the arena. `ignored` is set to
	 * the first parameter that has no effect there, if there is one. NULL: it stays what it is, and `error` says why, if its
	 * parameters are meant for something built in. NULL (the hook): it always stays. */
	const struct step_kind *(*built_in)(const struct step *step, struct arena *arena, const void **options,
					    struct name *ignored, struct error *error);
	/* Called with the reply of a call, or with its error. */
	enum step_verdict (*answered)(struct step *step, struct visit *visit, struct call *call, struct error *error);
};

/* The experiment of a step that splits by shares. */
struct step_split {
	const char *name;
	bool exposes;				   /* assignments are also written as exposures */
	const char *variants[ASSIGNMENT_WAYS_MAX]; /* names of the choices, in the order of the shares */
	/* That of its shadow requests whose replies are compared with the answers: visit_way() sends it. NULL: none. */
	const char *mirror; /* whom it calls */
	int64_t mirror_percent;
	struct place mirror_percent_place; /* line 0: not given */
	double mirror_tolerance;
};

/* Rules of a kind that chooses where a message continues. */
struct route_rules {
	/* The later steps that visit_only_to() may select: the n-th, until it returns false. Each must list this step
	 * in its inputs. NULL: none. */
	bool (*targets)(const struct step *step, size_t nth, struct name *target);
	/* The choices among which it splits messages (visit_way()): the n-th, until it returns false. They have
	 * different names, and weights of which at least one is above 0. NULL: it does not split. */
	bool (*shares)(const struct step *step, size_t nth, struct share *share);
	/* The experiment whose choices these are: then each is an assignment. False (also as hook NULL): they are of none. */
	bool (*split)(const void *options, struct step_split *split);
	/* Its choices are the candidates of an experiment, which its options contain or name. */
	bool is_experiment;
};

/* Sources of a step's join, for a static check. */
struct step_sources {
	size_t count;		  /* the same as for visit_source() */
	const struct name *items; /* the step of each source, with the place of its reference */
	bool one_at_a_time;	  /* its join is `any`: each source continues alone, unless it has a quorum */
};

/* Rules of a kind that merges its sources into one output. It reads them with visit_source(). */
struct merge_rules {
	/* Names that its expressions may use in addition to the common ones; ends with NULL. NULL: none. */
	const char *const *own_names;
	/* The sources that its options name: the n-th, until it returns false. Each must be a step that it reads, or
	 * the pipeline. NULL: none. */
	bool (*members)(const struct step *step, size_t nth, struct name *member);
	/* Checks the sources of its join. An error without a place is about its options. NULL: no check. */
	bool (*check)(const struct step *step, const struct step_sources *sources, struct error *error);
};

/* Rules of a kind that stores state: it may call visit_recall(), visit_remember() and visit_forget(). */
struct state_rules {
	/* Goes on with a visit that returned visit_in_turn(), when all earlier messages of the partition have passed. Only it may
	 * use the state then. `work` is what was handed over. It returns another verdict, and makes no call. NULL: messages
	 * are in their order from run() on. */
	enum step_verdict (*in_turn)(struct step *step, struct visit *visit, void *work, struct error *error);
};

/* Rules of a kind that assesses what other steps do. */
struct monitor_rules {
	/* It explains the step that it watches, or without a name the step of its first input. It also gets that
	 * step's inputs (visit_explained()). Checks whether it can; an error without a place is about its options.
	 * `explained` has no memory and no files. `later`: set to the words for what cannot run yet, if it is that. NULL:
	 * it explains none. */
	bool (*explains)(const struct step *step, const struct step *explained, const char **later, struct error *error);
	/* Its observer closes windows, and gives a verdict of drift on each: records, figures, marks. */
	bool judges_windows;
	/* The step itself does nothing but mark messages with what is known: where nobody reads its output, it is not visited. */
	bool only_marks;
	/* The mark, or tensor, of BOOL by which it flags messages: its share is a figure of alerts. NULL: it flags none. */
	const char *flag;
	/* The score by which it does, of as many elements: one that is NaN was not judged, and is in no share. */
	const char *score;
};

/* Rules of an observer: a kind whose steps the plan adds, each to a step that has it as a fact. */
struct observer_rules {
	/* Whether it reads that tensor of its input, by its name and datatype. The others are not sent to it. */
	bool (*reads)(const struct step *step, const struct tensor *tensor);
	/* Puts the last verdicts that its state has on the board, as its partition has come; the visit has no message. NULL: it
	 * shows none before a message comes. */
	void (*show)(struct step *step, struct visit *visit);
	/* Whether something in its state waits for a time. If no other message brings it, one of time alone does
	 * (message/records/truth_link.h). The visit has no message, and remembers nothing. NULL: it never waits. */
	bool (*awaits_time)(struct step *step, struct visit *visit, struct awaited_time *awaited);
};

/* Rules of a kind that learns from messages, or compares messages with what it has learnt. Its step is not opened. */
struct learning_rules {
	/* Learns the parameters that its options leave to fitted files, and writes the file (`sluice fit`). NULL: it learns
	 * none. */
	bool (*fit)(struct step *step, const struct fit_source *source, struct buffer *file, struct error *error);
	/* Compares messages with what the step has learnt, and writes what it finds: a line for each window, as text or as
	 * JSON (`sluice drift report`). NULL: it compares nothing. */
	bool (*review)(struct step *step, const struct fit_source *source, bool json, struct buffer *report, struct error *error);
	/* Writes the file that fit() would write, of windows of the past that the step has stored. INPUT: the past has no such
	 * windows, or too few. NULL: it stores no past. */
	bool (*rebase)(const struct step *step, const struct rebase_wanted *wanted, struct rebase_made *made, struct buffer *file,
		       struct error *error);
	/* Writes rows of these messages, which the step finds on the board (verdict_entry_background()). `enough`: as many as it
	 * needs; if not, an engine reads requests again when it is reloaded. NULL: it has no fact background_rows. */
	bool (*background)(const struct step *step, const struct fit_source *source, struct buffer *file, bool *enough,
			   struct error *error);
};

/* Subjects of a kind's remarks on a step that is no error, in the order in which lint has them. */
enum remark_subject {
	REMARK_LARGE_STATE,	     /* the memory that its state may need is much */
	REMARK_IDLE_OPTION,	     /* an option has no effect on the tensors that come */
	REMARK_CONSTANT_FEATURES,    /* features of its reference do not vary, or have too few values there */
	REMARK_UNDECLARED_ALARMS,    /* alarms that the rate of its options has no part for */
	REMARK_UNWATCHABLE_FEATURES, /* features of its reference in which it can find no drift */
	REMARK_SUBJECTS
};

struct remark {
	const char *words;  /* in the arena; NULL: none */
	struct place place; /* of the option */
};

/* A step kind: functions of its own, and the rules of what it does. A plain value instead of a map is read by the row
 * with short_form. */
struct step_kind {
	const char *name;	      /* the key in YAML */
	const char *summary;	      /* one sentence, for the reference page */
	const char *example;	      /* YAML of one step */
	const struct option *options; /* ended by OPTION_END; NULL for a kind without options */
	size_t options_size;
	enum step_shape shape;
	/* Rules; NULL: it does nothing of that sort. */
	const struct call_rules *calls;
	const struct route_rules *routes;
	const struct merge_rules *merges;
	const struct state_rules *state;
	const struct monitor_rules *monitors;
	const struct observer_rules *observes;
	const struct learning_rules *learns;
	/* Sets the facts that differ from zero, by the options: the step may have no name here. NULL: none does. */
	void (*describe)(const struct step *step, struct step_facts *facts);
	/* Checks beyond the rows; sets `error` to the first fault only. NULL: none. */
	bool (*check)(const void *options, struct place place, struct error *error);
	/* Infers the output types for the input types `in`. `out` contains the types that are known without the hook:
	 * from the called model, else from `shape`. NULL: there are no others. */
	bool (*infer)(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
		      struct error *error);
	/* Sets its remarks, which are empty before. It may read files. `in`: the types of its input. `is_lint`: it may take
	 * seconds. NULL: it has none. */
	void (*remark)(const struct step *step, const struct tensor_types *in, bool is_lint, struct arena *arena,
		       struct remark remarks[REMARK_SUBJECTS]);
	/* Prepares what it needs in the step's arena. NULL: nothing. */
	bool (*open)(struct step *step, struct error *error);
	/* Frees what its visits hold beside the step's arena. NULL: nothing. */
	void (*close)(struct step *step);
	enum step_verdict (*run)(struct step *step, struct visit *visit, struct error *error);
};

#define STEP_KIND_DEFAULT "model" /* for a step without a kind key: it calls the model of its own name */

/* The table of kinds, which main() passes down; ends with NULL. */
typedef const struct step_kind *const step_kind_table[];
const struct step_kind *step_kind_find(const struct step_kind *const *kinds, const char *name);

/* The bytes of the file that an option names. Only for open() and infer(). They live as long as the opened step. A
 * relative name is relative to the YAML file that contains it. `digest` is its SHA-256 in hexadecimal digits, with or
 * without `sha256:` before them; NULL: it is not checked. A failure is a CONFIG error at the file's place. */
bool step_file(const struct step *step, const struct name *file, const char *digest, struct text *content, struct error *error);

/* Facts about the step; without a kind or options: all zero. */
struct step_facts step_facts(const struct step *step);

/* Values of the rules of the step's kind. Without a kind, without options or without the rule: false, or NULL. */
bool step_is_stateful(const struct step *step); /* whether it may have state: a step that collects children has none */
bool step_calls(const struct step *step, size_t nth, enum call_target *target, const char **name);
bool step_shadows(const struct step *step, size_t nth, enum call_target *target, const char **name);
const struct name_list *step_model_outputs(const struct step *step); /* what it, or the step that it explains, requests */
bool step_estimates(const struct step *step, struct text figure);    /* that figure of how good the answers are */
bool step_explains(const struct step *step);			     /* whether it explains another step */
bool step_is_beside(const struct step *step);			     /* whether it explains or observes beside the answer */
bool step_is_observer(const struct step *step);			     /* whether the plan has added it */
bool step_observes(const struct step *step, const struct message *message); /* whether it, an observer, gets the message */
struct sample step_sample(const struct step *step);			    /* the messages that it, an observer, gets */
bool step_awaits_time(const struct step *step); /* whether its state, of an observer, may wait for a time */

/* ---- of the visit ---- */

struct arena *visit_arena(struct visit *visit);

/* The input: all sources joined, selected and renamed. */
const struct payload *visit_input(const struct visit *visit);

/* The input from one source, for kinds that combine: the n-th, in the order of `inputs`. The payload is NULL where
 * that source gave nothing. False past the last. */
bool visit_source(const struct visit *visit, size_t nth, const char **step, const struct payload **payload);

/* Emits the output; the payload lives in the visit's arena. visit_pass() emits the input, unchanged and not copied. */
void visit_emit(struct visit *visit, const struct payload *payload);
void visit_pass(struct visit *visit);

/* Sends the output only to the step of that name (route's `to`); NULL: to all its readers. */
void visit_only_to(struct visit *visit, const char *step);

/* Sets the index of the message's choice among the kind's shares. It is the same for all messages of a key. Without a key
 * it is fixed for the record. If the shares are those of an experiment, the route of a request may choose instead, the choice is an
 * assignment of the message, and its mirror gets a copy of the visit's input. LIMIT: memory ran out. */
bool visit_way(struct visit *visit, size_t *way, struct error *error);

/* Whether the message is in a part of `percent` of all keys: all messages of a key are, or none. Without a key it is drawn by its
 * topic position. Parts of different salts are independent. */
bool visit_is_drawn(const struct visit *visit, const char *salt, double percent);

/* ---- one message into many, and back ---- */

#define OFFSPRING_MAX 10000 /* of one message, including children of children; an arena has memory for no more */

/* Emits a child message, after those made before it, when the visit ends with STEP_DONE; nothing else is emitted
 * then. All arguments live in the visit's arena. The id is unique: `ID/0`, `ID/1` from the message's own id, where a
 * step has no better one. Key bytes NULL: the message's key, which its answer keeps. A visit without children is no
 * error. STEP_DROP means that no child is ready yet. STEP_DONE means that the message has none; a collecting step
 * then gets an empty list. LIMIT: too many. */
bool visit_offspring(struct visit *visit, struct text id, struct text key, int64_t time_ms, const struct payload *payload,
		     struct error *error);

/* The message of the visit: for ids, keys and times. */
const struct message *visit_message(const struct visit *visit);

/* For a step that collects children: the payload of the n-th child that came, in their order. visit_input() is the
 * input of the step that made them. False past the last. */
bool visit_part(const struct visit *visit, size_t nth, struct text *id, const struct payload **payload);

/* A scope over the visit's input; `made` may be NULL. */
struct scope visit_scope(const struct visit *visit, const struct tensors *made);

/* Evaluates a condition over the input. False: an INPUT error that names the missing tensor. */
bool visit_judge(struct visit *visit, const struct expression *condition, bool *holds, struct error *error);

/* Starts a call. `request` lives in the visit's arena. The result is passed to answered(). NULL: memory ran out. */
struct call *visit_call(struct visit *visit, enum call_target target, const char *name, const struct payload *request,
			struct error *error);

/* Starts a call with a perturbed request: it is sent once, bypasses caches, does not wait for an unreachable model, and fails
 * at `due_ms`, by the clock of visit_now_ms(); 0: when the message is due. */
struct call *visit_perturb(struct visit *visit, const char *model, const struct payload *request, int64_t due_ms,
			   struct error *error);

/* The time when run() or answered() was entered, by the clock of deadlines. */
int64_t visit_now_ms(const struct visit *visit);

/* For a step that explains another: the inputs of that step. `others` gets what the step itself lists as its inputs. NULL: the
 * arena is full. */
const struct payload *visit_explained(const struct visit *visit, const struct payload **others);

/* Lists explanations with the message that was entered, in their order, after those of other steps. They live in the visit's
 * arena, and leave with that message. */
struct explained;
void visit_explain(struct visit *visit, struct explained *made);

/* Lists a record with the message that was entered. It lives in the visit's arena, and leaves with that message. */
struct listed_record;
void visit_list(struct visit *visit, struct listed_record *record);

/* Sends a shadow request: no step waits for it, it is sent once, and its reply is dropped. `request` is read before
 * this returns. */
void visit_copy(struct visit *visit, enum call_target target, const char *name, const struct payload *request);

/* ---- of a stateful step's visit ----
 *
 * A step's keys are private to it. Only messages of one partition share them, so the key by which the stage is
 * partitioned must be part of each key. Values outlive the process that wrote them, so they begin with a version.
 */

/* The verdict of run() or answered() of a kind with in_turn(): that goes on with `work`, which lives in the visit's arena,
 * in the order of the partition. What was emitted so far stays. */
enum step_verdict visit_in_turn(struct visit *visit, void *work);

/* Reads the value stored under `key`. False: there is none. The value is aligned to 8 bytes. It is valid until run()
 * or answered() returns, and until that key is written. */
bool visit_recall(struct visit *visit, struct text key, struct text *value);

/* Stores `size` bytes under `key`, aligned for any type; the step may change them until its visit ends. They begin as
 * the previous value, cut off or extended with zeros. The key is copied. NULL: LIMIT. What all writes of a visit add is judged when
 * it ends, which may fail it: only a kind with .monitors is refused here, and may do in its run what cannot be undone. */
void *visit_remember(struct visit *visit, struct text key, size_t size, struct error *error);

/* Deletes the value under `key`. False: LIMIT. */
bool visit_forget(struct visit *visit, struct text key, struct error *error);
