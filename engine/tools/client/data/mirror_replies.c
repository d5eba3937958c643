/* mirror_replies.c: see mirror_replies.h. */
#include "tools/client/data/mirror_replies.h"

#include "tools/client/data/dead_letters.h"
#include "message/records/answer_tensors.h"
#include "message/records/assigned.h"
#include "message/records/reply.h"
#include "compiler/plan/plan.h"
#include "tools/view/answer_view.h"

#define RECORD_ARENA_BYTES ((size_t)64 << 20)

struct mirror_reading {
	const struct mirror_asked *asked;
	struct mirror_comparison *comparison;
	struct arena *record_arena; /* of one record */
	struct schema_lookup asker;
	uint64_t unnamed; /* answers without the names of their tensors, which are not compared */
};

static bool is_asked(const struct mirror_asked *asked, int64_t time_ms)
{
	return time_ms >= asked->since_ms && (asked->until_ms == 0 || time_ms <= asked->until_ms);
}

static bool copy_take(void *context, const struct record *record, struct error *error)
{
	struct mirror_reading *self = context;
	struct answer_view view;
	struct mirror_reply reply;
	if (!answer_view_read(record, &self->asker, self->record_arena, &view, error))
		return false;
	const struct header *header = headers_find(view.message.headers, TEXT(MIRROR_HEADER));
	if (!header || !mirror_header_read(header->value, &reply) || !text_is(reply.experiment, self->asked->experiment) ||
	    !is_asked(self->asked, reply.request_ms))
		return true;
	const struct header *verdict = headers_find(view.message.headers, TEXT(MIRROR_VERDICT_HEADER));
	if (verdict)
		mirror_verdict_read(verdict->value, &reply);
	const bool replied = view.answer.readable && !view.answer.failed && !reply.left_out;
	return mirror_comparison_copy(self->comparison, answer_view_request_id(&view, self->record_arena), &reply, &view.message,
				      replied ? &view.answer.payload : NULL, error);
}

static bool answer_take(void *context, const struct record *record, struct error *error)
{
	struct mirror_reading *self = context;
	struct answer_view view;
	if (!answer_view_read(record, &self->asker, self->record_arena, &view, error))
		return false;
	const struct text id = answer_view_request_id(&view, self->record_arena);
	const struct header *mirrored = headers_find(view.message.headers, TEXT(MIRRORED_HEADER));
	if (view.answer.unnamed)
		self->unnamed++;
	else
		mirror_comparison_answer(self->comparison, id, record->time_ms,
					 view.answer.readable && !view.answer.failed ? &view.answer.payload : NULL);
	return !mirrored || !assigned_mirrored_has(mirrored->value, text_of(self->asked->experiment)) ||
	       !is_asked(self->asked, record->time_ms) || mirror_comparison_drawn(self->comparison, id, error);
}

static bool letter_take(void *context, const struct record *record, struct error *error)
{
	struct mirror_reading *self = context;
	struct dead_letter letter;
	(void)error;
	if (dead_letter_take(record, self->record_arena, &letter))
		mirror_comparison_answer(self->comparison, letter.id, record->time_ms, NULL);
	return true;
}

static bool pipeline_take(struct mirror_reading *self, const struct pipeline_target *target, const char *pipeline,
			  struct error *error)
{
	const size_t before = self->comparison->copies.count;
	const char *shadow = topic_own_name(self->comparison->arena, target->prefix, target->namespace, pipeline, SHADOW_TOPIC);
	if (!shadow)
		return error_memory(error, ERROR_SYSTEM, "naming topics");
	return pipeline_target_give(target, shadow, true, copy_take, self, error) &&
	       ((self->comparison->copies.count == before && !self->asked->mirrors) ||
		(pipeline_target_give(target, target->outputs, true, answer_take, self, error) &&
		 pipeline_target_give(target, target->errors, true, letter_take, self, error)));
}

bool mirror_replies_read(const struct mirror_asked *asked, const char *pipeline, struct mirror_comparison *comparison,
			 struct error *error)
{
	struct mirror_reading self = {.asked = asked, .comparison = comparison, .record_arena = arena_open(RECORD_ARENA_BYTES)};
	struct pipeline_target target = {0};
	const bool good = (self.record_arena || error_memory(error, ERROR_SYSTEM, "reading replies of a mirror")) &&
			  pipeline_target_open(asked->workspace, asked->target, pipeline, &target, error) &&
			  schema_lookup_open(&self.asker, kafka_registry(&target.kafka), error) &&
			  pipeline_take(&self, &target, pipeline, error);
	if (good && self.unnamed > 0 && comparison->copies.count > 0)
		workspace_note(
			asked->workspace,
			"%llu answers of pipeline `%s` are not compared with the mirror's replies: they are in V1 or of Seldon "
			"v1, without the names of their tensors: " ANSWER_TENSORS_MISSING,
			(unsigned long long)self.unnamed, pipeline, ANSWER_TENSORS_BYTES_MAX);
	schema_lookup_close(&self.asker);
	pipeline_target_close(&target);
	arena_close(self.record_arena);
	return good;
}
