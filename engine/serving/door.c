/* door.c: see door.h. */
#include "serving/door.h"

enum { HTTP_NOT_FOUND = 404, HTTP_CONTENT_TOO_LARGE = 413, HTTP_INTERNAL_ERROR = 500, HTTP_UNAVAILABLE = 503 };

static struct catalog_model *refuse_unknown(struct text name, struct text version, struct arena *arena,
					    struct door_refusal *refusal)
{
	refusal->status = HTTP_NOT_FOUND;
	refusal->words = version.length
				 ? arena_print(arena, "there is no model `" TEXT_FORMAT "` of version `" TEXT_FORMAT "` here",
					       TEXT_ARGUMENTS(name), TEXT_ARGUMENTS(version))
				 : arena_print(arena, "there is no model `" TEXT_FORMAT "` here", TEXT_ARGUMENTS(name));
	return NULL;
}

struct catalog_model *door_find(const struct door_config *config, struct text name, struct text version, struct arena *arena,
				struct door_refusal *refusal)
{
	struct catalog_model *model = catalog_find(config->catalog, name, version);
	return model ? model : refuse_unknown(name, version, arena, refusal);
}

/* The catalog's own where the files do not say otherwise: a stub by its name. */
bool door_load(const struct door_config *config, struct text name, struct arena *arena, struct door_refusal *refusal)
{
	struct error error = {0};
	const char *named = arena_copy(arena, name.bytes, name.length);
	if (named && config->load && !config->load(config->context, named, &error)) {
		*refusal = (struct door_refusal){error.kind == ERROR_SYSTEM ? HTTP_INTERNAL_ERROR : HTTP_NOT_FOUND,
						 arena_print(arena, "%s", error.text)};
		return false;
	}
	struct catalog_model *model = door_find(config, name, (struct text){0}, arena, refusal);
	if (!model)
		return false;
	model->ready = model->kind != NULL;
	*refusal = (struct door_refusal){HTTP_UNAVAILABLE, model->why.text};
	return model->ready;
}

bool door_unload(const struct door_config *config, struct text name, struct arena *arena, struct door_refusal *refusal)
{
	struct catalog_model *model = door_find(config, name, (struct text){0}, arena, refusal);
	if (model)
		model->ready = false;
	return model != NULL;
}

static void refuse(struct stub_reply *reply, struct door_refusal refusal)
{
	*reply = (struct stub_reply){.status = refusal.status, .words = text_of(refusal.words)};
}

static void sign(struct stub_reply *reply, const struct catalog_model *model, struct arena *arena)
{
	struct payload *payload = ARENA_NEW(arena, struct payload);
	if (!payload)
		return;
	*payload = *reply->payload;
	payload->model_name = text_of(model->name);
	payload->model_version = text_of(model->version);
	reply->payload = payload;
}

void door_infer(const struct door_config *config, struct text name, struct text version, const struct message *message,
		struct text bytes, struct stub_reply *reply)
{
	struct door_refusal refusal;
	struct arena *arena = message->arena;
	const struct catalog_model *model = door_find(config, name, version, arena, &refusal);
	if (!model) {
		refuse(reply, refusal);
		return;
	}
	if (!model->ready) {
		refuse(reply, (struct door_refusal){HTTP_UNAVAILABLE, arena_print(arena, "model `%s` is not ready: %s", model->name,
										  model_reason(model))});
		return;
	}
	uint64_t earlier = catalog_count_call(config->catalog, model, message->payload_id, bytes);
	bool answered = model->kind->answer(model->opened, &message->payload, earlier, arena, reply);
	if (answered && reply->payload && reply->status == 200)
		sign(reply, model, arena);
	if (arena_failed(arena))
		refuse(reply,
		       (struct door_refusal){HTTP_CONTENT_TOO_LARGE, "the request is larger than this server has memory for"});
}

static struct tensor_types known(struct tensor_types types)
{
	for (size_t i = 0; i < types.count; i++)
		if (!types.items[i].type.datatype_known)
			return (struct tensor_types){0};
	return types;
}

struct model_signature door_signature(const struct catalog_model *model)
{
	struct model_signature signature = {0};
	if (model->signature)
		signature = (struct model_signature){.inputs = known(model->signature->inputs),
						     .outputs = known(model->signature->outputs)};
	return signature;
}

const char *model_state(const struct catalog_model *model)
{
	return model->ready ? "READY" : "UNAVAILABLE";
}

const char *model_reason(const struct catalog_model *model)
{
	if (model->ready)
		return "";
	return model->kind ? "it was unloaded" : model->why.text;
}
