/* jwt.c: see jwt.h. */
#include "gateway/access/jwt.h"

#include <jansson.h>

#include "base/base64.h"
#include "base/number/duration.h"

#define LAST_MS INT64_C(253402300799000) /* the end of the year 9999; a later date means never */

/* The parts of a token, and memory for each of them decoded. */
struct jwt_parts {
	struct text header, claims, signature; /* as received */
	struct text signed_part;
	char bytes[JWT_BYTES_MAX];
};

static enum jwt_refusal parts_find(struct text token, struct jwt_parts *parts)
{
	size_t dots = 0;
	for (size_t i = 0; i < token.length; i++)
		dots += token.bytes[i] == '.';
	if (dots == 4)
		return JWT_ENCRYPTED;
	if (dots != 2)
		return JWT_NO_TOKEN;
	struct text rest = token;
	parts->header = text_take_until(&rest, '.');
	parts->claims = text_take_until(&rest, '.');
	parts->signature = rest;
	parts->signed_part = (struct text){token.bytes, parts->header.length + 1 + parts->claims.length};
	return JWT_TAKEN;
}

/* Decodes a part as a JSON object; NULL: it is none. The decoded bytes are in `room` only until it returns. */
static json_t *part_read(struct text part, char *room)
{
	size_t length;
	json_t *root = base64url_read(part, room, &length) ? json_loadb(room, length, JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (json_is_object(root))
		return root;
	json_decref(root);
	return NULL;
}

static struct text member_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)} : (struct text){0};
}

static bool type_is_token(const json_t *header)
{
	struct text type = member_text(header, "typ");
	if (!json_object_get(header, "typ"))
		return true;
	static const struct text prefix = {"application/", 12};
	if (type.length > prefix.length && text_equal_caseless((struct text){type.bytes, prefix.length}, prefix))
		type = text_from(type, prefix.length);
	return text_equal_caseless(type, TEXT("JWT")) || text_equal_caseless(type, TEXT("at+jwt"));
}

/* Finds the key and the algorithm that the header names. */
static enum jwt_refusal key_choose(const json_t *header, const struct jwks *keys, const struct jwt_rules *rules,
				   enum jwt_algorithm *algorithm, const struct jwk **key)
{
	struct text name = member_text(header, "alg"), id = member_text(header, "kid");
	bool is_known;
	if (!name.bytes || (json_object_get(header, "kid") && !id.bytes))
		return JWT_BAD_HEADER;
	if (!type_is_token(header))
		return JWT_BAD_TYPE;
	if (json_object_get(header, "crit"))
		return JWT_CRITICAL;
	if (text_equal_caseless(name, TEXT("none")))
		return JWT_UNSIGNED;
	*algorithm = jwt_algorithm_find(name);
	if (*algorithm == JWT_ALGORITHMS || !(rules->algorithms >> *algorithm & 1))
		return JWT_BAD_ALGORITHM;
	*key = jwks_find(keys, id, *algorithm, &is_known);
	if (*key)
		return JWT_TAKEN;
	if (!id.bytes)
		return JWT_NO_KEY_NAMED;
	return is_known ? JWT_OTHER_KEY : JWT_UNKNOWN_KEY;
}

static enum jwt_refusal signature_check(struct jwt_parts *parts, const struct jwks *keys, const struct jwt_rules *rules)
{
	enum jwt_algorithm algorithm = JWT_ALGORITHMS;
	const struct jwk *key = NULL;
	size_t length;
	json_t *header = part_read(parts->header, parts->bytes);
	enum jwt_refusal refusal = header ? key_choose(header, keys, rules, &algorithm, &key) : JWT_BAD_HEADER;
	json_decref(header);
	if (refusal != JWT_TAKEN)
		return refusal;
	if (!base64url_read(parts->signature, parts->bytes, &length) ||
	    !jwt_signature_holds(algorithm, key->key, parts->signed_part, (struct text){parts->bytes, length}))
		return JWT_BAD_SIGNATURE;
	return JWT_TAKEN;
}

/* ---- claims ---- */

static bool words_have(const char *const *words, size_t count, struct text word)
{
	return word.bytes && text_is_one_of(word, words, count);
}

static bool audience_holds(const json_t *audience, const struct jwt_rules *rules)
{
	if (rules->audience_count == 0)
		return true;
	if (json_is_string(audience))
		return words_have(rules->audiences, rules->audience_count,
				  (struct text){json_string_value(audience), json_string_length(audience)});
	for (size_t i = 0; i < json_array_size(audience); i++) {
		const json_t *one = json_array_get(audience, i);
		if (json_is_string(one) && audience_holds(one, rules))
			return true;
	}
	return false;
}

/* Reads seconds since 1970 as milliseconds, cut to the range of dates; `absent` if there is none. False: it is not a
 * number. */
