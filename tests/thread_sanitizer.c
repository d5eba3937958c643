/* thread_sanitizer.c: what gcc's thread sanitizer needs to know of librdkafka, which is
 * not built with it: its threads are begun by thrd_create(), which the sanitizer does
 * not see and dies of; and what it does with its own memory is not ours to judge.
 */
#ifdef __SANITIZE_THREAD__

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
	return "called_from_lib:librdkafka.so.1\n";
}

struct beginning {
	thrd_start_t function;
	void *argument;
};

static void *begin(void *context)
{
	struct beginning beginning = *(struct beginning *)context;
	free(context);
	return (void *)(intptr_t)beginning.function(beginning.argument);
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *argument)
{
	struct beginning *beginning = malloc(sizeof *beginning);
	if (!beginning)
		return thrd_nomem;
	*beginning = (struct beginning){function, argument};
	return pthread_create(thread, NULL, begin, beginning) == 0 ? thrd_success : thrd_error;
}

int thrd_join(thrd_t thread, int *result)
{
	void *value;
	if (pthread_join(thread, &value) != 0)
		return thrd_error;
	if (result)
		*result = (int)(intptr_t)value;
	return thrd_success;
}

#else

typedef int nothing_without_the_sanitizer;

#endif
