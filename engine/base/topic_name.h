/* topic_name.h: Names of topics: which ones Kafka accepts. */
#ifndef SLUICE_BASE_TOPIC_NAME_H
#define SLUICE_BASE_TOPIC_NAME_H

#include <stdbool.h>

#define TOPIC_CHARACTERS_MAX 249

/* Letters, digits, `.`, `_` and `-`, and neither `.` nor `..`; its length is not checked. */
bool topic_name_is_spelled(const char *name);

#endif
