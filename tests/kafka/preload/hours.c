/* hours.c: Clocks that go on by hours in seconds, for whoever is started with this library preloaded. All but those of a processor
 * are ahead by as many milliseconds as the file named by SLUICE_TEST_HOURS says. hours.py moves them by steps, each when all
 * threads with a loop, of processes with SLUICE_TEST_HOURS_LOOPS, wait there and have seen the step before: so such a thread sees
 * at most one step between two of its waits, and none while it writes to Kafka. Kafka's client has the real clocks, as the broker
 * has, and so have waits: those of loops are cut short while time is moved. */
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LOOPS_MAX 61 /* hours.py knows it */
#define BUSY (-1)
#define GONE (-2) /* likewise; the thread has ended */
#define WAIT_MS 2 /* while time is moved */
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

#define OWN(name) (own ? own : (*(void **)&own = dlsym(RTLD_NEXT, name), own))

static struct {
	_Atomic int64_t ahead_ms, is_moving, loop_count;
	_Atomic int64_t seen_ms[LOOPS_MAX]; /* of each thread with a loop that waits: by how much it has seen them ahead */
} *hours;
static pthread_key_t loop_end;
static int has_loops; /* it is an engine, and no command */
static uintptr_t client_from, client_to; /* where the code of Kafka's client is */

static void loop_on_end(void *seen)
{
	*(_Atomic int64_t *)seen = GONE;
}

static int object_look(struct dl_phdr_info *object, size_t size, void *context)
{
	(void)size;
	(void)context;
	for (size_t i = 0; strstr(object->dlpi_name, "/librdkafka.so") && i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_LOAD && object->dlpi_phdr[i].p_flags & PF_X) {
			client_from = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
			client_to = client_from + object->dlpi_phdr[i].p_memsz;
		}
	return 0;
}

static __attribute__((constructor)) void hours_open(void)
{
	int file = open(getenv("SLUICE_TEST_HOURS"), O_RDWR);
	void *bytes = mmap(NULL, sizeof *hours, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	close(file);
	has_loops = getenv("SLUICE_TEST_HOURS_LOOPS") != NULL;
	dl_iterate_phdr(object_look, NULL);
	if (bytes == MAP_FAILED || client_to == 0 || pthread_key_create(&loop_end, loop_on_end) != 0)
		abort();
	hours = bytes;
}

/* ---- clocks ---- */

static struct timespec time_ahead(struct timespec time, int64_t by_ms)
{
	const int64_t ns = time.tv_sec * NS_PER_S + time.tv_nsec + by_ms * NS_PER_MS;
	return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

static int is_moved(clockid_t clock, const void *caller)
{
	const int is_client = (uintptr_t)caller >= client_from && (uintptr_t)caller < client_to;
	return hours && !is_client && clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID;
}

static int own_gettime(clockid_t clock, struct timespec *time)
{
	static int (*own)(clockid_t, struct timespec *);
	return OWN("clock_gettime")(clock, time);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	const int status = own_gettime(clock, time);
	if (is_moved(clock, __builtin_return_address(0)))
		*time = time_ahead(*time, hours->ahead_ms);
	return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec time;
	const int status = own_gettime(CLOCK_REALTIME, &time);
	(void)zone;
	if (is_moved(CLOCK_REALTIME, __builtin_return_address(0)))
		time = time_ahead(time, hours->ahead_ms);
	*now = (struct timeval){time.tv_sec, time.tv_nsec / 1000};
	return status;
}

time_t time(time_t *at)
{
	struct timespec now;
	(void)own_gettime(CLOCK_REALTIME, &now);
	if (is_moved(CLOCK_REALTIME, __builtin_return_address(0)))
		now = time_ahead(now, hours->ahead_ms);
	if (at)
		*at = now.tv_sec;
	return now.tv_sec;
}

/* ---- waits ---- */

/* By the real clock: the caller's time is ahead by what it was when the wait began. */
int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict lock, const struct timespec *restrict until)
{
	static int (*own)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
	const struct timespec end = time_ahead(*until, hours ? -hours->ahead_ms : 0);
	return OWN("pthread_cond_timedwait")(cond, lock, &end);
}

static _Atomic int64_t *loop_seen(void)
{
	static _Thread_local _Atomic int64_t *seen;
	if (seen)
		return seen;
	const int64_t number = hours->loop_count++;
	if (number >= LOOPS_MAX || pthread_setspecific(loop_end, &hours->seen_ms[number]) != 0)
		abort();
	return seen = &hours->seen_ms[number];
}

int epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms)
{
	static int (*own)(int, struct epoll_event *, int, int);
	OWN("epoll_wait");
	if (!has_loops)
		return own(epoll, events, count, timeout_ms);
	_Atomic int64_t *seen = loop_seen();
	*seen = hours->ahead_ms;
	const int is_cut = hours->is_moving && (timeout_ms < 0 || timeout_ms > WAIT_MS);
	const int found = own(epoll, events, count, is_cut ? WAIT_MS : timeout_ms);
	*seen = BUSY;
	return found;
}
