/* yaml_hint.h: Hints for YAML that libyaml cannot parse. For yaml.c only. */
#pragma once

#include "base/text.h"

/* The error of libyaml: its text, the line, and the column from 1. */
struct yaml_stop {
	const char *context; /* NULL: none */
	const char *problem;
	struct text line;
	uint32_t column;
};

/* A sentence with the fix; its column is set in `stop->column`. NULL: there is no hint beyond libyaml's text. */
const char *yaml_hint(struct yaml_stop *stop);
