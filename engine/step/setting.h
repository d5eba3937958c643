/* setting.h: parameters as YAML writes them (a name, a text and a type word) made into
 * those that go with a call. */
#ifndef SLUICE_STEP_SETTING_H
#define SLUICE_STEP_SETTING_H

#include "message/message.h"

enum setting_type { SETTING_STRING, SETTING_INT, SETTING_FLOAT, SETTING_DOUBLE, SETTING_BOOL };
#define SETTING_CHOICES "STRING INT FLOAT DOUBLE BOOL"

/* Borrows both texts. CONFIG at `place` when the value does not fit the type. */
bool setting_read(const char *name, const char *value, int type, struct place place, struct parameter *parameter,
		  struct error *error);

/* A request's own parameters, and behind them those of the settings that it has not. */
struct parameters settings_join(struct parameters own, struct parameters settings, struct arena *arena);

#endif
