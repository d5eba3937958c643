/* url.c: see url.h. */
#include "base/url.h"

#include "base/network.h"
#include "base/number/number.h"

int url_escape(struct text text)
{
	if (text.length < URL_ESCAPE_BYTES || *text.bytes != '%')
		return -1;
	const int high = digit_value(text.bytes[1]), low = digit_value(text.bytes[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

void url_decode(struct buffer *out, struct text encoded)
{
	for (size_t at = 0; at < encoded.length;) {
		const int byte = url_escape(text_from(encoded, at));
		buffer_byte(out, byte < 0 ? encoded.bytes[at] : (char)byte);
		at += byte < 0 ? 1 : URL_ESCAPE_BYTES;
	}
}

static bool url_refused(struct error *error, const char *why)
{
	return error_set(error, ERROR_REMOTE, PLACE_NONE, "%s", why);
}

static bool begins_with(struct text text, struct text scheme)
{
	return text.length >= scheme.length && text_equal_caseless((struct text){text.bytes, scheme.length}, scheme);
}

/* Whether the text has none of the bytes that an address must not contain, because they would end a line or a part of
 * the request. */
static bool is_clean(struct text text)
{
	for (size_t i = 0; i < text.length; i++)
		if ((unsigned char)text.bytes[i] <= ' ' || text.bytes[i] == 0x7F)
			return false;
	return true;
}

static bool is_port(struct text digits)
{
	unsigned port = 0;
	for (size_t i = 0; i < digits.length; i++) {
		const char byte = digits.bytes[i];
		if (byte < '0' || byte > '9' || (port = port * 10 + (unsigned)(byte - '0')) > PORT_MOST)
			return false;
	}
	return port > 0;
}

static bool read_port(struct text digits, struct url *url, struct error *error)
{
	const struct text usual = url->tls ? TEXT("443") : TEXT("80");
	url->port = digits.length > 0 ? digits : usual;
	if (!is_port(url->port))
		return error_set(error, ERROR_REMOTE, PLACE_NONE,
				 "the port `" TEXT_FORMAT
				 "` of its URL is not a number from 1 to %d; write an IPv6 address in brackets",
				 TEXT_ARGUMENTS(digits), PORT_MOST);
	if (digits.length > 0 && !text_equal(digits, usual))
		url->authority.length = (size_t)(digits.bytes + digits.length - url->authority.bytes);
	return true;
}

static bool name_is_good(struct text host)
{
	for (size_t i = 0; i < host.length; i++)
		if (host.bytes[i] < 0 || strchr("\"<>\\^`{|}[]", host.bytes[i]))
			return false;
	return true;
}

static bool is_ipv6(struct text host)
{
	struct sockaddr_storage address;
	return network_address_read(host, &address) && address.ss_family == AF_INET6;
}

/* Reads a host. A numeric IPv6 address is in brackets, and contains colons. */
static bool read_host(struct text place, struct url *url, struct error *error)
{
	bool bracketed = place.length > 0 && *place.bytes == '[';
	const char *end = memchr(place.bytes, bracketed ? ']' : ':', place.length);
	if (bracketed && !end)
		return url_refused(error, "the bracket before the host of its URL is not closed");
	size_t length = end ? (size_t)(end - place.bytes) + bracketed : place.length;
	struct text rest = text_from(place, length);
	url->host = bracketed ? (struct text){place.bytes + 1, length - 2} : (struct text){place.bytes, length};
	url->authority = (struct text){place.bytes, length};
	if (url->host.length == 0)
		return url_refused(error, "its URL has no host");
	if (bracketed && !is_ipv6(url->host))
		return url_refused(error, "the host of its URL is in brackets, and is not an IPv6 address");
	if (!bracketed && !name_is_good(url->host))
		return url_refused(error, "the host of its URL has a character that no host name has");
	if (rest.length > 0 && *rest.bytes != ':')
		return url_refused(error, "a colon is missing between the host and the port of its URL");
	return read_port(rest.length ? text_from(rest, 1) : rest, url, error);
}

bool url_read(const char *text, struct url *url, struct error *error)
{
	struct text rest = text_of(text);
	bool plain = begins_with(rest, TEXT("http://"));
	*url = (struct url){.tls = begins_with(rest, TEXT("https://"))};
	if (!plain && !url->tls)
		return url_refused(error, "its URL begins with neither http:// nor https://");
	if (!is_clean(rest))
		return url_refused(error, "its URL has a space or a control character; write %20 for a space");
	rest = text_from(rest, url->tls ? 8 : 7);
	struct text place = {rest.bytes, strcspn(rest.bytes, "/?#")};
	rest = text_from(rest, place.length);
	url->target = (struct text){rest.bytes, strcspn(rest.bytes, "#")};
	const char *at = memchr(place.bytes, '@', place.length);
	if (at) {
		url->login = (struct text){place.bytes, (size_t)(at - place.bytes)};
		place = text_from(place, url->login.length + 1);
		if (memchr(place.bytes, '@', place.length))
			return url_refused(error, "its URL has more than one @ before its path; write %40 for that of a login");
	}
	return read_host(place, url, error);
}
