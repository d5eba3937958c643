/* jwks.c: see jwks.h. */
#include "gateway/access/jwks.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/base64.h"
#include "base/memory.h"
#include "message/rows.h"

#define ARENA_BYTES_MAX (2 * JWKS_BYTES_MAX) /* key ids, and the numbers of keys while they are read */

static const struct {
	const char *name, *group;
	enum jwt_key_kind kind;
	size_t field_bytes;
} curves[] = {
	{"P-256", "prime256v1", JWT_KEY_P256, 32},
	{"P-384", "secp384r1", JWT_KEY_P384, 48},
	{"P-521", "secp521r1", JWT_KEY_P521, 66},
};

static struct text json_text(const json_t *value)
{
	return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)} : (struct text){0};
}

/* The bytes of a member in base64url; length 0: it has none. */
static struct text key_bytes(struct jwks *keys, const json_t *json, const char *member)
{
	struct text encoded = json_text(json_object_get(json, member));
	char *bytes = arena_take_raw(keys->arena, base64_read_room(encoded.length));
	size_t length = 0;
	return encoded.bytes && bytes && base64url_read(encoded, bytes, &length) ? (struct text){bytes, length} : (struct text){0};
}

static EVP_PKEY *key_make(const char *type, OSSL_PARAM *parameters)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (!context || !parameters || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	return key;
}

static EVP_PKEY *key_make_rsa(const BIGNUM *modulus, const BIGNUM *exponent)
{
	OSSL_PARAM *parameters = NULL;
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	if (builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
		parameters = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY *key = key_make("RSA", parameters);
	OSSL_PARAM_free(parameters);
	OSSL_PARAM_BLD_free(builder);
	return key;
}

static enum jwks_skip key_read_rsa(struct jwks *keys, const json_t *json, struct jwk *key)
{
	struct text n = key_bytes(keys, json, "n"), e = key_bytes(keys, json, "e");
	if (n.length == 0 || e.length == 0)
		return JWKS_SKIP_MALFORMED;
	BIGNUM *modulus = BN_bin2bn((const unsigned char *)n.bytes, (int)n.length, NULL);
	BIGNUM *exponent = BN_bin2bn((const unsigned char *)e.bytes, (int)e.length, NULL);
	enum jwks_skip skip = JWKS_SKIP_MALFORMED;
	if (modulus && exponent) {
		int bits = BN_num_bits(modulus), exponent_bits = BN_num_bits(exponent);
		skip = JWKS_SKIP_WEAK;
		if (bits >= JWK_RSA_BITS_LEAST && bits <= JWK_RSA_BITS_MOST && BN_is_odd(modulus) && BN_is_odd(exponent) &&
		    exponent_bits > 1 && exponent_bits <= JWK_RSA_EXPONENT_BITS_MOST) {
			key->kind = JWT_KEY_RSA;
			key->key = key_make_rsa(modulus, exponent);
			skip = key->key ? JWKS_SKIPS : JWKS_SKIP_MALFORMED;
		}
	}
	BN_free(modulus);
	BN_free(exponent);
	return skip;
}

static enum jwks_skip key_read_curve(struct jwks *keys, const json_t *json, struct jwk *key)
{
	struct text name = json_text(json_object_get(json, "crv"));
	size_t row = 0;
	while (row < sizeof curves / sizeof *curves && !text_is(name, curves[row].name))
		row++;
	if (row == sizeof curves / sizeof *curves)
		return JWKS_SKIP_TYPE;
	size_t field_bytes = curves[row].field_bytes;
	struct text x = key_bytes(keys, json, "x"), y = key_bytes(keys, json, "y");
	unsigned char *point = arena_take_raw(keys->arena, 1 + 2 * field_bytes);
	if (!point || x.length != field_bytes || y.length != field_bytes)
		return JWKS_SKIP_MALFORMED;
	point[0] = POINT_CONVERSION_UNCOMPRESSED;
	memcpy(point + 1, x.bytes, field_bytes);
	memcpy(point + 1 + field_bytes, y.bytes, field_bytes);
	char group[sizeof "prime256v1"];
	memcpy(group, curves[row].group, strlen(curves[row].group) + 1);
	OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
				   OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * field_bytes),
				   OSSL_PARAM_construct_end()};
	key->kind = curves[row].kind;
	key->key = key_make("EC", parameters); /* OpenSSL refuses a point that is not on the curve */
	return key->key ? JWKS_SKIPS : JWKS_SKIP_MALFORMED;
}

/* Whether `use` and `key_ops`, if present, allow verifying. */
static bool key_is_for_signatures(const json_t *json)
{
	const json_t *use = json_object_get(json, "use"), *operations = json_object_get(json, "key_ops");
	if (use && !text_is(json_text(use), "sig"))
		return false;
	if (!operations)
		return true;
	for (size_t i = 0; i < json_array_size(operations); i++)
		if (text_is(json_text(json_array_get(operations, i)), "verify"))
			return true;
	return false;
}

static bool key_is_repeated(const struct jwks *keys, const struct jwk *key)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->keys[i].kind == key->kind && keys->keys[i].id.bytes && text_equal(keys->keys[i].id, key->id))
			return true;
	return false;
}

static bool key_has_private_part(const json_t *json)
{
	static const char *const members[] = {"d", "p", "q", "dp", "dq", "qi", "oth"};
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (json_object_get(json, members[i]))
			return true;
	return false;
}

