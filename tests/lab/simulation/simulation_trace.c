/* simulation_trace.c: Lines of the trace of a simulation run; see simulation_parts.h. */
#include <stdarg.h>
#include <stdio.h>

#include "simulation/simulation_parts.h"

#define TELL_BYTES 8192 /* whole pipelines */

void simulation_tell(struct simulation *simulation, const char *who, const char *format, ...)
{
	char what[TELL_BYTES];
	va_list arguments;
	if (!simulation->config->tell)
		return;
	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	simulation->config->tell(simulation->config->context, simulation->now_us, who, what);
}
