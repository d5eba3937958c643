/* experiment_stand.h: Stand for tests of the choices of an experiment `e`: its file, a scene of the pipeline that asks it, and what
 * a message gets. */
#pragma once

#include "flow_scene.h"
#include "message/records/assigned.h"
#include "planning.h"

#define PIPELINE                                                                                                                   \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                         \
	"spec:\n  output: {steps: [s]}\n  steps:\n"
#define EXPERIMENT "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
#define BY_NAME "  - {name: s, experiment: {name: e}}\n"

/* There is one; of the pipeline and of the experiment. */
extern struct planning planning;

void open_experiment(const char *yaml); /* fails the test if the file has a fault */
void close_experiment(void);

/* `id` NULL: one of its own; `key` NULL: none. */
struct message *message_keyed(const char *id, const char *key, size_t offset);

/* What the latest message of candidate_of() got. */
extern struct assigned chosen;
void chosen_keep(const struct message *message);

/* The candidate that a message gets, whose call is answered; and one of `somebody` with that header. */
const char *candidate_of(struct message *message);
const char *candidate_with(const char *id, struct header header);
