
/*
 * adapter.c: the codecs of the Redis adapters, for t/client/adapter.t.
 *
 * A line is a command and its bytes in hexadecimal digits, "-" for none:
 *
 *     pack <JSON> [<attachment> ...]      msgpack
 *     unpack <msgpack>                    JSON and attachments
 *     broadcast <message>                 the same message decoded and encoded;
 *     request, response, sharded,         of the emitter
 *     emitter, emitted
 *     number <JSON>                       a number read and written
 *
 * Answered by a line in the same way, or by "error <why>".
 */

#include "base/rt_json.h"
#include "proto/rt_adapter.h"
#include "proto/rt_pack.h"
#include "proto/rt_unpack.h"

#include <stdio.h>
#include <stdlib.h>


#define WORDS  64


static rt_str_t  words[WORDS];


static void *
alloc(size_t size)
{
    void  *p;

    p = malloc(size ? size : 1);

    if (p == NULL) {
        exit(2);
    }

    return p;
}


static int
digit(char ch)
{
    return (ch <= '9') ? ch - '0' : ch - 'a' + 10;
}


/* the words of a line; the first one as it is, the others decoded */

static uint32_t
split(char *line)
{
    char      *word, *save;
    size_t     i, len;
    u_char    *bytes;
    uint32_t   n;

    n = 0;

    for (word = strtok_r(line, " \n", &save); word && n < WORDS;
         word = strtok_r(NULL, " \n", &save))
    {
        if (n == 0) {
            words[n++] = rt_str(strlen(word), word);
            continue;
        }

        len = (word[0] == '-') ? 0 : strlen(word) / 2;
        bytes = alloc(len);

        for (i = 0; i < len; i++) {
            bytes[i] = (u_char) (digit(word[2 * i]) * 16
                                 + digit(word[2 * i + 1]));
        }

        words[n++] = rt_str(len, bytes);
    }

    return n;
}


static void
print(rt_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        printf("%02x", s.data[i]);
    }

    if (s.len == 0) {
        printf("-");
    }
}


static void
failed(const char *why)
{
    printf("error %s\n", why ? why : "of size");
}


static void
pack(uint32_t n)
{
    ssize_t      size;
    rt_buf_t     b;
    const char  *why;

    if (rt_json_check(words[1], &why) != RT_OK) {
        failed(why);
        return;
    }

    size = rt_pack(NULL, words[1], &words[2], n - 2, &why);

    if (size < 0) {
        failed(why);
        return;
    }

    rt_buf_init(&b, alloc((size_t) size), (size_t) size);

    if (rt_pack(&b, words[1], &words[2], n - 2, &why) < 0) {
        failed(why);

    } else {
        print(rt_buf_str(&b));
        printf("\n");
    }

    free(b.start);
}


static void
unpack(void)
{
    ssize_t      size;
    uint32_t     i, n;
    rt_buf_t     b;
    rt_str_t    *attachments;
    const char  *why;

    size = rt_unpack(NULL, words[1], NULL, &n, &why);

    if (size < 0) {
        failed(why);
        return;
    }

    attachments = alloc(n * sizeof(rt_str_t));
    rt_buf_init(&b, alloc((size_t) size), (size_t) size);

    if (rt_unpack(&b, words[1], attachments, &n, &why) != size) {
        failed(why);

    } else {
        print(rt_buf_str(&b));

        for (i = 0; i < n; i++) {
            printf(" ");
            print(attachments[i]);
        }

        printf("\n");
    }

    free(attachments);
    free(b.start);
}


static void
again(rt_adapter_form_e form, unsigned emitter)
{
    ssize_t        size;
    rt_buf_t       json, b;
    rt_str_t       in;
    const char    *why;
    rt_adapter_t   m;

    in = words[1];
    why = NULL;
    size = rt_adapter_unify(NULL, in, &why);
    rt_buf_init(&json, alloc((size > 0) ? (size_t) size : 0),
                (size > 0) ? (size_t) size : 0);

    if (size > 0 && rt_adapter_unify(&json, in, &why) > 0) {
        in = rt_buf_str(&json);
    }

    if (size < 0 || rt_adapter_decode(&m, form, in, &why) != RT_OK) {
        failed(why ? why : "of type");
        free(json.start);
        return;
    }

    m.emitter = emitter & 1;

    size = rt_adapter_encode(NULL, &m, &why);
    rt_buf_init(&b, alloc((size > 0) ? (size_t) size : 0),
                (size > 0) ? (size_t) size : 0);

    if (size < 0 || rt_adapter_encode(&b, &m, &why) < 0) {
        failed(why);

    } else {
        print(rt_buf_str(&b));
        printf("\n");
    }

    free(b.start);
    free(json.start);
}


static void
number(void)
{
    u_char  text[RT_NUMBER_LEN];

    print(rt_str(rt_number_format(text, rt_number_parse(words[1])), text));
    printf("\n");
}


static void
run(uint32_t n)
{
    uint32_t  i;

    static const struct {
        const char         *name;
        rt_adapter_form_e   form;
        unsigned            emitter;
    } forms[] = {
        { "broadcast", RT_ADAPTER_BROADCAST, 0 },
        { "request", RT_ADAPTER_REQUEST, 0 },
        { "response", RT_ADAPTER_RESPONSE, 0 },
        { "sharded", RT_ADAPTER_SHARDED, 0 },
        { "emitted", RT_ADAPTER_BROADCAST, 1 },
        { "emitter", RT_ADAPTER_REQUEST, 1 }
    };

    if (n > 1 && rt_str_eq(words[0], rt_lit("pack"))) {
        pack(n);
        return;
    }

    if (n > 1 && rt_str_eq(words[0], rt_lit("unpack"))) {
        unpack();
        return;
    }

    if (n > 1 && rt_str_eq(words[0], rt_lit("number"))) {
        number();
        return;
    }

    for (i = 0; n > 1 && i < rt_nitems(forms); i++) {

        if (rt_str_eq(words[0], rt_str(strlen(forms[i].name), forms[i].name))) {
            again(forms[i].form, forms[i].emitter);
            return;
        }
    }

    failed("of command");
}


int
main(void)
{
    char      *line;
    size_t     size;
    uint32_t   i, n;

    line = NULL;
    size = 0;

    while (getline(&line, &size, stdin) > 0) {

        n = split(line);
        run(n);

        for (i = 1; i < n; i++) {
            free((void *) (uintptr_t) words[i].data);
        }
    }

    free(line);

    return 0;
}