/* Reads a key. JWKS_SKIPS: it was read; else why it was left out. */
static enum jwks_skip key_read(struct jwks *keys, const json_t *json, struct jwk *key)
{
	const json_t *id = json_object_get(json, "kid"), *algorithm = json_object_get(json, "alg");
	struct text type = json_text(json_object_get(json, "kty")), kid = json_text(id);
	bool is_rsa = text_is(type, "RSA");
	if (!json_is_object(json) || (id && !kid.bytes))
		return JWKS_SKIP_MALFORMED;
	if (!is_rsa && !text_is(type, "EC"))
		return JWKS_SKIP_TYPE;
	if (!key_is_for_signatures(json))
		return JWKS_SKIP_USE;
	if (key_has_private_part(json))
		return JWKS_SKIP_PRIVATE;
	enum jwks_skip skip = is_rsa ? key_read_rsa(keys, json, key) : key_read_curve(keys, json, key);
	if (skip != JWKS_SKIPS)
		return skip;
	key->algorithm = algorithm ? jwt_algorithm_find(json_text(algorithm)) : JWT_ALGORITHMS;
	if (algorithm && (key->algorithm == JWT_ALGORITHMS || jwt_algorithm_key_kind(key->algorithm) != key->kind))
		return JWKS_SKIP_USE;
	if (kid.bytes)
		key->id = text_copied(keys->arena, kid);
	return kid.bytes && key_is_repeated(keys, key) ? JWKS_SKIP_REPEATED : JWKS_SKIPS;
}

static bool set_read(struct jwks *keys, const json_t *root, struct error *error)
{
	const json_t *list = json_object_get(root, "keys");
	if (!json_is_array(list))
		return error_set(error, ERROR_REMOTE, PLACE_NONE, "the key set has no list `keys`; it must be a JSON Web Key Set");
	if (json_array_size(list) > JWKS_KEYS_MAX)
		return error_set(error, ERROR_REMOTE, PLACE_NONE, "the key set has %zu keys, and at most %d are read",
				 json_array_size(list), JWKS_KEYS_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct jwk key = {0};
		enum jwks_skip skip = key_read(keys, json_array_get(list, i), &key);
		if (skip == JWKS_SKIPS) {
			keys->keys[keys->count++] = key;
			continue;
		}
		EVP_PKEY_free(key.key);
		keys->skipped[skip]++;
	}
	if (arena_failed(keys->arena))
		return error_memory(error, ERROR_SYSTEM, "reading a key set");
	if (keys->count > 0 || json_array_size(list) == 0)
		return true;
	enum jwks_skip most = 0;
	for (enum jwks_skip skip = 0; skip < JWKS_SKIPS; skip++)
		most = keys->skipped[skip] > keys->skipped[most] ? skip : most;
	return error_set(error, ERROR_REMOTE, PLACE_NONE, "none of the %zu keys of the set verifies signatures; %zu are %s",
			 jwks_skipped(keys), keys->skipped[most], jwks_skip_words(most));
}

struct jwks *jwks_read(struct text json, struct error *error)
{
	if (json.length > JWKS_BYTES_MAX)
		return error_null(error_set(error, ERROR_REMOTE, PLACE_NONE, "the key set has more than %zu bytes",
					    JWKS_BYTES_MAX));
	struct jwks *keys = memory_take(1, sizeof *keys);
	if (!keys || !(keys->arena = arena_open(ARENA_BYTES_MAX))) {
		error_memory(error, ERROR_SYSTEM, "reading a key set");
		memory_give(keys);
		return NULL;
	}
	json_t *root = json_loadb(json.bytes, json.length, JSON_REJECT_DUPLICATES, NULL);
	bool is_read = root ? set_read(keys, root, error)
			    : error_set(error, ERROR_REMOTE, PLACE_NONE, "the key set is no JSON, or has a member twice");
	json_decref(root);
	ERR_clear_error();
	if (is_read)
		return keys;
	jwks_close(keys);
	return NULL;
}

void jwks_close(struct jwks *keys)
{
	if (!keys)
		return;
	for (size_t i = 0; i < keys->count; i++)
		EVP_PKEY_free(keys->keys[i].key);
	arena_close(keys->arena);
	memory_give(keys);
}

static bool key_fits(const struct jwk *key, enum jwt_algorithm algorithm)
{
	return key->kind == jwt_algorithm_key_kind(algorithm) && (key->algorithm == JWT_ALGORITHMS || key->algorithm == algorithm);
}

const struct jwk *jwks_find(const struct jwks *keys, struct text id, enum jwt_algorithm algorithm, bool *known)
{
	const struct jwk *found = NULL;
	*known = false;
	for (size_t i = 0; i < keys->count; i++) {
		const struct jwk *key = &keys->keys[i];
		bool fits = key_fits(key, algorithm);
		if (id.bytes ? !key->id.bytes || !text_equal(key->id, id) : !fits)
			continue;
		*known = true;
		if (!fits)
			continue;
		if (found)
			return NULL;
		found = key;
	}
	return found;
}

size_t jwks_skipped(const struct jwks *keys)
{
	size_t count = 0;
	for (enum jwks_skip skip = 0; skip < JWKS_SKIPS; skip++)
		count += keys->skipped[skip];
	return count;
}

const char *jwks_skip_words(enum jwks_skip skip)
{
	static const char *const words[JWKS_SKIPS] = {
		[JWKS_SKIP_TYPE] = "of an unknown type",
		[JWKS_SKIP_USE] = "for another use",
		[JWKS_SKIP_WEAK] = "too weak or too long",
		[JWKS_SKIP_MALFORMED] = "malformed",
		[JWKS_SKIP_PRIVATE] = "private",
		[JWKS_SKIP_REPEATED] = "repeated",
	};
	return words[skip];
}
