/* call_parameters.h: Parameters of a call, read from YAML: a name, a text and a type word become a typed parameter. */
#pragma once

#include "message/message.h"

enum setting_type { SETTING_STRING, SETTING_INT, SETTING_FLOAT, SETTING_DOUBLE, SETTING_BOOL };
#define SETTING_CHOICES "STRING INT FLOAT DOUBLE BOOL"

/* Reads one parameter. Borrows both texts. CONFIG at `place` when the value does not fit the type. */
bool setting_read(const char *name, const char *value, int type, struct place place, struct parameter *parameter,
		  struct error *error);

/* A request's own parameters, then those settings whose names the request does not have. */
struct parameters settings_join(struct parameters own, struct parameters settings, struct arena *arena);
