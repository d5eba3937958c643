/* post.c: see post.h. */
#include "net/http/post.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/quote.h"
#include "net/http/curl_library.h"
#include "net/http/mail_replies.h"

#define REFUSED_BYTES 64
#define STATUS_KIND 100
#define STATUS_GOOD 2

struct posting {
	const struct post_request *request;
	CURL *curl;
	size_t sent;			   /* of a mail's body */
	struct mail_replies replies;	   /* to a mail */
	char refused[REFUSED_BYTES];	   /* an address that is not allowed; "": none */
	long opened_after;		   /* redirections before the last address that is allowed; -1: there was none */
	char reason[CURL_ERROR_SIZE];	   /* of a failure, as libcurl says it */
	char reason_kept[CURL_ERROR_SIZE]; /* of a mail, before its end, which libcurl may call a failure too */
};

static bool is_mail(const struct post_request *request)
{
	return request->from != NULL;
}

/* ---- callbacks of libcurl ---- */

static size_t drop_body(char *bytes, size_t size, size_t count, void *context)
{
	(void)bytes, (void)context;
	return size * count;
}

static size_t read_body(char *bytes, size_t size, size_t count, void *context)
{
	struct posting *posting = context;
	const struct text body = posting->request->body;
	size_t rest = body.length - posting->sent, length = size * count < rest ? size * count : rest;
	memcpy(bytes, body.bytes + posting->sent, length);
	posting->sent += length;
	return length;
}

static void note_refused(struct posting *posting, const struct sockaddr_storage *address)
{
	const void *bytes = address->ss_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
							   : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
	if (!inet_ntop(address->ss_family, bytes, posting->refused, sizeof posting->refused))
		memcpy(posting->refused, "its address", sizeof "its address");
}

/* Opens the socket for an address of the receiver, or refuses the address. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *wanted)
{
	struct posting *posting = context;
	const struct post_request *request = posting->request;
	struct sockaddr_storage address = {0};
	if (purpose != CURLSOCKTYPE_IPCXN || wanted->addrlen > sizeof address)
		return CURL_SOCKET_BAD;
	memcpy(&address, &wanted->addr, wanted->addrlen);
	if (!is_mail(request) && !network_is_public(&address) &&
	    !networks_have(request->allowed, request->allowed_count, &address)) {
		note_refused(posting, &address);
		return CURL_SOCKET_BAD;
	}
	(void)libcurl.easy_getinfo(posting->curl, CURLINFO_REDIRECT_COUNT, &posting->opened_after);
	return socket(wanted->family, wanted->socktype | SOCK_CLOEXEC, wanted->protocol);
}

/* Also when a mail is over: nothing depends on the reply to QUIT. */
static int look_for_an_end(void *context, curl_off_t wanted, curl_off_t taken, curl_off_t to_send, curl_off_t sent)
{
	const struct posting *posting = context;
	(void)wanted, (void)taken, (void)to_send, (void)sent;
	return posting->replies.is_over || (posting->request->given_up && atomic_load(posting->request->given_up));
}

/* libcurl shows a server's lines as headers; another length than theirs ends the delivery. */
static size_t note_line(char *bytes, size_t size, size_t count, void *context)
{
	struct posting *posting = context;
	return mail_replies_line(&posting->replies, (struct text){bytes, size * count}) ? size * count : 0;
}

static int note_command(CURL *curl, curl_infotype type, char *bytes, size_t size, void *context)
{
	struct posting *posting = context;
	(void)curl;
	if (type != CURLINFO_HEADER_OUT)
		return 0;
	mail_replies_command(&posting->replies, (struct text){bytes, size});
	if (posting->replies.is_over)
		memcpy(posting->reason_kept, posting->reason, sizeof posting->reason);
	return 0;
}

/* ---- the request ---- */

static bool set_common(CURL *curl, struct posting *posting)
{
	return libcurl.easy_setopt(curl, CURLOPT_URL, posting->request->url) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_ERRORBUFFER, posting->reason) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L) ==
		       CURLE_OK && /* does not wait for a name that is being resolved */
	       libcurl.easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_for_an_end) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_XFERINFODATA, posting) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_OPENSOCKETDATA, posting) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop_body) == CURLE_OK &&
	       (!posting->request->authorities ||
		libcurl.easy_setopt(curl, CURLOPT_CAINFO, posting->request->authorities) == CURLE_OK);
}

