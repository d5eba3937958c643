/* topic_name.c: see topic_name.h. */
#include "base/topic_name.h"

#include <string.h>

bool topic_name_is_spelled(const char *name)
{
	static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	return name[strspn(name, characters)] == '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}
