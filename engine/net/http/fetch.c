/* fetch.c: see fetch.h. */
#include "net/http/fetch.h"

#include <signal.h>
#include <stdio.h>
#include <strings.h>

#include "net/http/curl_library.h"

#define CONNECT_MS 10000L
#define SLOWEST_BYTES 1024L /* per second, on the average of SLOW_SECONDS: a slower server is given up */
#define REDIRECTIONS_MAX 5L
#define SIGNATURE_BYTES 128
#define STATUS_GOOD 200

static size_t fetch_take(char *bytes, size_t size, size_t count, void *context)
{
	struct buffer *body = context;
	buffer_append(body, bytes, size * count);
	return buffer_failed(body) ? 0 : size * count;
}

/* Ends the fetch on a pending signal: the command may have blocked its signals for as long as the fetch lasts. SIGHUP, which may
 * wait for the end of a start, asks for files that are read again later. Called by libcurl at least once a second. */
static int look_for_an_end(void *context, curl_off_t wanted, curl_off_t taken, curl_off_t to_send, curl_off_t sent)
{
	static const int heeded[] = {SIGTERM, SIGINT};
	const struct fetch_request *request = context;
	sigset_t pending;
	(void)wanted, (void)taken, (void)to_send, (void)sent;
	if (request->given_up && atomic_load(request->given_up))
		return 1;
	if (sigpending(&pending) != 0)
		return 0;
	for (size_t i = 0; i < sizeof heeded / sizeof *heeded; i++)
		if (sigismember(&pending, heeded[i]) == 1)
			return 1;
	return 0;
}

static bool has_tls(const struct fetch_request *request)
{
	return strncasecmp(request->url, "https:", sizeof "https:" - 1) == 0;
}

static int slow_seconds(const struct fetch_request *request)
{
	return request->slow_seconds > 0 ? request->slow_seconds : FETCH_SLOW_SECONDS;
}

static int seconds_max(const struct fetch_request *request)
{
	return request->seconds_max > 0 ? request->seconds_max : FETCH_SECONDS_MAX;
}

static bool set_up(CURL *curl, const struct fetch_request *request, struct curl_slist *headers, char *signature,
		   struct buffer *body)
{
	bool good = libcurl.easy_setopt(curl, CURLOPT_URL, request->url) == CURLE_OK &&
		    libcurl.easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
		    libcurl.easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, has_tls(request) ? "https" : "http,https") == CURLE_OK &&
		    libcurl.easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK && /* `..` may be part of an object's name */
		    libcurl.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
		    libcurl.easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
		    libcurl.easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, SLOWEST_BYTES) == CURLE_OK &&
		    libcurl.easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)slow_seconds(request)) == CURLE_OK &&
		    libcurl.easy_setopt(curl, CURLOPT_TIMEOUT, (long)seconds_max(request)) == CURLE_OK &&
		    libcurl.easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
		    libcurl.easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_for_an_end) == CURLE_OK &&
		    libcurl.easy_setopt(curl, CURLOPT_XFERINFODATA, request) == CURLE_OK &&
		    libcurl.easy_setopt(curl, CURLOPT_WRITEFUNCTION, fetch_take) == CURLE_OK &&
		    libcurl.easy_setopt(curl, CURLOPT_WRITEDATA, body) == CURLE_OK &&
		    libcurl.easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
	if (good && request->login)
		good = libcurl.easy_setopt(curl, CURLOPT_USERPWD, request->login) == CURLE_OK;
	if (!request->region)
		return good && libcurl.easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L) == CURLE_OK &&
		       libcurl.easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTIONS_MAX) == CURLE_OK;
	int length = snprintf(signature, SIGNATURE_BYTES, "aws:amz:%s:%s", request->region, request->service);
	return good && length > 0 && length < SIGNATURE_BYTES &&
	       libcurl.easy_setopt(curl, CURLOPT_AWS_SIGV4, signature) == CURLE_OK;
}

static bool answered(CURL *curl, CURLcode code, const struct fetch_request *request, struct place place, const struct buffer *body,
		     struct error *error)
{
	long status = 0, redirections = 0;
	libcurl.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	libcurl.easy_getinfo(curl, CURLINFO_REDIRECT_COUNT, &redirections);
	if (code == CURLE_WRITE_ERROR)
		return error_set(error, ERROR_CONFIG, place, "it is longer than the %zu MiB that a file may have",
				 body->ceiling_bytes >> 20);
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return error_set(error, ERROR_CONFIG, place,
				 "a signal came before its end; it is fetched when files are read again");
	if (code == CURLE_OPERATION_TIMEDOUT)
		return error_set(error, ERROR_CONFIG, place,
				 "its server is too slow: it sent less than %ld bytes a second for %d s, or did not end within %d "
				 "s; fetch it beforehand and name the file",
				 SLOWEST_BYTES, slow_seconds(request), seconds_max(request));
	if (code == CURLE_UNSUPPORTED_PROTOCOL && redirections > 0 && has_tls(request))
		return error_set(
			error, ERROR_CONFIG, place,
			"its server redirects from https to an address without TLS, where others can change the file; name "
			"the https address at which it is, or fetch it beforehand and name the file");
	if (code != CURLE_OK)
		return error_set(error, ERROR_CONFIG, place, "%s", libcurl.easy_strerror(code));
	return status == STATUS_GOOD || error_set(error, ERROR_CONFIG, place, "the server answers %ld", status);
}

/* Makes the headers. The caller owns the list, also on failure. */
static bool headers_make(const struct fetch_request *request, struct curl_slist **headers)
{
	for (size_t i = 0; i < FETCH_HEADERS_MAX && request->headers[i]; i++) {
		struct curl_slist *longer = libcurl.slist_append(*headers, request->headers[i]);
		if (!longer)
			return false;
		*headers = longer;
	}
	return true;
}

bool fetch(const struct fetch_request *request, struct place place, struct buffer *body, struct error *error)
{
	char signature[SIGNATURE_BYTES];
	struct error why = {0};
	if (!curl_library_load(&why))
		return error_set(error, ERROR_CONFIG, place, "%s", why.text);
	CURL *curl = libcurl.easy_init();
	struct curl_slist *headers = NULL;
	bool good = curl && headers_make(request, &headers) && set_up(curl, request, headers, signature, body);
	if (good)
		good = answered(curl, libcurl.easy_perform(curl), request, place, body, error);
	else
		error_memory(error, ERROR_SYSTEM, "fetching a file");
	libcurl.slist_free_all(headers);
	libcurl.easy_cleanup(curl);
	return good;
}
