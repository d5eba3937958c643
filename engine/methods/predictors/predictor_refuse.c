/* predictor_refuse.c: Refusal of a model's file, for the readers of all formats; see predictor_parts.h. */
#include <stdarg.h>
#include <stdio.h>

#include "methods/predictors/predictor_parts.h"

struct predictor *predictor_refuse(struct error *error, const char *format, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return error_null(error_set(error, ERROR_CONFIG, PLACE_NONE, "%s", text));
}
