/* graphs.h: for tests of the flow: small graphs from a few words, and an outside that
 * notes what it is asked and is answered by hand.
 *
 * References are written as `request`, `request.T`, `STEP`, `STEP.T`, `STEP:inputs`,
 * with blanks between; `T>N` renames T to N.
 */
#pragma once

#include "flow/flow.h"
#include "payload_words.h"

#define NOTED_MAX 64

struct made_step {
	const char *name;
	const struct step_kind *kind; /* NULL: `kind_asks` */
	const char *inputs;	      /* NULL: "request" */
	enum join_type type;
	int64_t window_ms; /* 0: 60 s */
	const char *triggers;
	enum join_type triggers_type;
	int64_t batch_size, batch_window_ms;
	bool on_cycle;
};

/* A step that calls the model of its own name and gives its reply. */
extern const struct step_kind kind_asks;
/* A step that adds a tensor of its own name: the first tensor plus one. */
extern const struct step_kind kind_adds;
/* A step that drops every message. */
extern const struct step_kind kind_drops;
/* A stateful step that adds a tensor of its own name: how many messages with that first
 * element of the tensor `k` have come to it, this one included. It counts, and then drops
 * a message with a tensor `drop`, fails one with a tensor `bad`, and forgets the count
 * with a tensor `forget`. */
extern const struct step_kind kind_counts;
/* The same, but it asks the model of its own name before it counts. */
extern const struct step_kind kind_asks_and_counts;
/* The same, but its messages ask side by side, and only the counts have their order. */
extern const struct step_kind kind_asks_then_counts;

/* A step that makes an offspring of each number of the tensor `x`, which becomes its `x`, with
 * the ids ID/0, ID/1 and so on, and with that number as the tensor `k`, which is its key. It
 * fails after that with a tensor `bad`, drops the message with a tensor `drop`, and passes it
 * on as it is with a tensor `pass`. */
extern const struct step_kind kind_splits;
/* The same, but it remembers how many of the number's key it has made, as the tensor `n`. */
extern const struct step_kind kind_splits_and_counts;
/* A step that puts together what `splits` made: `x` has the first numbers of all parts, `n`
 * is how many there are. */
extern const struct step_kind kind_gathers;
/* A step that drops messages whose `x` is negative, and fails those whose `x` is above 99. */
extern const struct step_kind kind_sieves;

/* `output` NULL: none. Everything is in `arena`. */
struct graph *graph_made(struct arena *arena, const struct made_step *steps, size_t count, const char *output, enum join_type type);

struct noted_answer {
	const char *id;
	enum flow_outcome outcome;
	enum error_kind kind;
	char error[ERROR_TEXT_MAX];
	char tensors[256]; /* "name=1,2 other=3" */
	int64_t at_ms;
	bool finished;
};

/* The outside, the flow, and the time of one test. */
struct scene {
	struct arena *arena;
	struct graph *graph;
	struct flow *flow;
	int64_t now_ms;
	size_t call_count, forgotten;
	struct call *calls[NOTED_MAX]; /* NULL: answered or forgotten */
	size_t copy_count; /* shadow requests */
	bool refuses_copies; /* of mirrors: there is no space for them */
	const char *copied[NOTED_MAX];
	struct mirrored_result mirrored; /* of the latest copy to a mirror */
	size_t mirrored_count;		 /* copies to a mirror whose result is known */
	double mirrored_number;		 /* the first of the latest of them; NaN: it is an error */
	size_t mirrored_tensors;	 /* of it */
	size_t unmirrored_count;	 /* those that were given up */
	size_t answer_count;
	struct noted_answer answers[NOTED_MAX];
	size_t taps[TAP_STEP_OUTPUTS + 1];
	size_t message_count, finished_count;
	struct message *messages[NOTED_MAX];
	struct store *store; /* NULL: stateful steps remember nothing */
	struct line *line;   /* of the messages made next */
	bool finished[NOTED_MAX];
	size_t released;
	const char *away; /* a model that cannot be reached; NULL: none was. Calls wait in line unless they are CALL_SENT */
	int64_t back_ms;  /* until then */
};

extern struct policy_board *scene_policies; /* of scenes that are opened; NULL at first */
extern const char *scene_learns_as;	    /* likewise */
extern struct rollout_board *scene_rollouts; /* likewise */
extern struct step_counts *const *scene_counts; /* likewise; of each step of the graph */

void scene_open(struct scene *scene, struct graph *graph, struct arena *arena, bool tapped);
void scene_close(struct scene *scene);

/* From now on stateful steps remember: messages made later are of one partition, and
 * released, as a worker would, when they and all before them have finished. */
void scene_keep(struct scene *scene);

/* Sends a message with these tensors ("x=1,2 y=3": FP32, shape [n]; "x=[2]1,2,3,4" has
 * shape [2, n/2]). */
void scene_send(struct scene *scene, const char *id, const char *tensors);
struct message *scene_message(struct scene *scene, const char *id, const char *tensors);
void scene_enter(struct scene *scene, struct message *message);

/* The oldest open call of that model. */
struct call *scene_call(struct scene *scene, const char *model);
void scene_reply(struct scene *scene, const char *model, const char *tensors);
void scene_fail(struct scene *scene, const char *model, enum error_kind kind, const char *text);
void scene_advance(struct scene *scene, int64_t now_ms);

/* The one answer for that id, of a message or one of its offspring, or NULL. */
const struct noted_answer *scene_answer(const struct scene *scene, const char *id);
