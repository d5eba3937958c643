/* archivist_news.c: News of the archive's thread: results of its jobs, and log lines; see archivist.h. */
#include <stdarg.h>
#include <stdio.h>

#include "kafka/state/archivist.h"
#include "net/loop.h"

#define LINE_MAX_BYTES (ERROR_TEXT_MAX + 512)

void archivist_say(const struct archivist *archivist, enum log_level level, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	log_say(archivist->config->log, level, NULL, "%s", line);
}

void archivist_tell(struct archivist *archivist, struct job *job, const struct archive_news *news)
{
	pthread_mutex_lock(&archivist->lock);
	bool wanted = !archivist->forgotten;
	if (wanted) {
		job->report->news = *news;
		*archivist->reports_end = job->report;
		archivist->reports_end = &job->report->next;
		job->report = NULL;
		job->store = NULL;
	}
	pthread_mutex_unlock(&archivist->lock);
	if (wanted)
		bell_ring(archivist->bell);
}

bool archivist_is_forgotten(struct archivist *archivist)
{
	pthread_mutex_lock(&archivist->lock);
	bool forgotten = archivist->forgotten;
	pthread_mutex_unlock(&archivist->lock);
	return forgotten || atomic_load(&archivist->stopping);
}
