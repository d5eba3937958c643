/* call_parameters.c: see call_parameters.h. */
#include "compiler/step/call_parameters.h"

#include "base/number/number.h"

bool setting_read(const char *name, const char *value, int type, struct place place, struct parameter *parameter,
		  struct error *error)
{
	struct text text = text_of(value);
	*parameter = (struct parameter){.name = text_of(name), .type = PARAMETER_TEXT, .value.text = text};
	switch (type) {
	case SETTING_INT:
		parameter->type = PARAMETER_INTEGER;
		if (number_read_int64(text, &parameter->value.integer))
			return true;
		break;
	case SETTING_FLOAT:
	case SETTING_DOUBLE:
		parameter->type = PARAMETER_NUMBER;
		if (number_read_double(text, &parameter->value.number))
			return true;
		break;
	case SETTING_BOOL:
		parameter->type = PARAMETER_FLAG;
		parameter->value.flag = text_is(text, "true");
		if (parameter->value.flag || text_is(text, "false"))
			return true;
		break;
	default:
		return true;
	}
	return error_set(error, ERROR_CONFIG, place, "the parameter `%s` is `%s`, which does not fit its type; write %s", name,
			 value,
			 type == SETTING_BOOL  ? "true or false"
			 : type == SETTING_INT ? "an integer"
					       : "a number");
}

struct parameters settings_join(struct parameters own, struct parameters settings, struct arena *arena)
{
	if (settings.count == 0)
		return own;
	struct parameter *items = ARENA_ARRAY(arena, struct parameter, own.count + settings.count);
	if (!items)
		return own;
	size_t count = 0;
	for (; count < own.count; count++)
		items[count] = own.items[count];
	for (size_t i = 0; i < settings.count; i++)
		if (!parameters_find(own, settings.items[i].name))
			items[count++] = settings.items[i];
	return (struct parameters){count, items};
}
