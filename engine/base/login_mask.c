/* login_mask.c: see login_mask.h. */
#include "base/login_mask.h"

#define SHOWN "***"
#define SHOWN_LENGTH (sizeof SHOWN - 1)

static bool ends_url(char byte)
{
	return (unsigned char)byte <= ' ' || byte == 0x7F || strchr("\"'<>`", byte) != NULL;
}

/* Of what stands behind a scheme: up to a blank, a quote, or the next URL of a list. */
static size_t url_end(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (ends_url(bytes[i]) || (bytes[i] == ',' && memmem(bytes + i, length - i, "://", 3)))
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

size_t mask_logins(char *bytes, size_t length)
{
	size_t kept = 0, at = 0;
	for (const char *scheme; at < length && (scheme = memmem(bytes + at, length - at, "://", 3)) != NULL;) {
		size_t begin = (size_t)(scheme - bytes) + 3;
		size_t login = login_length(bytes + begin, url_end(bytes + begin, length - begin));
		size_t shown = login < SHOWN_LENGTH ? login : SHOWN_LENGTH;
		memmove(bytes + kept, bytes + at, begin - at);
		kept += begin - at;
		memcpy(bytes + kept, SHOWN, shown);
		kept += shown;
		at = begin + login;
	}
	memmove(bytes + kept, bytes + at, length - at);
	return kept + length - at;
}

void mask_string(char *string)
{
	string[mask_logins(string, strlen(string))] = '\0';
}

void mask_buffer(struct buffer *buffer)
{
	if (buffer->length > 0)
		buffer->length = mask_logins(buffer->bytes, buffer->length);
}
