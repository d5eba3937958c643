/* liveness.c: see liveness.h. The main loop records every second the state of its workers. The thread reports that
 * state and its age. */
#include "engine/run/liveness.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/number/number.h"
#include "net/listen.h"
#include "net/loop.h"

#define LOOK_MS 1000
#define WAITING_MAX 16 /* probes that are not answered yet */
#define CONNECT_LOOK_MS 200 /* timeout of a connect to an existing socket */
#define EXHAUSTED_MS 100    /* until the next attempt, if no descriptor is free */
#define LINE_BYTES 1024
#define LINE_BEGIN "sluice"
#define LINE_FORMAT LINE_BEGIN "\t%d\t%" PRId64 "\t%zu\t%" PRId64 "\t%s\t%s\n"

struct liveness {
	struct sockaddr_un address;
	int listener, bell;
	pthread_t thread;
	bool has_thread;
	struct loop_timer timer;
	struct engine *engine; /* NULL: none is running */
	pthread_mutex_t lock;  /* protects the rest */
	struct liveness_report report;
	int64_t looked_ms;
};

/* ---- reports ---- */

static void report_read(struct liveness *liveness, struct liveness_report *report)
{
	pthread_mutex_lock(&liveness->lock);
	*report = liveness->report;
	report->main_ms = report->is_running ? clock_ms() - liveness->looked_ms : 0;
	pthread_mutex_unlock(&liveness->lock);
}

/* Sends the report. A line always fits into the empty buffer of a socket, so this does not wait. False: no descriptor is free. */
static bool liveness_answer(struct liveness *liveness)
{
	struct liveness_report report;
	char line[LINE_BYTES];
	int visitor = accept4(liveness->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (visitor < 0)
		return !listen_is_exhausted(errno);
	report_read(liveness, &report);
	int length = snprintf(line, sizeof line, LINE_FORMAT, report.is_running, report.main_ms, report.workers, report.worker_ms,
			      report.instance, report.worker);
	if (length > 0 && (size_t)length < sizeof line)
		(void)send(visitor, line, (size_t)length, MSG_NOSIGNAL);
	close(visitor);
	return true;
}

static void *liveness_run(void *context)
{
	struct liveness *liveness = context;
	struct pollfd waits[] = {{.fd = liveness->listener, .events = POLLIN}, {.fd = liveness->bell, .events = POLLIN}};
	struct pollfd *bell = &waits[1];
	while (bell->revents == 0)
		if (poll(waits, 2, -1) > 0 && waits[0].revents && !liveness_answer(liveness))
			(void)poll(bell, 1, EXHAUSTED_MS);
	return NULL;
}

/* ---- the engine ---- */

static void liveness_on_check(void *context)
{
	struct liveness *liveness = context;
	struct loop *loop = engine_loop(liveness->engine);
	struct error error = {0};
	pthread_mutex_lock(&liveness->lock);
	liveness->looked_ms = clock_ms();
	liveness->report.is_running = true;
	liveness->report.workers = engine_slowest_worker(liveness->engine, liveness->report.worker, sizeof liveness->report.worker,
							 &liveness->report.worker_ms);
	pthread_mutex_unlock(&liveness->lock);
	/* The timer's slot in the heap is free again, so this needs no memory. */
	(void)loop_timer_set(loop, &liveness->timer, loop_now_ms(loop) + LOOK_MS, &error);
}

bool liveness_watch(struct liveness *liveness, struct engine *engine, struct error *error)
{
	assert(!liveness->engine);
	liveness->engine = engine;
	liveness->timer = (struct loop_timer){.due = liveness_on_check, .context = liveness};
	struct loop *loop = engine_loop(engine);
	return loop_timer_set(loop, &liveness->timer, loop_now_ms(loop), error);
}

void liveness_forget(struct liveness *liveness)
{
	if (!liveness || !liveness->engine)
		return;
	loop_timer_stop(engine_loop(liveness->engine), &liveness->timer);
	liveness->engine = NULL;
	pthread_mutex_lock(&liveness->lock);
	liveness->report.is_running = false;
	pthread_mutex_unlock(&liveness->lock);
}

/* ---- opening and closing ---- */

static bool address_make(const char *path, struct sockaddr_un *address, struct error *error)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address->sun_path)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the path of a socket has at most %zu bytes, and `%s` has more; choose a shorter one",
				 sizeof address->sun_path - 1, path);
	memcpy(address->sun_path, path, strlen(path) + 1);
	return true;
}

/* Connects to a socket, and waits for the answer. -1: no process answers there. A socket that blocks waits in connect()
 * while as many probes as the listener takes are before it. */
static int liveness_connect(const struct sockaddr_un *address, int wait_ms)
{
	int opened = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd wait = {.fd = opened, .events = POLLIN};
	const struct timeval longest = {.tv_sec = wait_ms / MS_PER_S,
					.tv_usec = wait_ms % MS_PER_S * (NS_PER_MS / NS_PER_US)};
	int64_t end_ms = clock_ms() + wait_ms;
	if (opened >= 0 && setsockopt(opened, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest) == 0 &&
	    connect(opened, (const struct sockaddr *)address, sizeof *address) == 0) {
		int64_t left_ms = end_ms - clock_ms();
		if (poll(&wait, 1, left_ms > 0 ? (int)left_ms : 0) > 0)
			return opened;
	}
	if (opened >= 0)
		close(opened);
	return -1;
}

