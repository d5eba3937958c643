/* local.c: see local.h. */
#include "steps/local.h"

static bool labels_take(struct local_model *model, const struct local_options *options, struct arena *arena, struct error *error)
{
	size_t classes = predictor_traits(model->predictor)->classes;
	struct text *labels = ARENA_ARRAY(arena, struct text, options->labels.count);
	if (!labels)
		return error_memory(error, ERROR_SYSTEM, "reading a model");
	if (options->labels.count && options->labels.count != classes)
		return error_set(error, ERROR_CONFIG, options->labels.items[0].place,
				 "`labels` has %zu names, and the model has %zu classes; name each of them, in its order, or leave "
				 "`labels` out",
				 options->labels.count, classes);
	for (size_t i = 0; i < options->labels.count; i++)
		labels[i] = text_of(options->labels.items[i].text);
	model->label_count = options->labels.count;
	model->labels = labels;
	return true;
}

const struct local_model *local_read(const struct step *step, const struct local_options *options, struct arena *arena,
				     struct error *error)
{
	struct error why = {0};
	struct text content;
	struct local_model *model = ARENA_NEW(arena, struct local_model);
	const char *whose = arena_print(arena, "step `%s`", step->name);
	if (!model || !whose) {
		error_memory(error, ERROR_SYSTEM, "reading a model");
		return NULL;
	}
	if (!step_file(step, &options->file, options->digest, &content, error))
		return NULL;
	*model = (struct local_model){
		.predictor = predictor_read(arena, content, options->iterations, &why),
		.whose = whose,
		.input = text_of(options->input ? options->input : ""),
		.output = text_of(options->output ? options->output : LOCAL_MODEL_OUTPUT),
		.marked = options->marked,
	};
	if (!model->predictor)
		error_set(error, why.kind, options->file.place, "%s is no model that can run here: %s", options->file.text,
			  why.text);
	return model->predictor && labels_take(model, options, arena, error) ? model : NULL;
}