/* A redirection keeps the method and the body, and does not leave TLS. */
static bool set_http(CURL *curl, const struct post_request *request, struct curl_slist *headers)
{
	bool tls = strncmp(request->url, "https:", 6) == 0;
	return libcurl.easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "http,https") == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_FOLLOWLOCATION, request->stays ? 0L : 1L) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_MAXREDIRS, (long)POST_REDIRECTIONS_MAX) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)POST_CONNECT_MS) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)POST_MS) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.bytes) == CURLE_OK &&
	       (!request->puts || libcurl.easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "PUT") == CURLE_OK) &&
	       libcurl.easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
}

/* What is said in the conversation decides who got the mail. A connection that is not reused is ended by libcurl within its
 * timeouts: otherwise curl_easy_cleanup() would wait two minutes for the reply to QUIT. */
static bool set_conversation(CURL *curl, struct posting *posting)
{
	return libcurl.easy_setopt(curl, CURLOPT_HEADERFUNCTION, note_line) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_HEADERDATA, posting) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_DEBUGFUNCTION, note_command) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_DEBUGDATA, posting) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_VERBOSE, 1L) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK;
}

/* To libcurl, the greeting and the login are part of the connect. */
static bool set_mail(CURL *curl, struct posting *posting, struct curl_slist *recipients)
{
	const struct post_request *request = posting->request;
	return set_conversation(curl, posting) && libcurl.easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)POST_MAIL_MS) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)POST_MAIL_MS) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_USE_SSL, (long)(request->login ? CURLUSESSL_ALL : CURLUSESSL_TRY)) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_MAIL_FROM, request->from) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L) ==
		       CURLE_OK && /* one refused recipient stops no other */
	       libcurl.easy_setopt(curl, CURLOPT_READFUNCTION, read_body) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_READDATA, posting) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
	       (!request->login || libcurl.easy_setopt(curl, CURLOPT_USERPWD, request->login) == CURLE_OK);
}

/* A control character would begin a header, or a command of SMTP, of its own. */
static bool is_one_line(const char *line)
{
	while (*line && (unsigned char)*line >= ' ')
		line++;
	return *line == '\0';
}

/* Appends the headers, or a mail's recipients. The caller owns the list, also on failure. */
static bool lines_make(const struct post_request *request, struct curl_slist **lines)
{
	const size_t count = is_mail(request) ? request->recipients.count : POST_HEADERS_MAX;
	for (size_t i = 0; i < count; i++) {
		const char *line = is_mail(request) ? request->recipients.items[i].address : request->headers[i];
		struct curl_slist *longer = line && is_one_line(line) ? libcurl.slist_append(*lines, line) : *lines;
		if (line && (!is_one_line(line) || !longer))
			return false;
		*lines = longer;
	}
	return true;
}

/* ---- the answer ---- */

/* libcurl reads Retry-After, also as a date. */
static void note_wait(CURL *curl, const struct posting *posting)
{
	curl_off_t wait_s = 0;
	if (posting->request->wait_ms && libcurl.easy_getinfo(curl, CURLINFO_RETRY_AFTER, &wait_s) == CURLE_OK)
		*posting->request->wait_ms = wait_s < POST_WAIT_S_MAX ? (int64_t)wait_s * MS_PER_S : POST_WAIT_S_MAX * MS_PER_S;
}

/* What to look at, behind a status. */
static const char *advice_of_status(long status)
{
	switch (status) {
	case 401:
	case 403:
		return "; are its URL and its secret right, and may this host call it?";
	case 404:
	case 410:
		return "; is its URL right, and does it still exist there?";
	case 429:
		return "; it limits how many it takes: raise that limit, or let fewer alerts, or groups of them, fire at once";
	default:
		return status == 408 || status == 425 ? "; see its log"
		       : status / STATUS_KIND == 3    ? "; it redirects in a circle, or where it may not: write the last URL"
		       : status / STATUS_KIND == 4    ? "; does it take this body? See its documentation, and its log"
						      : "; see its log";
	}
}

