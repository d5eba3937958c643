/* local.c: see local.h. */
#include "models/server/local.h"

#include "models/files.h"

#define SCHEME "file:"

bool served_file_takes(struct text uri)
{
	if (text_starts_with(uri, TEXT(SCHEME)))
		return true;
	bool elsewhere = uri.length && memmem(uri.bytes, uri.length, "://", 3);
	return !elsewhere && ((text_ends_with(uri, TEXT(".json")) && uri.length > strlen(".json")) ||
			      (text_ends_with(uri, TEXT(".txt")) && uri.length > strlen(".txt")));
}

const struct local_model *served_file_open(struct arena *arena, const char *uri, struct place place, struct error *error)
{
	const struct name file = {uri, place};
	struct error why = {0};
	struct text content;
	struct local_model *model = ARENA_NEW(arena, struct local_model);
	struct files *files = files_open(error);
	bool good = files && files_source(files)->read(files, &file, NULL, &content, error);
	if (model)
		*model = (struct local_model){.predictor = good ? predictor_read(arena, content, ITERATIONS_BEST, &why) : NULL,
					      .whose = "the model",
					      .output = TEXT(LOCAL_MODEL_OUTPUT)};
	files_close(files);
	if (good && !(model && model->predictor))
		error_set(error, model ? why.kind : ERROR_SYSTEM, place, "%s is not a model that can be served: %s", file.text,
			  why.text);
	return model && model->predictor ? model : NULL;
}

const struct model_signature *served_file_signature(struct arena *arena, const struct local_model *model)
{
	const struct tensor_types any = {0};
	struct tensor_types gives;
	struct error error = {0};
	struct model_signature *signature = ARENA_NEW(arena, struct model_signature);
	if (!signature || !local_model_types(model, &any, arena, &gives, &error))
		return NULL;
	signature->outputs = gives;
	return signature;
}

bool served_file_answer(const struct local_model *model, const struct payload *request, struct arena *arena,
			struct stub_reply *reply)
{
	struct error error = {0};
	struct payload *answer = ARENA_NEW(arena, struct payload);
	*reply = (struct stub_reply){.status = 200, .payload = answer};
	if (!answer)
		return false;
	if (local_model_answer(model, request, arena, &answer->tensors, &error))
		return true;
	const char *words = arena_copy(arena, error.text, strlen(error.text));
	*reply = (struct stub_reply){.status = error.kind == ERROR_INPUT ? 400 : 500, .words = text_of(words)};
	return words != NULL;
}
