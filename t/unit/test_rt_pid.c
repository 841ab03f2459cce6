
/* pids: where they lead, and that only the right one is right */

#include "auth/rt_pid.h"
#include "proto/rt_sio.h"
#include "rt_vectors.h"

#include <openssl/err.h>


_Static_assert(RT_PID_MAX_NSP >= RT_SIO_MAX_NSP,
               "a client of every namespace has a pid");


static const u_char  id[] = "lv_VI97HAXpY6yYWAAAC";
static rt_pid_key_t  key;


static void
check_vector(const rt_vector_t *v)
{
    u_char    made[RT_PID_LEN];
    rt_ref_t  ref;
    rt_int_t  rc;

    ref = 12345;
    rc = rt_pid_ref(v->bytes, &ref);

    if (strcmp(v->expected, "bad") == 0) {
        ok(rc == RT_ERROR && ref == 12345, "%s:%u leads nowhere", v->file,
           v->line);
        ok(!rt_pid_is(v->bytes, &key, 0x12345678, id, rt_lit("/")),
           "and is not right");
        return;
    }

    if (strcmp(v->expected, "forged") == 0) {
        ok(rc == RT_OK, "%s:%u leads somewhere", v->file, v->line);
        ok(!rt_pid_is(v->bytes, &key, ref, id, rt_lit("/")),
           "but is not right");
        return;
    }

    ok(rc == RT_OK && ref == strtoul(v->expected, NULL, 10),
       "%s:%u leads to %s", v->file, v->line, v->expected);
    ok(rt_pid_is(v->bytes, &key, ref, id, rt_lit("/")), "and is right");

    is_int(rt_pid_make(made, &key, ref, id, rt_lit("/")), RT_OK, "made");
    is_str(rt_str(RT_PID_LEN, made), v->bytes, "just so");
}


/* "pid" is right as it stands; it goes with nothing else */

static void
test_bound(void)
{
    u_char        made[RT_PID_LEN + 1], other_id[RT_ID_LEN];
    rt_str_t      pid;
    rt_pid_key_t  other;

    memset(made, '!', sizeof(made));
    is_int(rt_pid_make(made, &key, 77, id, rt_lit("/chat")), RT_OK, "a pid");
    ok(made[RT_PID_LEN] == '!', "of its length");

    pid = rt_test_copy(rt_str(RT_PID_LEN, made));

    ok(rt_pid_is(pid, &key, 77, id, rt_lit("/chat")), "is right");
    ok(!rt_pid_is(pid, &key, 78, id, rt_lit("/chat")),
       "not for another reference");
    ok(!rt_pid_is(pid, &key, 77, id, rt_lit("/chap")),
       "not for another namespace");
    ok(!rt_pid_is(pid, &key, 77, id, rt_lit("/cha")), "a shorter one");
    ok(!rt_pid_is(pid, &key, 77, id, rt_lit("/chat/")), "a longer one");

    memcpy(other_id, id, RT_ID_LEN);
    other_id[RT_ID_LEN - 1] ^= 1;
    ok(!rt_pid_is(pid, &key, 77, other_id, rt_lit("/chat")),
       "not for another socket");

    other = key;
    other.key[sizeof(other.key) - 1] ^= 1;
    ok(!rt_pid_is(pid, &other, 77, id, rt_lit("/chat")),
       "not under another key");

    rt_test_free(pid);
}


static void
test_namespaces(void)
{
    u_char    made[RT_PID_LEN], before[RT_PID_LEN], nsp[RT_PID_MAX_NSP + 1];
    size_t    len;
    rt_str_t  s;
    unsigned  good;

    memset(nsp, 'n', sizeof(nsp));
    nsp[0] = '/';

    s = rt_test_copy(rt_str(RT_PID_MAX_NSP, nsp));
    is_int(rt_pid_make(made, &key, 0x12345678, id, s), RT_OK,
           "the longest namespace");
    is_str(rt_str(RT_PID_LEN, made), rt_lit("EjRWeNlHHTveeuPKvsu6"), "its pid");
    ok(rt_pid_is(rt_str(RT_PID_LEN, made), &key, 0x12345678, id, s),
       "which is right");
    ok(!rt_pid_is(rt_str(RT_PID_LEN, made), &key, 0x12345678, id,
                  rt_str(sizeof(nsp), nsp)), "but not for a longer one");
    rt_test_free(s);

    memset(made, '!', sizeof(made));
    s = rt_test_copy(rt_str(sizeof(nsp), nsp));
    is_int(rt_pid_make(made, &key, 1, id, s), RT_ERROR, "one too long");
    ok(made[0] == '!' && made[RT_PID_LEN - 1] == '!', "nothing is written");
    rt_test_free(s);

    /* every length has a pid of its own, from nothing on */

    memset(before, 0, sizeof(before));
    good = 0;

    for (len = 0; len <= RT_PID_MAX_NSP; len++) {
        s = len ? rt_test_copy(rt_str(len, nsp)) : rt_str(0, NULL);

        good += rt_pid_make(made, &key, 1, id, s) == RT_OK
                && memcmp(made, before, RT_PID_LEN) != 0
                && rt_id_valid(rt_str(RT_PID_LEN, made));

        memcpy(before, made, RT_PID_LEN);

        if (len) {
            rt_test_free(s);
        }
    }

    is_int(good, RT_PID_MAX_NSP + 1, "namespaces of every length");
}


static void
test_one_character(void)
{
    int       c;
    u_char    right[RT_PID_LEN], text[RT_PID_LEN];
    size_t    i;
    unsigned  taken;

    if (rt_pid_make(right, &key, 77, id, rt_lit("/")) != RT_OK) {
        exit(2);
    }

    taken = 0;

    for (i = 0; i < RT_PID_LEN; i++) {

        for (c = 0; c < 256; c++) {
            memcpy(text, right, RT_PID_LEN);
            text[i] = (u_char) c;

            taken += rt_pid_is(rt_str(RT_PID_LEN, text), &key, 77, id,
                               rt_lit("/")) != 0;
        }
    }

    is_int(taken, RT_PID_LEN, "one character changed, and all is wrong");

    for (i = 0, taken = 0; i < RT_PID_LEN; i++) {
        taken += rt_pid_is(rt_str(i, i ? right : NULL), &key, 77, id,
                           rt_lit("/")) != 0;
    }

    is_int(taken, 0, "nothing shorter");
}


int
main(void)
{
    size_t  i;

    for (i = 0; i < sizeof(key.key); i++) {
        key.key[i] = (u_char) i;
    }

    rt_vectors("pid.txt", check_vector);

    test_bound();
    test_namespaces();
    test_one_character();

    is_int((intmax_t) ERR_peek_error(), 0, "no error is left with OpenSSL");

    return done_testing();
}
