/* models.c: see models.h. */
#include "compute/models.h"

#include "base/file.h"
#include "compute/values.h"

#define MODEL_BYTES_MAX ((size_t)256 << 20)

const struct predictor *compute_model(const struct compute_case *one, const json_t *object, struct error *error)
{
	const char *file;
	struct text content;
	struct error why = {0};
	if (!compute_text(object, "model_file", &file, error))
		return NULL;
	const char *path = file[0] == '/' ? file : arena_print(one->arena, "%s/%s", one->directory, file);
	if (!path) {
		error_memory(error, ERROR_SYSTEM, "reading a model");
		return NULL;
	}
	if (!file_read(path, MODEL_BYTES_MAX, one->arena, &content, error))
		return NULL;
	const struct predictor *predictor = predictor_read(one->arena, content, ITERATIONS_BEST, &why);
	if (!predictor)
		error_set(error, why.kind, PLACE_NONE, "%s is no model that can be read: %s", path, why.text);
	return predictor;
}
