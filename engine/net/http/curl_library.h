/* curl_library.h: The functions of libcurl that are used here. The library is loaded when something is fetched or posted for the
 * first time.
 *
 * A process that is linked with Debian's libcurl has two dozen more libraries from its start, as Kerberos, LDAP and a second one
 * for TLS (GnuTLS), which take 4 MiB. An engine without webhooks, mails and remote files needs none of them. Its own calls of
 * models, and its own servers, use net/link.h.
 *
 * Any thread may call.
 */
#pragma once

#include <curl/curl.h>

#include "base/error.h"

struct curl_library {
	CURLcode (*global_init)(long flags);
	CURL *(*easy_init)(void);
	CURLcode (*easy_setopt)(CURL *curl, CURLoption option, ...);
	CURLcode (*easy_perform)(CURL *curl);
	CURLcode (*easy_getinfo)(CURL *curl, CURLINFO info, ...);
	const char *(*easy_strerror)(CURLcode code);
	void (*easy_cleanup)(CURL *curl);
	struct curl_slist *(*slist_append)(struct curl_slist *list, const char *line);
	void (*slist_free_all)(struct curl_slist *list);
	time_t (*getdate)(const char *text, const time_t *unused);
};

extern struct curl_library libcurl; /* set by curl_library_load() */

/* False: SYSTEM: it is not installed, is no libcurl, or memory ran out. Each call tries again. */
bool curl_library_load(struct error *error);
