/* progress.c: see progress.h. */
#include "tools/view/progress.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/number/duration.h"

#define LINE_CLEAR "\r\033[K"
#define LEFT_TEXT_MAX 48

void progress_begin(struct progress_line *progress, FILE *out, bool wanted, int64_t now_ns)
{
	const bool shows = wanted && isatty(fileno(out)) == 1;
	*progress = (struct progress_line){.terminal = shows ? out : NULL, .begun_ns = now_ns, .shown_ns = now_ns};
}

bool progress_due(const struct progress_line *progress, int64_t now_ns)
{
	return progress->terminal && now_ns - progress->shown_ns >= (int64_t)PROGRESS_EVERY_MS * NS_PER_MS;
}

/* In two units at most: seconds, minutes and seconds, or hours and minutes. */
static void print_left(int64_t left_s, char text[LEFT_TEXT_MAX])
{
	if (left_s < 60)
		(void)snprintf(text, LEFT_TEXT_MAX, ", %" PRId64 " s left", left_s);
	else if (left_s < 3600)
		(void)snprintf(text, LEFT_TEXT_MAX, ", %" PRId64 " min %" PRId64 " s left", left_s / 60, left_s % 60);
	else
		(void)snprintf(text, LEFT_TEXT_MAX, ", %" PRId64 " h %" PRId64 " min left", left_s / 3600, left_s / 60 % 60);
}

void progress_print(const struct progress_line *progress, uint64_t done, uint64_t total, const char *words, int64_t now_ns,
		    char line[PROGRESS_LINE_MAX])
{
	const int64_t passed_ns = now_ns - progress->begun_ns;
	char left[LEFT_TEXT_MAX] = "";
	if (total == 0) {
		(void)snprintf(line, PROGRESS_LINE_MAX, "%s", words);
		return;
	}
	const double part = done < total ? (double)done / (double)total : 1;
	if (part > 0 && passed_ns >= NS_PER_S)
		print_left((int64_t)((double)passed_ns / NS_PER_S * (1 - part) / part + 0.5), left);
	(void)snprintf(line, PROGRESS_LINE_MAX, "%d%%, %s%s", (int)(part * 100), words, left);
}

void progress_show(struct progress_line *progress, uint64_t done, uint64_t total, const char *words, int64_t now_ns)
{
	char line[PROGRESS_LINE_MAX];
	if (!progress->terminal)
		return;
	progress->shown_ns = now_ns;
	progress_print(progress, done, total, words, now_ns, line);
	fprintf(progress->terminal, LINE_CLEAR "%s", line);
	fflush(progress->terminal);
}

void progress_clear(struct progress_line *progress)
{
	if (progress->terminal)
		fputs(LINE_CLEAR, progress->terminal);
}
