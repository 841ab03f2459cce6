
/*
 * JSON: the vectors, then jansson as the judge of many texts, then the walk.
 *
 * We differ from jansson on purpose, and only so:
 *
 *   - lone surrogates as escapes are taken, as JSON.parse() does
 *   - numbers of any size are taken
 *   - \u0000 is taken in keys, too
 *   - nesting is limited to RT_JSON_MAX_DEPTH
 */

#include "base/rt_json.h"
#include "base/rt_utf8.h"
#include "rt_vectors.h"

#include <jansson.h>


#define TEXT_MAX   2048
#define GENERATED  20000


typedef struct {
    rt_str_t  json;
    rt_str_t  text;
    size_t    length;
} string_case_t;


static const string_case_t  string_cases[] = {
    { rt_string("\"\""), rt_string(""), 0 },
    { rt_string("\"abc\""), rt_string("abc"), 3 },
    { rt_string(" \"abc\"\n"), rt_string("abc"), 3 },
    { rt_string("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
      rt_string("\"\\/\b\f\n\r\t"), 8 },
    { rt_string("\"\\u0041\""), rt_string("A"), 1 },
    { rt_string("\"\\u0000x\""), rt_string("\0x"), 2 },
    { rt_string("\"\\u00e9\\u00E9\""), rt_string("\xc3\xa9\xc3\xa9"), 2 },
    { rt_string("\"\\u007f\\u0080\\u07ff\\u0800\\uffff\""),
      rt_string("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"), 5 },
    { rt_string("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""),
      rt_string("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), 3 },
    { rt_string("\"\\ud83d\\ude00\""), rt_string("\xf0\x9f\x98\x80"), 1 },
    { rt_string("\"\\uD800\\uDC00\""), rt_string("\xf0\x90\x80\x80"), 1 },
    { rt_string("\"\\udbff\\udfff\""), rt_string("\xf4\x8f\xbf\xbf"), 1 },
    { rt_string("\"\\ud800\""), rt_string("\xef\xbf\xbd"), 1 },
    { rt_string("\"\\udfff\""), rt_string("\xef\xbf\xbd"), 1 },
    { rt_string("\"\\ud800x\""), rt_string("\xef\xbf\xbdx"), 2 },
    { rt_string("\"\\ud800\\n\""), rt_string("\xef\xbf\xbd\n"), 2 },
    { rt_string("\"\\ud800\\u0041\""), rt_string("\xef\xbf\xbd" "A"), 2 },
    { rt_string("\"\\ud800\\ud83d\\ude00\""),
      rt_string("\xef\xbf\xbd\xf0\x9f\x98\x80"), 2 },
    { rt_string("\"\\udc00\\ud800\""),
      rt_string("\xef\xbf\xbd\xef\xbf\xbd"), 2 },
    { rt_string("\"\\udc00\\udc00\""),
      rt_string("\xef\xbf\xbd\xef\xbf\xbd"), 2 },
    { rt_string("\"\\ud7ff\\ue000\""), rt_string("\xed\x9f\xbf\xee\x80\x80"),
      2 }
};


typedef struct {
    rt_str_t  json;
    rt_int_t  rc;
    uint64_t  n;
} number_case_t;


static const number_case_t  number_cases[] = {
    { rt_string("0"), RT_OK, 0 },
    { rt_string("7"), RT_OK, 7 },
    { rt_string("10"), RT_OK, 10 },
    { rt_string("9007199254740991"), RT_OK, 9007199254740991 },
    { rt_string("9007199254740992"), RT_ERROR, 0 },
    { rt_string("18446744073709551616"), RT_ERROR, 0 },
    { rt_string("18446744073709551617000"), RT_ERROR, 0 },
    { rt_string("00"), RT_ERROR, 0 },
    { rt_string("01"), RT_ERROR, 0 },
    { rt_string("-0"), RT_ERROR, 0 },
    { rt_string("-1"), RT_ERROR, 0 },
    { rt_string("1.0"), RT_ERROR, 0 },
    { rt_string("1e1"), RT_ERROR, 0 },
    { rt_string("\"1\""), RT_ERROR, 0 },
    { rt_string("null"), RT_ERROR, 0 },
    { rt_string(""), RT_ERROR, 0 }
};


typedef struct {
    rt_str_t     object;
    rt_str_t     name;
    const char  *value;             /* NULL: there is none */
} get_case_t;


static const get_case_t  get_cases[] = {
    { rt_string("{\"a\":1}"), rt_string("a"), "1" },
    { rt_string("{\"a\":1}"), rt_string("b"), NULL },
    { rt_string("{\"a\":1}"), rt_string(""), NULL },
    { rt_string("{\"ab\":1}"), rt_string("a"), NULL },
    { rt_string("{\"a\":1}"), rt_string("ab"), NULL },
    { rt_string("{}"), rt_string("a"), NULL },
    { rt_string("{\"\":\"\"}"), rt_string(""), "\"\"" },
    { rt_string("{\"a\":1,\"a\":2,\"b\":3}"), rt_string("a"), "2" },
    { rt_string("{\"a\":1,\"\\u0061\":2}"), rt_string("a"), "2" },
    { rt_string("{\"\\u0061\":1,\"b\":2}"), rt_string("a"), "1" },
    { rt_string("{\"b\":{\"a\":1}}"), rt_string("a"), NULL },
    { rt_string("{\"b\":{\"a\":1},\"a\":[1, 2]}"), rt_string("a"), "[1, 2]" },
    { rt_string("{\"b\":\"a\"}"), rt_string("a"), NULL },
    { rt_string(" { \"a\" : { } } "), rt_string("a"), "{ }" },
    { rt_string("[\"a\",1]"), rt_string("a"), NULL },
    { rt_string("\"a\""), rt_string("a"), NULL },
    { rt_string("null"), rt_string("a"), NULL },
    { rt_string(""), rt_string("a"), NULL }
};


static const struct {
    rt_str_t        text;
    rt_json_type_e  type;
} type_cases[] = {
    { rt_string(""), RT_JSON_NONE },
    { rt_string(" \n\r\t"), RT_JSON_NONE },
    { rt_string("{}"), RT_JSON_OBJECT },
    { rt_string(" []"), RT_JSON_ARRAY },
    { rt_string("\"[\""), RT_JSON_STRING },
    { rt_string("-1"), RT_JSON_NUMBER },
    { rt_string("0"), RT_JSON_NUMBER },
    { rt_string("true"), RT_JSON_TRUE },
    { rt_string("false"), RT_JSON_FALSE },
    { rt_string("\tnull "), RT_JSON_NULL }
};


static int same(json_t *tree, rt_str_t v);


/* calls everything that may be called with anything: it has to stay inside */

static size_t
touch(rt_str_t v, int depth)
{
    size_t          n;
    u_char          room[TEXT_MAX];
    uint64_t        number;
    rt_str_t        key, value;
    rt_json_iter_t  it;

    n = rt_json_length(v) + (size_t) rt_json_is(v, rt_lit("a\n"))
        + (size_t) rt_json_type(v);

    (void) rt_json_u64(v, &number);
    (void) rt_json_decode(v, room, sizeof(room));
    (void) rt_json_get(v, rt_lit("a"), &value);

    rt_json_each(&it, v);

    while (rt_json_next(&it, &key, &value) == RT_OK) {
        n += depth ? touch(value, depth - 1) : 1;
        n += rt_json_length(key);
    }

    if (v.len) {
        it.pos = v.data;
        it.last = v.data + v.len;

        while (rt_json_token(&it, &value) == RT_OK) {
            n += value.len;
        }
    }

    return n;
}


static void
check_vector(const rt_vector_t *v)
{
    rt_int_t     rc;
    const char  *why;

    why = "";
    rc = rt_json_check(v->bytes, &why);

    ok((rc == RT_OK) == (strcmp(v->expected, "ok") == 0)
       && (rc == RT_OK) == (why[0] == '\0'),
       "%s:%u is %s", v->file, v->line, v->expected);

    (void) touch(v->bytes, 3);
}


static void
check_cuts(const rt_vector_t *v)
{
    size_t       n;
    int          good;
    char         first;
    rt_str_t     part;
    const char  *why;

    if (strcmp(v->expected, "ok") != 0) {
        return;
    }

    /* no beginning of an array, an object or a string is valid */

    first = (char) rt_json_trim(v->bytes).data[0];
    good = 1;

    for (n = 0; n < rt_json_trim(v->bytes).len; n++) {
        part = rt_test_copy(rt_str(n, rt_json_trim(v->bytes).data));

        if (rt_json_check(part, &why) == RT_OK && strchr("[{\"", first)) {
            good = 0;
        }

        (void) touch(part, 3);
        rt_test_free(part);
    }

    ok(good, "%s:%u cut short", v->file, v->line);
}


static void
test_strings(void)
{
    int       good;
    size_t    i, size;
    u_char    room[64];
    rt_str_t  v, text;

    for (i = 0; i < rt_nitems(string_cases); i++) {
        v = rt_test_copy(string_cases[i].json);
        text = string_cases[i].text;

        is_int(rt_json_decode(v, room, sizeof(room)), (intmax_t) text.len,
               "length of the decoded string");
        ok(memcmp(room, text.data, text.len) == 0, "string %zu decodes", i);
        is_int(rt_json_decode(v, room, text.len), (intmax_t) text.len,
               "fits exactly");
        is_int(rt_json_size(v), (intmax_t) text.len, "is as long");

        good = 1;

        for (size = 0; size < text.len; size++) {
            good = good && rt_json_decode(v, room, size) == RT_ERROR
                   && !rt_json_is(v, rt_str(size, text.data));
        }

        ok(good, "any smaller room is too small");

        is_int((intmax_t) rt_json_length(v),
               (intmax_t) string_cases[i].length, "code points");
        ok(rt_json_is(v, text), "is what it is");

        memcpy(room, text.data, text.len);
        room[text.len] = 'x';
        ok(!rt_json_is(v, rt_str(text.len + 1, room)), "is not one more");

        if (text.len) {
            room[text.len - 1] ^= 1;
            ok(!rt_json_is(v, rt_str(text.len, room)), "is not another");
        }

        rt_test_free(v);
    }

    ok(rt_json_decode(rt_lit("1"), room, sizeof(room)) == RT_ERROR
       && rt_json_decode(rt_lit("\""), room, sizeof(room)) == RT_ERROR
       && rt_json_decode(rt_lit("[\"\"]"), room, sizeof(room)) == RT_ERROR
       && rt_json_decode(rt_lit(""), room, sizeof(room)) == RT_ERROR
       && rt_json_size(rt_lit("[\"\"]")) == RT_ERROR,
       "what is no string does not decode");

    ok(!rt_json_is(rt_lit("1"), rt_lit("1"))
       && !rt_json_is(rt_lit("null"), rt_lit(""))
       && !rt_json_is(rt_lit(""), rt_lit("")),
       "what is no string is not equal to one");
}


static void
test_scalars(void)
{
    size_t    i;
    uint64_t  n;

    for (i = 0; i < rt_nitems(number_cases); i++) {
        n = 0;

        ok(rt_json_u64(number_cases[i].json, &n) == number_cases[i].rc
           && n == number_cases[i].n,
           "integer %s", number_cases[i].json.data);
    }

    for (i = 0; i < rt_nitems(type_cases); i++) {
        is_int(rt_json_type(type_cases[i].text), type_cases[i].type, "type");
    }
}


static void
test_get(void)
{
    size_t             i;
    rt_int_t           rc;
    rt_str_t           v, value;
    const get_case_t  *t;

    for (i = 0; i < rt_nitems(get_cases); i++) {
        t = &get_cases[i];
        v = rt_test_copy(t->object);
        rc = rt_json_get(v, t->name, &value);

        if (t->value == NULL) {
            ok(rc == RT_DECLINED, "%s has no \"%s\"", t->object.data,
               t->name.data);

        } else if (ok(rc == RT_OK, "%s has \"%s\"", t->object.data,
                      t->name.data))
        {
            is_str(value, rt_str(strlen(t->value), t->value), t->value);
        }

        rt_test_free(v);
    }
}


static void
test_walk(void)
{
    rt_str_t        key, value;
    rt_json_iter_t  it;

    rt_json_each(&it, rt_lit(" [ 1 , \"a\\\"]\" , [ 2 ] , { } ] "));

    ok(rt_json_next(&it, &key, &value) == RT_OK && key.len == 0
       && rt_str_eq(value, rt_lit("1")), "element 0");
    ok(rt_json_next(&it, &key, &value) == RT_OK && key.len == 0
       && rt_str_eq(value, rt_lit("\"a\\\"]\"")), "element 1");
    ok(rt_json_next(&it, NULL, &value) == RT_OK
       && rt_str_eq(value, rt_lit("[ 2 ]")), "element 2");
    ok(rt_json_next(&it, NULL, &value) == RT_OK
       && rt_str_eq(value, rt_lit("{ }")), "element 3");
    ok(rt_json_next(&it, NULL, &value) == RT_DONE
       && rt_json_next(&it, NULL, &value) == RT_DONE, "no element 4");

    rt_json_each(&it, rt_lit("{\"a\":{\"b\":[1]} , \"c\\\"\" :\n-1.5e3}"));

    ok(rt_json_next(&it, &key, &value) == RT_OK
       && rt_str_eq(key, rt_lit("\"a\""))
       && rt_str_eq(value, rt_lit("{\"b\":[1]}")), "member 0");
    ok(rt_json_next(&it, &key, &value) == RT_OK
       && rt_str_eq(key, rt_lit("\"c\\\"\""))
       && rt_str_eq(value, rt_lit("-1.5e3")), "member 1");
    ok(rt_json_next(&it, &key, &value) == RT_DONE, "no member 2");

    rt_json_each(&it, rt_lit("\"ab\""));
    ok(rt_json_next(&it, &key, &value) == RT_DONE, "a string is empty");

    rt_json_each(&it, rt_lit(""));
    ok(rt_json_next(&it, &key, &value) == RT_DONE, "nothing is empty");

    it.pos = (const u_char *) " {\"a:\":-1.5,\"\\\"\":[true]}";
    it.last = it.pos + strlen((const char *) it.pos);

    ok(rt_json_token(&it, &value) == RT_OK && rt_str_eq(value, rt_lit("{"))
       && rt_json_token(&it, &value) == RT_OK
       && rt_str_eq(value, rt_lit("\"a:\""))
       && rt_json_token(&it, &value) == RT_OK && rt_str_eq(value, rt_lit(":"))
       && rt_json_token(&it, &value) == RT_OK
       && rt_str_eq(value, rt_lit("-1.5"))
       && rt_json_token(&it, &value) == RT_OK && rt_str_eq(value, rt_lit(","))
       && rt_json_token(&it, &value) == RT_OK
       && rt_str_eq(value, rt_lit("\"\\\"\""))
       && rt_json_token(&it, &value) == RT_OK && rt_str_eq(value, rt_lit(":"))
       && rt_json_token(&it, &value) == RT_OK && rt_str_eq(value, rt_lit("["))
       && rt_json_token(&it, &value) == RT_OK
       && rt_str_eq(value, rt_lit("true"))
       && rt_json_token(&it, &value) == RT_OK && rt_str_eq(value, rt_lit("]"))
       && rt_json_token(&it, &value) == RT_OK && rt_str_eq(value, rt_lit("}"))
       && rt_json_token(&it, &value) == RT_DONE, "tokens");
}


/* whether our slices say what jansson's tree says */

static int
same_object(json_t *tree, rt_str_t v)
{
    char            name[TEXT_MAX];
    size_t          n;
    ssize_t         len;
    rt_str_t        key, value, last;
    rt_json_iter_t  it;

    n = 0;
    rt_json_each(&it, v);

    while (rt_json_next(&it, &key, &value) == RT_OK) {

        len = rt_json_decode(key, (u_char *) name, sizeof(name) - 1);

        if (len == RT_ERROR) {
            return 0;
        }

        name[len] = '\0';

        if (rt_json_get(v, rt_str((size_t) len, name), &last) != RT_OK
            || !same(json_object_get(tree, name), last))
        {
            return 0;
        }

        n += (last.data == value.data);
    }

    return n == json_object_size(tree);
}


static int
same_array(json_t *tree, rt_str_t v)
{
    size_t          n;
    rt_str_t        key, value;
    rt_json_iter_t  it;

    rt_json_each(&it, v);

    for (n = 0; rt_json_next(&it, &key, &value) == RT_OK; n++) {

        if (key.len || !same(json_array_get(tree, n), value)) {
            return 0;
        }
    }

    return n == json_array_size(tree);
}


static int
same(json_t *tree, rt_str_t v)
{
    uint64_t  n;

    if (tree == NULL) {
        return 0;
    }

    switch (rt_json_type(v)) {

    case RT_JSON_OBJECT:
        return json_is_object(tree) && same_object(tree, v);

    case RT_JSON_ARRAY:
        return json_is_array(tree) && same_array(tree, v);

    case RT_JSON_STRING:
        return json_is_string(tree)
               && rt_json_is(v, rt_str(json_string_length(tree),
                                       json_string_value(tree)));

    case RT_JSON_NUMBER:

        if (rt_json_u64(v, &n) == RT_OK) {
            return json_is_integer(tree)
                   && (uint64_t) json_integer_value(tree) == n;
        }

        return json_is_number(tree);

    case RT_JSON_TRUE:
        return json_is_true(tree);

    case RT_JSON_FALSE:
        return json_is_false(tree);

    case RT_JSON_NULL:
        return json_is_null(tree);

    default:
        return 0;
    }
}


/* whether jansson's refusal is one of those listed above */

static int
refused_on_purpose(const json_error_t *e)
{
    return json_error_code(e) == json_error_numeric_overflow
           || json_error_code(e) == json_error_null_byte_in_key
           || strstr(e->text, "invalid Unicode '\\u") != NULL;
}


static int
agree(rt_str_t text)
{
    int           good;
    json_t       *tree;
    rt_int_t      rc;
    rt_str_t      copy;
    const char   *why;
    json_error_t  e;

    copy = rt_test_copy(text);
    why = NULL;

    rc = rt_json_check(copy, &why);
    tree = json_loadb((const char *) copy.data, copy.len,
                      JSON_DECODE_ANY|JSON_ALLOW_NUL, &e);

    if (rc == RT_OK) {
        good = tree ? same(tree, copy) : refused_on_purpose(&e);

    } else {
        good = tree == NULL || strcmp(why, "JSON is nested too deep") == 0;
    }

    if (!good) {
        printf("# we: %s, jansson: %s, text: %.*s\n", why ? why : "ok",
               tree ? "ok" : e.text, (int) copy.len, (const char *) copy.data);
    }

    json_decref(tree);
    (void) touch(copy, 3);
    rt_test_free(copy);

    return good;
}


static void
agree_vector(const rt_vector_t *v)
{
    if (rt_utf8_check(v->bytes) == RT_OK) {
        ok(agree(v->bytes), "jansson agrees about %s:%u", v->file, v->line);
    }
}


static void
generate(rt_buf_t *b, uint32_t depth)
{
    uint32_t                     i, n;
    static const char * const    scalars[] = {
        "null", "true", "false", "0", "-1", "12.5", "1e5", "-0.25E-3",
        "9007199254740993", "123456789012345678901", "1e400", "\"\"",
        "\"a\"", "\"\\u0061\"", "\"\\ud83d\\ude00\"", "\"\\ud800\"",
        "\"\\u0000\"", "\"\\\\\\\"\"", "\"\xc3\xa9\xf0\x9f\x98\x80\"",
        "\"[{]},:\"", " \"b\" ", "\t7\n"
    };
    static const char * const    keys[] = {
        "\"a\":", "\"b\" :", " \"\\u0061\": ", "\"\":", "\"_placeholder\":",
        "\"\\u0000\":", "\"\xe2\x82\xac\":"
    };

    n = rt_test_random(depth ? 10 : 5);

    if (n < 5) {
        i = rt_test_random(rt_nitems(scalars));
        rt_buf_put(b, rt_str(strlen(scalars[i]), scalars[i]));
        return;
    }

    rt_buf_char(b, (n < 8) ? '{' : '[');

    for (i = rt_test_random(4); i; i--) {

        if (n < 8) {
            rt_buf_put(b, rt_lit(" "));
            rt_buf_put(b, rt_str(strlen(keys[i]), keys[i]));
        }

        generate(b, depth - 1);

        if (i > 1) {
            rt_buf_char(b, ',');
        }
    }

    rt_buf_char(b, (n < 8) ? '}' : ']');
}


static size_t
mutate(u_char *p, size_t len)
{
    size_t             at;
    static const char  chars[] = "{}[]\",:\\u0019aeE+-. \ntfn\x01\xc3";

    if (len == 0) {
        return 0;
    }

    at = rt_test_random((uint32_t) len);

    switch (rt_test_random(3)) {

    case 0:
        p[at] = (u_char) chars[rt_test_random(sizeof(chars) - 1)];
        return len;

    case 1:
        memmove(p + at, p + at + 1, len - at - 1);
        return len - 1;

    default:
        memmove(p + at + 1, p + at, len - at);
        p[at] = (u_char) chars[rt_test_random(sizeof(chars) - 1)];
        return len + 1;
    }
}


static void
test_generated(void)
{
    u_char       text[TEXT_MAX];
    size_t       i, len, valid, mutations, wrong;
    rt_buf_t     b;
    const char  *why;

    valid = 0;
    wrong = 0;

    for (i = 0; i < GENERATED; i++) {

        rt_buf_init(&b, text, sizeof(text) - 8);
        generate(&b, 5);

        if (rt_buf_result(&b) == RT_ERROR) {
            continue;
        }

        len = rt_buf_str(&b).len;

        for (mutations = i % 4; mutations; mutations--) {
            len = mutate(text, len);
        }

        if (rt_utf8_check(rt_str(len, text)) != RT_OK) {
            continue;
        }

        wrong += !agree(rt_str(len, text));
        valid += rt_json_check(rt_str(len, text), &why) == RT_OK;
    }

    is_int((intmax_t) wrong, 0, "jansson agrees about generated texts");
    ok(valid > GENERATED / 4 && valid < GENERATED * 3 / 4,
       "of which %zu of %d are valid", valid, GENERATED);
}


int
main(void)
{
    const char  *why;

    rt_vectors("json.txt", check_vector);
    rt_vectors("json.txt", check_cuts);
    rt_vectors("json.txt", agree_vector);

    ok(rt_json_check(rt_str(0, NULL), &why) == RT_ERROR, "nothing at all");

    test_strings();
    test_scalars();
    test_get();
    test_walk();
    test_generated();

    return done_testing();
}