static enum post_outcome judge_status(long status, struct error *error)
{
	static const long again[] = {408, 425, 429};
	error_set(error, ERROR_REMOTE, PLACE_NONE, "the receiver answers %ld%s", status, advice_of_status(status));
	for (size_t i = 0; i < sizeof again / sizeof *again; i++)
		if (status == again[i])
			return POST_UNREACHABLE;
	return status / STATUS_KIND == 5 ? POST_UNREACHABLE : POST_REFUSED;
}

/* Whether no address of the last host was allowed. */
static bool is_private(CURL *curl, const struct posting *posting)
{
	long redirections = 0;
	libcurl.easy_getinfo(curl, CURLINFO_REDIRECT_COUNT, &redirections);
	return posting->refused[0] && posting->opened_after < redirections;
}

/* Whether the mail server has answered that it will not take the mail, now or later. */
static bool mail_is_refused(const struct posting *posting, CURLcode code)
{
	return is_mail(posting->request) && mail_replies_refuse(&posting->replies) &&
	       (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_WEIRD_SERVER_REPLY);
}

/* What to look at, behind curl's own words. `clear`: it was called without TLS. */
static const char *advice_of(CURLcode code, bool clear)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return "; does the receiver run there, and can it be reached from here?";
	case CURLE_COULDNT_RESOLVE_HOST:
		return "; is the name of its host right?";
	case CURLE_OPERATION_TIMEDOUT:
		return "; does the receiver run, and answer in time?";
	case CURLE_SSL_CONNECT_ERROR:
		return "; does the receiver speak TLS at this port?";
	case CURLE_PEER_FAILED_VERIFICATION:
		return "; is its certificate for this host, and in time, and signed by an authority that --alert-authorities "
		       "names?";
	case CURLE_SSL_CACERT_BADFILE:
		return "; can the file of --alert-authorities be read?";
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return clear ? "; see the receiver's log, and write https:// if it speaks TLS at this port"
			     : "; see the receiver's log";
	default:
		return "";
	}
}

/* Likewise of a mail: when TLS begins depends on the scheme, and the port on both. */
static const char *mail_advice_of(CURLcode code, bool clear_first)
{
	switch (code) {
	case CURLE_SSL_CONNECT_ERROR:
		return clear_first ? "; the server begins TLS and does not finish it: its log says why, such as a version before "
				     "TLS 1.2"
				   : "; if the server begins in clear text at this port, write smtp:// in --smtp";
	case CURLE_USE_SSL_FAILED:
		return "; a login is sent by TLS alone: if the server has it at a port of its own, as 465, write smtps:// in "
		       "--smtp";
	case CURLE_OPERATION_TIMEDOUT:
		return clear_first ? "; does the server run at this port, and answer in time? One that begins by TLS, as at port "
				     "465, needs smtps:// in --smtp"
				   : "; does the server run at this port, and answer in time?";
	default:
		return advice_of(code, false);
	}
}

/* What to look at, behind an answer of the mail server: RFC 5321 and, of logins, RFC 4954. Any other says itself what it does not
 * take, or passes. */
static const char *reply_advice(const struct posting *posting)
{
	const struct text reply = text_of(posting->replies.reply);
	if (text_starts_with(reply, TEXT("530")))
		return posting->request->login ? "" : "; does it want a login? Name one with --smtp-login";
	if (text_starts_with(reply, TEXT("534")) || text_starts_with(reply, TEXT("535")))
		return "; is the login of --smtp-login right, and may it send mails?";
	if (mail_replies_refuse(&posting->replies) && strncmp(posting->reason, "MAIL ", 5) == 0)
		return "; may the sender that --mail-from names send by this server?";
	return "";
}

