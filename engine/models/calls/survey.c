/* survey.c: see survey.h. */
#include "models/calls/survey.h"

#include <stdio.h>

#include "message/formats/protobuf_wire.h"
#include "message/rows.h"
#include "models/calls/protocol.h"
#include "models/calls/protocol_fallback.h"
#include "models/calls/wire.h"

#define ANSWER_BYTES_MAX ((size_t)1 << 20) /* of one model's metadata */
#define TURN_MS 100

struct surveyor {
	struct arena *arena;
	struct survey *survey;
	const struct model_address **addresses; /* one for each answer */
	struct wire **wires;			/* the same */
	struct model_signature *signatures;	/* of those that were read */
	size_t signature_count;
	size_t left;
};

/* ---- ModelMetadataResponse, of gRPC ---- */

static bool read_tensor(struct text bytes, struct arena *arena, struct tensor_type *tensor)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(bytes);
	struct protobuf_field field;
	enum datatype datatype;
	struct text name = {0}, type = {0};
	int64_t shape[TENSOR_RANK_MAX];
	uint32_t rank = 0;
	while (protobuf_next(&cursor, &field)) {
		if (protobuf_is(&field, 1, WIRE_BYTES))
			name = field.bytes;
		else if (protobuf_is(&field, 2, WIRE_BYTES))
			type = field.bytes;
		else if (protobuf_is(&field, 3, WIRE_VARINT) && rank < TENSOR_RANK_MAX)
			shape[rank++] = (int64_t)field.value;
		else if (protobuf_is(&field, 3, WIRE_BYTES))
			for (struct protobuf_cursor packed = protobuf_cursor_of(field.bytes);
			     protobuf_left(&packed) > 0 && !packed.failed && rank < TENSOR_RANK_MAX;)
				shape[rank++] = (int64_t)protobuf_varint(&packed);
	}
	if (cursor.failed || name.length == 0 || !datatype_find(type, &datatype))
		return false;
	tensor->name = text_copied(arena, name);
	tensor->type = type_of_datatype(datatype);
	tensor->type.shape_known = true;
	tensor->type.rank = rank;
	for (uint32_t i = 0; i < rank; i++)
		tensor->type.shape[i] = shape[i];
	return tensor->name.bytes;
}

static bool read_tensors(struct text bytes, uint32_t number, struct arena *arena, struct tensor_types *types)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(bytes);
	struct protobuf_field field;
	size_t count = 0;
	while (protobuf_next(&cursor, &field))
		count += protobuf_is(&field, number, WIRE_BYTES);
	struct tensor_type *items = ARENA_ARRAY(arena, struct tensor_type, count + 1);
	if (cursor.failed || !items)
		return false;
	*types = (struct tensor_types){.complete = true, .items = items};
	cursor = protobuf_cursor_of(bytes);
	while (protobuf_next(&cursor, &field))
		if (protobuf_is(&field, number, WIRE_BYTES) && !read_tensor(field.bytes, arena, &items[types->count++]))
			return false;
	return true;
}

static bool read_protobuf(struct text body, struct arena *arena, struct model_signature *signature)
{
	return read_tensors(body, 4, arena, &signature->inputs) && read_tensors(body, 5, arena, &signature->outputs);
}

/* ---- and of REST: the same as `sluice plan --models` reads, of one model ---- */

static bool read_json(struct text body, const char *model, struct arena *arena, struct model_signature *signature)
{
	struct models_metadata metadata;
	struct error error = {0};
	const char *whole = arena_print(arena, "{\"m\":" TEXT_FORMAT "}", TEXT_ARGUMENTS(body));
	if (!whole || !metadata_read(arena, model, text_of(whole), &metadata, &error) || metadata.count != 1)
		return false;
	*signature = metadata.items[0];
	return true;
}

/* ---- asking ---- */

/* A server that lists nothing does not know. */
static void survey_keep(struct surveyor *surveyor, size_t nth, struct model_signature signature)
{
	signature.name = text_of(surveyor->survey->answers[nth].model);
	if (signature.outputs.count == 0)
		signature.outputs = (struct tensor_types){0};
	surveyor->signatures[surveyor->signature_count++] = signature;
	surveyor->survey->answers[nth].has_metadata = true;
}

static void survey_on_reply(void *context, size_t nth, const struct attempt *attempt);

/* A server that does not answer by gRPC is asked by REST, where it is called so too. True: it is. */
static bool asks_by_rest(struct surveyor *surveyor, size_t nth, const struct attempt *attempt)
{
	struct protocol_fallback way = {0};
	const struct model_address *address = surveyor->addresses[nth];
	struct attempt asked = *attempt;
	if (!protocol_fallback_turns(&way, address, &asked, false, 0) || !way.by_rest)
		return false;
	surveyor->addresses[nth] = address->rest;
	return wire_ask(surveyor->wires[nth], address->rest, ASK_MODEL_METADATA, SURVEY_TIMEOUT_MS, survey_on_reply, surveyor, nth);
}

/* Whether a call of the model would fail. A server that only lacks a route for metadata may have the model: its 404 has
 * no error of the Open Inference Protocol. */
static bool is_away(const struct attempt *attempt, bool grpc)
{
	static const char error[] = "\"error\"";
	if (attempt->end != ATTEMPT_REPLIED)
		return true;
	if (attempt->status != 404)
		return attempt->status >= 500 && attempt->status != 501;
	return grpc || (attempt->body.length > 0 && memmem(attempt->body.bytes, attempt->body.length, error, strlen(error)));
}

