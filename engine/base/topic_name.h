/* topic_name.h: Names of topics: which ones Kafka accepts. */
#pragma once

#include <stdbool.h>

#define TOPIC_CHARACTERS_MAX 249

/* Letters, digits, `.`, `_` and `-`, and neither `.` nor `..`; its length is not checked. */
bool topic_name_is_spelled(const char *name);
