/* url_mask.c: see url_mask.h. */
#include "base/url_mask.h"

#include "base/url.h"

#define STUB "stub://"
#define STUB_LENGTH (sizeof STUB - 1)
#define SHOWN "***"
#define SHOWN_LENGTH (sizeof SHOWN - 1)

static bool ends_url(char byte)
{
	return (unsigned char)byte <= ' ' || byte == 0x7F || strchr("\"'<>`", byte) != NULL;
}

static bool begins_url(const char *bytes, size_t length)
{
	const size_t scheme = url_scheme_length((struct text){bytes, length});
	return scheme > 0 && length - scheme >= 3 && memcmp(bytes + scheme, "://", 3) == 0;
}

/* Of what stands behind a scheme: up to a blank, a quote, or the next URL of a list. */
static size_t url_end(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (ends_url(bytes[i]) || (bytes[i] == ',' && begins_url(bytes + i + 1, length - i - 1)))
			return i;
	return length;
}

static bool is_port(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] < '0' || bytes[i] > '9')
			return false;
	return true;
}

/* How long the login is with which a URL begins behind its scheme, without its `@`; 0: it has none. A password may have been
 * written with a slash in it: what stands behind the colon of a host is a port, and else it is a password. */
static size_t login_length(const char *bytes, size_t length)
{
	size_t host = 0;
	while (host < length && !strchr("/?#", bytes[host]))
		host++;
	const char *at = memrchr(bytes, '@', host);
	const char *colon = at ? NULL : memchr(bytes, ':', host);
	if (colon && !is_port(colon + 1, (size_t)(bytes + host - colon) - 1))
		at = memrchr(bytes, '@', length);
	return at ? (size_t)(at - bytes) : 0;
}

/* By a part of it, in any case: names of secrets are many, and a value that is masked without need costs little. */
static bool name_is_secret(const char *name, size_t length)
{
	static const char *const parts[] = {"auth", "code", "cred", "jwt", "key", "pass", "pwd", "sas", "secret", "sig", "token"};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		for (size_t at = 0, size = strlen(parts[i]); at + size <= length; at++)
			if (strncasecmp(name + at, parts[i], size) == 0)
				return true;
	return false;
}

/* Of the value of a parameter; what ends a sentence or a list behind its URL is not of the value. */
static size_t value_length(const char *bytes, size_t length)
{
	size_t value = 0;
	while (value < length && !strchr("&#\\", bytes[value]))
		value++;
	while (value == length && value > 0 && strchr(".,:;)]}", bytes[value - 1]))
		length = --value;
	return value;
}

/* A text that is copied onto its own beginning. */
struct masked {
	char *bytes;
	size_t kept; /* of the copy */
	size_t at;   /* the next byte to copy */
};

static void masked_keep(struct masked *masked, size_t until)
{
	memmove(masked->bytes + masked->kept, masked->bytes + masked->at, until - masked->at);
	masked->kept += until - masked->at;
	masked->at = until;
}

static void masked_hide(struct masked *masked, size_t length)
{
	const size_t shown = length < SHOWN_LENGTH ? length : SHOWN_LENGTH;
	memcpy(masked->bytes + masked->kept, SHOWN, shown);
	masked->kept += shown;
	masked->at += length;
}

/* `;` was for long another `&`; parameters of a fragment are as those of a query. */
static bool ends_parameter(char byte)
{
	return byte == '&' || byte == ';' || byte == '#' || byte == '?';
}

/* Parameters of a query and of a fragment. */
static void query_mask(struct masked *masked, size_t end)
{
	const char *bytes = masked->bytes;
	size_t at = masked->at;
	while (at < end && !strchr("?#", bytes[at]))
		at++;
	for (at++; at < end;) {
		const size_t name = at;
		while (at < end && bytes[at] != '=' && !ends_parameter(bytes[at]))
			at++;
		if (at < end && bytes[at++] == '=' && name_is_secret(bytes + name, at - 1 - name)) {
			masked_keep(masked, at);
			masked_hide(masked, value_length(bytes + at, end - at));
			at = masked->at;
		}
		while (at < end && !ends_parameter(bytes[at - 1]))
			at++;
	}
}

/* Whether a whole `stub://` ends there. */
static bool stub_ends(const char *bytes, size_t at)
{
	return at >= STUB_LENGTH && memcmp(bytes + at - STUB_LENGTH, STUB, STUB_LENGTH) == 0 &&
	       (at == STUB_LENGTH || url_scheme_length((struct text){bytes + at - STUB_LENGTH - 1, 1}) == 0);
}

size_t mask_urls(char *bytes, size_t length)
{
	struct masked masked = {.bytes = bytes};
	for (const char *scheme; (scheme = memmem(bytes + masked.at, length - masked.at, "://", 3)) != NULL;) {
		const size_t begin = (size_t)(scheme - bytes) + 3, end = begin + url_end(bytes + begin, length - begin);
		const bool is_stub = stub_ends(bytes, begin);
		masked_keep(&masked, begin);
		masked_hide(&masked, login_length(bytes + begin, end - begin));
		if (!is_stub)
			query_mask(&masked, end);
	}
	masked_keep(&masked, length);
	return masked.kept;
}

void mask_string(char *string)
{
	string[mask_urls(string, strlen(string))] = '\0';
}

void mask_buffer(struct buffer *buffer)
{
	if (buffer->length > 0)
		buffer->length = mask_urls(buffer->bytes, buffer->length);
}
