/* file.c: Files that options name, read through the file source of the step. */
#include "compiler/step/step.h"

bool step_file(const struct step *step, const struct name *file, const char *digest, struct text *content, struct error *error)
{
	if (!step->files)
		return error_set(error, ERROR_CONFIG, file->place,
				 "step `%s` needs the file `%s`, and no files can be read here; run it where they can", step->name,
				 file->text);
	return step->files->read(step->files->context, file, digest, content, error);
}
