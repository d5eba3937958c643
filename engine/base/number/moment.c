/* moment.c: see moment.h. */
#include "base/number/moment.h"

#include <stdio.h>
#include <time.h>

void moment_print(int64_t ms, char moment[MOMENT_BYTES])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm parts;
	if (!moment_is_known(ms) || !gmtime_r(&seconds, &parts) ||
	    strftime(moment, MOMENT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		snprintf(moment, MOMENT_BYTES, "never");
}

void moment_print_ms(int64_t ms, char moment[MOMENT_MS_BYTES])
{
	char whole[MOMENT_BYTES];
	moment_print(ms, whole);
	char *end = strchr(whole, 'Z');
	if (end)
		snprintf(moment, MOMENT_MS_BYTES, "%.*s.%03dZ", (int)(end - whole), whole, (int)(ms % 1000));
	else
		memcpy(moment, whole, sizeof whole);
}
