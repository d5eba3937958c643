/* curl_library.c: see curl_library.h. */
#include "net/http/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>

#define LIBRARY "libcurl.so.4"

struct curl_library libcurl;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_loaded;

/* A function's address is an object's to dlsym(). */
#define FIND(name) (*(void **)&libcurl.name = dlsym(library, "curl_" #name))

static bool functions_find(void *library)
{
	return FIND(global_init) && FIND(easy_init) && FIND(easy_setopt) && FIND(easy_perform) && FIND(easy_getinfo) &&
	       FIND(easy_strerror) && FIND(easy_cleanup) && FIND(slist_append) && FIND(slist_free_all) && FIND(getdate);
}

/* Returns why it cannot be loaded, as the loader says it. NULL: it is. */
static const char *library_load(void)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library || !functions_find(library))
		return dlerror();
	is_loaded = libcurl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	return is_loaded ? NULL : "it does not start";
}

bool curl_library_load(struct error *error)
{
	pthread_mutex_lock(&lock);
	const char *reason = is_loaded ? NULL : library_load();
	if (reason)
		error_set(error, ERROR_SYSTEM, PLACE_NONE,
			  "libcurl cannot be loaded: %s; install it (on Debian the package libcurl4, or libcurl4t64)", reason);
	pthread_mutex_unlock(&lock);
	return !reason;
}
