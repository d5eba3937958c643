/* oip_wanted.c: see oip_wanted.h. */
#include "message/formats/oip_wanted.h"

static const char *const unsupported[] = {"classification", "shared_memory_region", "shared_memory_byte_size",
					  "shared_memory_offset"};

bool oip_wanted_check(struct text parameter, struct error *error)
{
	for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++)
		if (text_is(parameter, unsupported[i]))
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "outputs has an entry with the parameter %s, which is not supported: answers have all "
					 "values of a tensor, in their body; leave the parameter out",
					 unsupported[i]);
	return true;
}

bool oip_given_check(const struct tensor *tensor, struct error *error)
{
	return !parameters_find(tensor->parameters, TEXT("shared_memory_region")) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE,
			 "tensor " TEXT_FORMAT ": its data is in shared memory, which is not supported; send it in the request",
			 TEXT_ARGUMENTS(tensor->name));
}