/* Removes the socket of a process that has ended; anything else at that path stays. */
static bool place_clear(const struct sockaddr_un *address, struct error *error)
{
	struct stat found;
	if (lstat(address->sun_path, &found) != 0)
		return true;
	if (!S_ISSOCK(found.st_mode))
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "%s is not a socket, and was not changed; choose another path",
				 address->sun_path);
	int other = liveness_connect(address, CONNECT_LOOK_MS);
	if (other < 0)
		return unlink(address->sun_path) == 0 || errno == ENOENT ||
		       error_set(error, ERROR_CONFIG, PLACE_NONE, "%s cannot be replaced: %s; remove it", address->sun_path,
				 strerror(errno));
	close(other);
	return error_set(error, ERROR_CONFIG, PLACE_NONE, "another engine answers at %s; give each its own", address->sun_path);
}

static bool liveness_listen(struct liveness *liveness, struct error *error)
{
	liveness->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (liveness->listener >= 0 &&
	    bind(liveness->listener, (const struct sockaddr *)&liveness->address, sizeof liveness->address) == 0 &&
	    listen(liveness->listener, WAITING_MAX) == 0)
		return true;
	return error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "the health socket %s cannot be opened: %s; choose a path that can be written",
			 liveness->address.sun_path, strerror(errno));
}

/* The thread takes no signal: one that it did not block would end the process by SIGTERM, whatever the main thread does. */
static bool liveness_start(struct liveness *liveness)
{
	sigset_t before;
	engine_block_signals(&before);
	liveness->has_thread = pthread_create(&liveness->thread, NULL, liveness_run, liveness) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return liveness->has_thread;
}

struct liveness *liveness_open(const char *path, const char *instance, struct error *error)
{
	struct liveness *liveness = memory_take(1, sizeof *liveness);
	if (!liveness)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening the health socket"));
	liveness->listener = liveness->bell = -1;
	pthread_mutex_init(&liveness->lock, NULL);
	(void)snprintf(liveness->report.instance, sizeof liveness->report.instance, "%s", instance);
	bool good = address_make(path, &liveness->address, error) && place_clear(&liveness->address, error) &&
		    liveness_listen(liveness, error) && (liveness->bell = bell_open(error)) >= 0;
	if (good && liveness_start(liveness))
		return liveness;
	error_set(error, ERROR_SYSTEM, PLACE_NONE, "the thread of the health socket could not be started; raise the limit on "
						   "threads");
	liveness_close(liveness);
	return NULL;
}

void liveness_close(struct liveness *liveness)
{
	if (!liveness)
		return;
	liveness_forget(liveness);
	if (liveness->has_thread) {
		bell_ring(liveness->bell);
		pthread_join(liveness->thread, NULL);
		(void)unlink(liveness->address.sun_path);
	}
	if (liveness->bell >= 0)
		close(liveness->bell);
	if (liveness->listener >= 0)
		close(liveness->listener);
	pthread_mutex_destroy(&liveness->lock);
	memory_give(liveness);
}

/* ---- probe ---- */

/* Reads the number before the next tab. */
static bool number_take(char **rest, int64_t *number)
{
	const char *word = strsep(rest, "\t");
	return word && number_read_int64(text_of(word), number) && *number >= 0;
}

/* Reads the text before the next tab or the end of the line. */
static bool name_take(char **rest, char name[LIVENESS_NAME_BYTES])
{
	const char *word = strsep(rest, "\t\n");
	if (word)
		(void)snprintf(name, LIVENESS_NAME_BYTES, "%s", word);
	return word != NULL;
}

static bool report_parse(char *line, struct liveness_report *report)
{
	int64_t is_running = 0, workers = 0;
	*report = (struct liveness_report){0};
	const char *begin = strsep(&line, "\t");
	bool good = strcmp(begin, LINE_BEGIN) == 0 && number_take(&line, &is_running) && number_take(&line, &report->main_ms) &&
		    number_take(&line, &workers) && number_take(&line, &report->worker_ms) && name_take(&line, report->instance) &&
		    name_take(&line, report->worker) && line;
	report->is_running = is_running != 0;
	report->workers = (size_t)workers;
	return good;
}

bool liveness_ask(const char *path, int wait_ms, struct liveness_report *report, struct error *error)
{
	struct sockaddr_un address;
	char line[LINE_BYTES];
	if (!address_make(path, &address, error))
		return false;
	int opened = liveness_connect(&address, wait_ms);
	if (opened < 0)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE,
				 "no engine answers at %s within %d ms: its process is frozen, has ended, or was started without "
				 "`--health-socket %s`",
				 path, wait_ms, path);
	ssize_t length = recv(opened, line, sizeof line - 1, 0);
	close(opened);
	line[length > 0 ? length : 0] = '\0';
	return report_parse(line, report) ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "the process at %s is not an engine of this version", path);
}

bool liveness_is_well(const struct liveness_report *report, int64_t within_ms, char *why, size_t size)
{
	bool main_turns = report->main_ms <= within_ms, workers_turn = report->worker_ms <= within_ms;
	why[0] = '\0';
	if (!report->is_running || (main_turns && workers_turn))
		return true;
	if (!main_turns)
		(void)snprintf(why, size, "the main loop has not run for %" PRId64 " s", report->main_ms / MS_PER_S);
	else
		(void)snprintf(why, size, "worker %s has not run for %" PRId64 " s", report->worker,
			       report->worker_ms / MS_PER_S);
	return false;
}
