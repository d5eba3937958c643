/* provenance.c: see provenance.h. */
#include "message/provenance.h"

#include <stdio.h>

#define MODELS_TEXT_MAX 160 /* of the models that an error names */

struct payload *reply_marked(struct arena *arena, const struct payload *reply, const char *model)
{
	const size_t count = reply->tensors.count;
	struct payload *marked = arena_take_raw(arena, sizeof *marked);
	struct replier *replier = arena_take_raw(arena, sizeof *replier);
	struct tensor *tensors = arena_take_raw(arena, count * sizeof *tensors);
	const struct tensor **items = arena_take_raw(arena, count * sizeof *items);
	if (!marked || !replier || !tensors || !items)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		tensors[i] = *reply->tensors.items[i];
		tensors[i].model = model;
		items[i] = &tensors[i];
	}
	*replier = (struct replier){.model = model, .reply = marked};
	*marked = *reply;
	marked->tensors.items = items;
	marked->replier = replier;
	return marked;
}

struct payload *reply_begin(struct arena *arena, const char *model)
{
	struct marked {
		struct payload payload;
		struct replier replier;
	} *reply = arena_take_raw(arena, sizeof *reply);
	if (!reply)
		return NULL;
	*reply = (struct marked){.payload = {.replier = &reply->replier}, .replier = {.model = model, .reply = &reply->payload}};
	return &reply->payload;
}

static bool is_listed(const struct replier *list, const struct replier *replier)
{
	for (; list; list = list->next)
		if (list->model == replier->model && list->reply == replier->reply)
			return true;
	return false;
}

const struct replier *repliers_joined(struct arena *arena, const struct replier *list, bool first, const struct payload *payload)
{
	static const struct replier caller;
	const struct replier *added = payload->replier;
	if (first)
		return added;
	if (!list && !added)
		return NULL;
	if (!list) {
		list = &caller;
	} else if (!added) {
		added = &caller;
	}
	for (; added; added = added->next) {
		if (is_listed(list, added))
			continue;
		struct replier *replier = arena_take_raw(arena, sizeof *replier);
		if (!replier)
			return NULL;
		*replier = (struct replier){added->model, added->reply, list};
		list = replier;
	}
	return list;
}

const struct replier *repliers_copied(struct arena *arena, const struct replier *list)
{
	const struct replier *copy = NULL;
	for (; list; list = list->next) {
		struct replier *replier = arena_take_raw(arena, sizeof *replier);
		if (!replier)
			return NULL;
		*replier = (struct replier){.model = list->model ? arena_copy(arena, list->model, strlen(list->model)) : NULL,
					   .next = copy};
		copy = replier;
	}
	return copy;
}

/* ---- between stages ---- */

#define PARAMETER_NAME "sluice:model"

static struct parameters parameters_with(struct arena *arena, struct parameters parameters, const char *models)
{
	struct parameter *items = arena_take(arena, parameters.count + 1, sizeof *items);
	if (!items)
		return parameters;
	if (parameters.count)
		memcpy(items, parameters.items, parameters.count * sizeof *items);
	items[parameters.count] =
		(struct parameter){.name = TEXT(PARAMETER_NAME), .type = PARAMETER_TEXT, .value.text = text_of(models)};
	return (struct parameters){parameters.count + 1, items};
}

/* Whether the last one would be read as ours. What a caller or a model has called so travels below one of ours. */
static bool parameter_stands(struct parameters parameters)
{
	const struct parameter *last = parameters.count ? &parameters.items[parameters.count - 1] : NULL;
	return last && last->type == PARAMETER_TEXT && text_equal(last->name, TEXT(PARAMETER_NAME));
}

/* NULL: there is none. */
static const char *parameter_taken(struct arena *arena, struct parameters *parameters)
{
	if (!parameter_stands(*parameters))
		return NULL;
	const struct parameter *last = &parameters->items[parameters->count - 1];
	parameters->count--;
	return arena_copy(arena, last->value.text.bytes, last->value.text.length);
}

struct tensors models_written(struct arena *arena, struct tensors tensors)
{
	const struct tensor **items = NULL;
	for (size_t i = 0; i < tensors.count; i++) {
		if (!tensors.items[i]->model && !parameter_stands(tensors.items[i]->parameters))
			continue;
		struct tensor *marked = ARENA_NEW(arena, struct tensor);
		if (!items) {
			items = ARENA_ARRAY(arena, const struct tensor *, tensors.count);
			if (items)
				memcpy(items, tensors.items, tensors.count * sizeof *items);
		}
		if (!marked || !items)
			return tensors;
		*marked = *tensors.items[i];
		marked->parameters = parameters_with(arena, marked->parameters, marked->model ? marked->model : "");
		items[i] = marked;
	}
	return items ? (struct tensors){tensors.count, items} : tensors;
}

struct parameters repliers_written(struct arena *arena, const struct payload *payload)
{
	const char *models = NULL;
	for (const struct replier *at = payload->replier; at; at = at->next)
		models = arena_print(arena, "%s%s%s", models ? models : "", models ? "\n" : "", at->model ? at->model : "");
	if (!models && parameter_stands(payload->parameters))
		models = "";
	return models ? parameters_with(arena, payload->parameters, models) : payload->parameters;
}

void models_read(struct arena *arena, struct tensors tensors)
{
	for (size_t i = 0; i < tensors.count; i++) {
		struct tensor *tensor = (struct tensor *)(uintptr_t)tensors.items[i]; /* just read, and nobody else's */
		const char *model = parameter_taken(arena, &tensor->parameters);
		tensor->model = model && *model ? model : NULL;
	}
}

void repliers_read(struct arena *arena, struct payload *payload)
{
	const char *models = parameter_taken(arena, &payload->parameters);
	while (models) {
		const char *end = strchr(models, '\n');
		size_t length = end ? (size_t)(end - models) : strlen(models);
		struct replier *replier = ARENA_NEW(arena, struct replier);
		if (!replier)
			return;
		*replier = (struct replier){.model = length ? arena_copy(arena, models, length) : NULL, .next = payload->replier};
		payload->replier = replier;
		models = end ? end + 1 : NULL;
	}
}

/* ---- who is to blame ---- */

/* Whether only models could have given it, and none has. */
static bool only_models_lack(const struct replier *list, struct text name)
{
	for (const struct replier *at = list; at; at = at->next)
		if (!at->model || (at->reply && tensors_find(at->reply->tensors, name)))
			return false;
	return list != NULL;
}

bool reply_lacks(const struct payload *payload, struct text name, struct place place, const char *reader, struct error *error)
{
	if (!payload || !only_models_lack(payload->replier, name))
		return false;
	char models[MODELS_TEXT_MAX] = "";
	size_t length = 0;
	for (const struct replier *at = payload->replier; at && length < sizeof models; at = at->next)
		length += (size_t)snprintf(models + length, sizeof models - length, "%s`%s`", length ? " or " : "", at->model);
	error_set(error, ERROR_REMOTE, place,
		  "%s reads the tensor `" TEXT_FORMAT "`, and the reply of model %s lacks it; see what the model answers, or ask "
		  "for it by `outputs: [" TEXT_FORMAT "]` of its step",
		  reader, TEXT_ARGUMENTS(name), models, TEXT_ARGUMENTS(name));
	return true;
}

bool reply_blamed(struct error *error, const struct tensor *tensor)
{
	if (error->kind != ERROR_INPUT || !tensor || !tensor->model)
		return false;
	error->kind = ERROR_REMOTE;
	size_t length = strlen(error->text);
	snprintf(error->text + length, sizeof error->text - length, "; model `%s` replied so", tensor->model);
	return false;
}
