/* flow_scene.c: see flow_scene.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "flow_scene.h"

struct arena *scene_arena;
struct scene scene;

int flow_scene_open(void **state)
{
	(void)state;
	scene_arena = arena_open((size_t)1 << 24);
	return scene_arena ? 0 : -1;
}

int flow_scene_close(void **state)
{
	(void)state;
	scene_close(&scene);
	arena_close(scene_arena);
	return 0;
}

void open_scene(const struct made_step *steps, size_t count, const char *output, enum join_type type)
{
	scene_open(&scene, graph_made(scene_arena, steps, count, output, type), scene_arena, false);
}

void expect_tensors(const char *id, const char *tensors)
{
	const struct noted_answer *answer = scene_answer(&scene, id);
	assert_non_null(answer);
	assert_string_equal(answer->error, "");
	assert_string_equal(answer->tensors, tensors);
	assert_int_equal(answer->outcome, FLOW_ANSWER);
}

void expect_error(const char *id, enum error_kind kind, const char *contains)
{
	const struct noted_answer *answer = scene_answer(&scene, id);
	assert_non_null(answer);
	if (!strstr(answer->error, contains))
		fail_msg("`%s` does not contain `%s`", answer->error, contains);
	assert_int_equal(answer->kind, kind);
}

void expect_outcome(const char *id, enum flow_outcome outcome)
{
	const struct noted_answer *answer = scene_answer(&scene, id);
	assert_non_null(answer);
	assert_int_equal(answer->outcome, outcome);
}

void expect_order(const char *const *ids, size_t count)
{
	assert_int_equal(scene.answer_count, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(scene.answers[i].id, ids[i]);
}

void expect_all_over(void)
{
	assert_int_equal(scene.finished_count, scene.message_count);
	assert_int_equal(flow_due_ms(scene.flow), INT64_MAX);
	for (size_t i = 0; i < scene.call_count; i++)
		assert_null(scene.calls[i]);
}

void expect_all_finished(void)
{
	expect_all_over();
	for (size_t i = 0; i < scene.answer_count; i++)
		assert_true(scene.answers[i].finished);
}

void reply_to(size_t nth, const char *tensors)
{
	struct call *call = scene.calls[nth];
	assert_non_null(call);
	scene.calls[nth] = NULL;
	call->reply = payload_made(call->message->arena, tensors);
	flow_answered(scene.flow, call, scene.now_ms);
}
