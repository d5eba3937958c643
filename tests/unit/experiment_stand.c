/* experiment_stand.c: see experiment_stand.h. */
#include "experiment_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/rows.h"

struct planning planning;

void open_experiment(const char *yaml)
{
	planning_open(&planning, yaml);
	for (size_t i = 0; i < faults_total(planning.spec.faults); i++)
		if (faults_at(planning.spec.faults, i)->code->severity == SEVERITY_ERROR)
			fail_msg("%s", faults_at(planning.spec.faults, i)->message);
	scene_open(&scene, planning.graph, scene_arena, false);
}

void close_experiment(void)
{
	scene_close(&scene);
	scene = (struct scene){0}; /* it is closed again after the test */
	planning_close(&planning);
}

struct message *message_keyed(const char *id, const char *key, size_t offset)
{
	struct message *message = scene_message(&scene, id ? id : arena_print(scene_arena, "m%zu", scene.message_count), "x=1");
	message->origin = (struct origin){TEXT("t"), 3, (int64_t)offset};
	message->key = key ? text_of(key) : (struct text){0};
	return message;
}

struct assigned chosen; /* a copy: the message is freed with its answer */

void chosen_keep(const struct message *message)
{
	assert_non_null(message->assigned);
	chosen = *message->assigned;
	chosen.experiment = text_copied(scene_arena, chosen.experiment);
	chosen.variant = text_copied(scene_arena, chosen.variant);
	chosen.unit = text_copied(scene_arena, chosen.unit);
}

const char *candidate_of(struct message *message)
{
	scene_enter(&scene, message);
	struct call *call = scene.calls[scene.call_count - 1];
	assert_non_null(call);
	const char *name = call->name;
	if (message->assigned)
		chosen_keep(message);
	scene_reply(&scene, name, "y=1");
	return name;
}

const char *candidate_with(const char *id, struct header header)
{
	struct message *message = message_keyed(id, "somebody", 1);
	struct header *headers = ARENA_NEW(message->arena, struct header);
	*headers = header;
	message->headers = (struct headers){1, headers};
	return candidate_of(message);
}
