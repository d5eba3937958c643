/* flow_scene.h: for tests of the flow: one scene at a time, on an arena of its own, and what is
 * expected of its answers.
 */
#pragma once

#include "graphs.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

extern struct arena *scene_arena;
extern struct scene scene;

/* Before a test and after it, for cmocka. */
int flow_scene_open(void **state);
int flow_scene_close(void **state);

void open_scene(const struct made_step *steps, size_t count, const char *output, enum join_type type);

void expect_tensors(const char *id, const char *tensors);
void expect_error(const char *id, enum error_kind kind, const char *contains);
void expect_outcome(const char *id, enum flow_outcome outcome);

/* The answers so far, in their order. */
void expect_order(const char *const *ids, size_t count);

/* Every message has finished, nothing is due, and no call is open. */
void expect_all_over(void);

/* And every answer has, none of which is a part's. */
void expect_all_finished(void);

/* Of the calls that were made, the n-th. */
void reply_to(size_t nth, const char *tensors);