static void survey_on_reply(void *context, size_t nth, const struct attempt *attempt)
{
	struct surveyor *surveyor = context;
	if (asks_by_rest(surveyor, nth, attempt))
		return;
	struct survey_answer *answer = &surveyor->survey->answers[nth];
	struct arena *arena = surveyor->arena;
	struct model_signature signature = {0};
	bool grpc = surveyor->addresses[nth]->protocol == PROTOCOL_OIP_GRPC;
	surveyor->left--;
	if (attempt->end == ATTEMPT_REPLIED && attempt->status == 200) {
		if (grpc ? read_protobuf(attempt->body, arena, &signature)
			 : read_json(attempt->body, answer->model, arena, &signature))
			survey_keep(surveyor, nth, signature);
		else
			answer->words = "its metadata cannot be read";
		return;
	}
	struct text words = attempt->words;
	if (attempt->end == ATTEMPT_REPLIED && words.length == 0)
		words = protocol_words(arena, attempt->body);
	answer->away = is_away(attempt, grpc);
	answer->words = attempt->end == ATTEMPT_REPLIED
				? arena_print(arena, "status %d, " TEXT_FORMAT, attempt->status, TEXT_ARGUMENTS(words))
				: arena_print(arena, TEXT_FORMAT, TEXT_ARGUMENTS(words));
}

static bool is_known(const struct survey *survey, const char *model)
{
	for (size_t i = 0; i < survey->count; i++)
		if (strcmp(survey->answers[i].model, model) == 0)
			return true;
	return false;
}

/* The first address that knows such questions is asked; the others are its replicas. */
static void ask_one(struct surveyor *surveyor, struct wire *wire, const struct model_config *model)
{
	size_t nth = surveyor->survey->count++;
	surveyor->survey->answers[nth] = (struct survey_answer){.model = model->name};
	for (size_t i = 0; i < model->addresses.count; i++) {
		const struct model_address *address = &model->addresses.items[i];
		if (!wire_can_ask(address->protocol, ASK_MODEL_METADATA))
			continue;
		surveyor->addresses[nth] = address;
		surveyor->wires[nth] = wire;
		if (wire_ask(wire, address, ASK_MODEL_METADATA, SURVEY_TIMEOUT_MS, survey_on_reply, surveyor, nth))
			surveyor->left++;
		return;
	}
}

/* A wire that is asked questions alone is never sent a queued call. */
static void survey_on_arrived(void *context, struct queued_call *queued_call, struct attempt *attempt)
{
	(void)context;
	(void)queued_call;
	(void)attempt;
}

/* A wire for each model: their TLS may differ, and each is asked once. */
struct wires {
	size_t count;
	struct wire_config *configs;
	struct wire **items;
};

static bool ask_all(struct surveyor *surveyor, struct loop *loop, const struct caller_config *caller, struct wires *wires,
		    struct error *error)
{
	for (size_t i = 0; i < caller->model_count; i++) {
		const struct model_config *model = &caller->models[i];
		if (is_known(surveyor->survey, model->name))
			continue;
		struct wire_config *config = &wires->configs[wires->count];
		*config = (struct wire_config){.tls = model->tls,
					       .request_bytes = ANSWER_BYTES_MAX,
					       .reply_bytes = ANSWER_BYTES_MAX,
					       .arrived = survey_on_arrived};
		struct wire *wire = wire_open(loop, config, error);
		if (!wire)
			return false;
		wires->items[wires->count++] = wire;
		ask_one(surveyor, wire, model);
	}
	return true;
}

bool survey_models(const struct caller_config *configs, size_t count, struct arena *arena, struct survey *survey,
		   struct error *error)
{
	size_t models = 0;
	for (size_t i = 0; i < count; i++)
		models += configs[i].model_count;
	*survey = (struct survey){.answers = ARENA_ARRAY(arena, struct survey_answer, models + 1)};
	struct surveyor surveyor = {.arena = arena,
				    .survey = survey,
				    .addresses = ARENA_ARRAY(arena, const struct model_address *, models + 1),
				    .wires = ARENA_ARRAY(arena, struct wire *, models + 1),
				    .signatures = ARENA_ARRAY(arena, struct model_signature, models + 1)};
	struct wires wires = {.configs = ARENA_ARRAY(arena, struct wire_config, models + 1),
			      .items = ARENA_ARRAY(arena, struct wire *, models + 1)};
	if (!survey->answers || !surveyor.addresses || !surveyor.wires || !surveyor.signatures || !wires.configs || !wires.items)
		return error_memory(error, ERROR_SYSTEM, "asking models what they take");
	struct loop *loop = loop_open(error);
	bool good = loop != NULL;
	for (size_t i = 0; good && i < count; i++)
		good = ask_all(&surveyor, loop, &configs[i], &wires, error);
	while (good && surveyor.left > 0)
		good = loop_turn(loop, TURN_MS, error);
	for (size_t i = 0; i < wires.count; i++)
		wire_close(wires.items[i]);
	loop_close(loop);
	survey->metadata = (struct models_metadata){
		.count = surveyor.signature_count, .items = surveyor.signatures, .has_whole_names = true};
	return good;
}