static bool date_read(const json_t *claims, const char *name, int64_t absent, int64_t *ms)
{
	const json_t *value = json_object_get(claims, name);
	*ms = absent;
	if (!value)
		return true;
	if (!json_is_number(value))
		return false;
	double seconds = json_number_value(value);
	*ms = seconds >= (double)(LAST_MS / MS_PER_S) ? LAST_MS : seconds <= 0 ? 0 : (int64_t)(seconds * MS_PER_S);
	return true;
}

static enum jwt_refusal claims_check(const json_t *claims, const struct jwt_rules *rules, int64_t now_ms, struct jwt *jwt)
{
	int64_t expiry_ms, begin_ms, issued_ms;
	if (!date_read(claims, "exp", -1, &expiry_ms) || !date_read(claims, "nbf", 0, &begin_ms) ||
	    !date_read(claims, "iat", 0, &issued_ms))
		return JWT_BAD_CLAIMS;
	jwt->subject = member_text(claims, "sub");
	if (json_object_get(claims, "sub") && !jwt->subject.bytes)
		return JWT_BAD_CLAIMS;
	if (expiry_ms < 0)
		return JWT_NO_EXPIRY;
	if (now_ms >= expiry_ms + rules->skew_ms)
		return JWT_EXPIRED;
	if (now_ms + rules->skew_ms < begin_ms)
		return JWT_NOT_YET;
	if (now_ms + rules->skew_ms < issued_ms)
		return JWT_OF_TOMORROW;
	if (rules->issuer_count > 0 && !words_have(rules->issuers, rules->issuer_count, member_text(claims, "iss")))
		return JWT_OTHER_ISSUER;
	if (!audience_holds(json_object_get(claims, "aud"), rules))
		return JWT_OTHER_AUDIENCE;
	jwt->valid_until_ms = expiry_ms + rules->skew_ms;
	return JWT_TAKEN;
}

static enum jwt_refusal parts_verify(struct jwt_parts *parts, const struct jwks *keys, const struct jwt_rules *rules,
				     int64_t now_ms, struct jwt *jwt)
{
	enum jwt_refusal refusal = signature_check(parts, keys, rules);
	if (refusal != JWT_TAKEN)
		return refusal;
	jwt->claims = part_read(parts->claims, parts->bytes);
	return jwt->claims ? claims_check(jwt->claims, rules, now_ms, jwt) : JWT_BAD_CLAIMS;
}

enum jwt_refusal jwt_verify(struct text token, const struct jwks *keys, const struct jwt_rules *rules, int64_t now_ms,
			    struct jwt *jwt)
{
	struct jwt_parts parts;
	*jwt = (struct jwt){0};
	if (token.length > JWT_BYTES_MAX)
		return JWT_TOO_LONG;
	enum jwt_refusal refusal = parts_find(token, &parts);
	if (refusal == JWT_TAKEN)
		refusal = parts_verify(&parts, keys, rules, now_ms, jwt);
	if (refusal != JWT_TAKEN)
		jwt_close(jwt);
	return refusal;
}

void jwt_close(struct jwt *jwt)
{
	json_decref(jwt->claims);
	*jwt = (struct jwt){0};
}

const char *jwt_refusal_words(enum jwt_refusal refusal)
{
	static_assert(JWT_BYTES_MAX == 16384, "the words below say so");
	static const char *const words[JWT_REFUSALS] = {
		[JWT_TAKEN] = "",
		[JWT_TOO_LONG] = "The token has more than 16384 bytes. Ask its issuer for one with fewer claims.",
		[JWT_NO_TOKEN] = "The bearer token is no JSON Web Token: three parts with dots between them.",
		[JWT_ENCRYPTED] = "The token is encrypted. Send one that is signed only.",
		[JWT_BAD_HEADER] = "The header of the token is no JSON object in base64url with an alg, or has a member twice.",
		[JWT_BAD_TYPE] = "The token was made for another purpose: its typ is neither JWT nor at+jwt.",
		[JWT_CRITICAL] = "The token has a crit header, and no such extension is known here.",
		[JWT_UNSIGNED] = "The token is not signed.",
		[JWT_BAD_ALGORITHM] = "The algorithm of the token is not one that is accepted here.",
		[JWT_UNKNOWN_KEY] = "The token is signed by a key that its issuer does not publish (kid).",
		[JWT_OTHER_KEY] = "The key that the token names (kid) is not for its algorithm.",
		[JWT_NO_KEY_NAMED] = "The token names no key (kid), and not exactly one key is for its algorithm.",
		[JWT_BAD_SIGNATURE] = "The signature of the token is wrong.",
		[JWT_BAD_CLAIMS] = "The claims of the token are malformed, or one is there twice.",
		[JWT_NO_EXPIRY] = "The token has no expiry (exp), which is required.",
		[JWT_EXPIRED] = "The token has expired.",
		[JWT_NOT_YET] = "The token is not valid yet (nbf).",
		[JWT_OF_TOMORROW] = "The token was issued in the future (iat). Check the clocks.",
		[JWT_OTHER_ISSUER] = "The token is from another issuer (iss).",
		[JWT_OTHER_AUDIENCE] = "The token is for another audience (aud).",
	};
	return words[refusal];
}