/* The words of the server are from outside: nothing of them may control a terminal. */
static void mail_explain(const struct posting *posting, CURLcode code, struct error *error)
{
	const char *reason = posting->replies.is_over ? posting->reason_kept : posting->reason;
	const bool answered = mail_replies_complain(&posting->replies),
		   clear_first = strncmp(posting->request->url, "smtp:", 5) == 0;
	struct buffer words;
	buffer_open(&words, ERROR_TEXT_MAX);
	buffer_print(&words, "%s%s", reason[0] ? reason : libcurl.easy_strerror(code),
		     answered ? "" : mail_advice_of(code, clear_first));
	if (answered)
		buffer_shown_around(&words, "; the mail server answers: ", text_of(posting->replies.reply), reply_advice(posting));
	error_set(error, ERROR_REMOTE, PLACE_NONE, TEXT_FORMAT, TEXT_ARGUMENTS(buffer_view(&words)));
	buffer_close(&words);
}

/* A redirection that libcurl does not follow: one too many, to no http or https, or from https to http. */
static bool redirects_wrongly(CURLcode code, long status)
{
	return code == CURLE_TOO_MANY_REDIRECTS || (code == CURLE_UNSUPPORTED_PROTOCOL && status / STATUS_KIND == 3);
}

/* To libcurl, an answer that is not HTTP has an unsupported protocol, as a URL may have. Another server may have had the port. */
static bool is_no_http(const struct posting *posting, CURLcode code, long status)
{
	return code == CURLE_UNSUPPORTED_PROTOCOL && status / STATUS_KIND < STATUS_GOOD && posting->opened_after >= 0;
}

/* Those of libcurl on a code name no host and no URL. Those on a certificate say what is wrong with it, and no more of the URL than
 * its host, by which the receiver is called anyhow. */
static const char *words_of(const struct posting *posting, CURLcode code)
{
	return code == CURLE_PEER_FAILED_VERIFICATION && posting->reason[0] ? posting->reason : libcurl.easy_strerror(code);
}

static enum post_outcome post_judge(CURL *curl, CURLcode code, const struct posting *posting, struct error *error)
{
	long status = 0;
	libcurl.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	note_wait(curl, posting);
	if (code != CURLE_OK && is_private(curl, posting)) {
		error_set(error, ERROR_CONFIG, PLACE_NONE,
			  "the receiver is at %s, which is not a public address; allow it with --alert-allow", posting->refused);
		return POST_REFUSED;
	}
	if (is_mail(posting->request) ? code == CURLE_OK : status / STATUS_KIND == STATUS_GOOD) /* whatever becomes of its body */
		return POST_DELIVERED;
	if (code == CURLE_OK || redirects_wrongly(code, status))
		return judge_status(status, error);
	const bool no_http = !is_mail(posting->request) && is_no_http(posting, code, status);
	if (is_mail(posting->request))
		mail_explain(posting, code, error);
	else if (no_http)
		error_set(error, ERROR_REMOTE, PLACE_NONE, "the answer is not HTTP; is the receiver at this port?");
	else
		error_set(error, ERROR_REMOTE, PLACE_NONE, "%s%s", words_of(posting, code),
			  advice_of(code, strncmp(posting->request->url, "http:", 5) == 0));
	return (code == CURLE_UNSUPPORTED_PROTOCOL && !no_http) || code == CURLE_URL_MALFORMAT || mail_is_refused(posting, code)
		       ? POST_REFUSED
		       : POST_UNREACHABLE;
}

enum post_outcome post(const struct post_request *request, struct error *error)
{
	if (!curl_library_load(error))
		return POST_UNREACHABLE;
	CURL *curl = libcurl.easy_init();
	struct posting posting = {
		.request = request, .curl = curl, .replies = mail_replies_begin(&request->recipients), .opened_after = -1};
	struct curl_slist *lines = NULL;
	enum post_outcome outcome = POST_UNREACHABLE;
	bool good = curl && lines_make(request, &lines) && set_common(curl, &posting) &&
		    (is_mail(request) ? set_mail(curl, &posting, lines) : set_http(curl, request, lines));
	if (good)
		outcome = post_judge(curl, libcurl.easy_perform(curl), &posting, error);
	else
		error_memory(error, ERROR_SYSTEM, "sending a notice");
	if (good && is_mail(request))
		outcome = mail_replies_settle(&posting.replies, outcome, error);
	libcurl.slist_free_all(lines);
	libcurl.easy_cleanup(curl);
	return outcome;
}
