
/* ids: their form, their order, and that no two processes give out the same */

#include "base/rt_id.h"
#include "rt_test.h"

#include <sys/wait.h>
#include <unistd.h>


#define IDS  500


typedef struct {
    u_char  id[RT_ID_LEN];
} made_t;


static int
compare(const void *a, const void *b)
{
    return memcmp(a, b, RT_ID_LEN);
}


static int
all_differ(made_t *ids, size_t n)
{
    size_t  i;

    qsort(ids, n, sizeof(made_t), compare);

    for (i = 1; i < n; i++) {

        if (compare(&ids[i - 1], &ids[i]) == 0) {
            return 0;
        }
    }

    return 1;
}


static void
make(made_t *ids, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {

        if (rt_id_make(ids[i].id) != RT_OK) {
            exit(2);
        }
    }
}


static void
test_make(void)
{
    int            good;
    size_t         i, j;
    u_char         id[RT_ID_LEN + 1], seen[256];
    static made_t   ids[IDS];

    memset(id, '!', sizeof(id));
    is_int(rt_id_make(id), RT_OK, "an id");
    ok(id[RT_ID_LEN] == '!', "of its length");

    make(ids, IDS);
    memset(seen, 0, sizeof(seen));
    good = 1;

    for (i = 0; i < IDS; i++) {
        good = good && rt_id_valid(rt_str(RT_ID_LEN, ids[i].id));

        for (j = 0; j < RT_ID_LEN; j++) {
            seen[ids[i].id[j]] = 1;
        }
    }

    for (i = 0, j = 0; i < sizeof(seen); i++) {
        j += seen[i];
    }

    ok(good, "all are valid");
    is_int((intmax_t) j, 64, "every character of the alphabet occurs");
    ok(all_differ(ids, IDS), "all differ");
}


static void
test_valid(void)
{
    size_t                 i;
    rt_str_t               s;
    static const rt_str_t  refused[] = {
        rt_string(""),
        rt_string("lv_VI97HAXpY6yYWAAA"),
        rt_string("lv_VI97HAXpY6yYWAAACx"),
        rt_string("lv_VI97HAXpY6yYWAAA+"),
        rt_string("lv_VI97HAXpY6yYWAAA/"),
        rt_string("lv_VI97HAXpY6yYWAAA="),
        rt_string("lv_VI97HAXpY6yYWAAA "),
        rt_string("lv_VI97HAXpY6yYWAAA\0"),
        rt_string("lv_VI97HAXpY6yYWAAA\xe9"),
        rt_string("`v_VI97HAXpY6yYWAAAC"),
        rt_string("lv_VI97H@[{:.YWAAAC0")
    };

    ok(rt_id_valid(rt_lit("lv_VI97HAXpY6yYWAAAC")), "an id");
    ok(rt_id_valid(rt_lit("-_azAZ09-_azAZ09-_az")), "its alphabet");

    for (i = 0; i < rt_nitems(refused); i++) {
        s = rt_test_copy(refused[i]);
        ok(!rt_id_valid(s), "no id: %zu", i);
        rt_test_free(s);
    }
}


static void
test_message(void)
{
    int                    good;
    u_char                 before[RT_ID_LEN], id[RT_ID_LEN + 1];
    size_t                 i;
    static const uint64_t  times[] = {
        0, 1, 2, 63, 64, 65, 4095, 4096, 262143, 262144, 16777215, 16777216,
        1767322799999, 1767322800000, 1767322800001, 1ULL << 41,
        (1ULL << 47) - 1, 1ULL << 47, (1ULL << 48) - 1
    };

    memset(before, 0, sizeof(before));
    memset(id, '!', sizeof(id));
    good = 1;

    for (i = 0; i < rt_nitems(times); i++) {
        good = good && rt_id_message(id, times[i]) == RT_OK
               && rt_id_valid(rt_str(RT_ID_LEN, id))
               && memcmp(before, id, 8) < 0;
        memcpy(before, id, RT_ID_LEN);
    }

    for (i = 0; i < 5000; i++) {
        good = good && rt_id_message(id, (1ULL << 47) + 1 + i * 61) == RT_OK
               && (i == 0 || memcmp(before, id, 8) < 0);
        memcpy(before, id, RT_ID_LEN);
    }

    ok(good, "message ids sort by time");
    ok(id[RT_ID_LEN] == '!', "they have their length");

    good = 1;

    for (i = 0; i < 100; i++) {
        (void) rt_id_message(id, 1767322800000);
        good = good && memcmp(before, id, RT_ID_LEN) != 0;
        memcpy(before, id, RT_ID_LEN);
    }

    ok(good, "at one time they differ");

    (void) rt_id_message(before, 1767322800000);
    ok(memcmp(before, id, 8) == 0 && memcmp(before + 8, id + 8, 12) != 0,
       "the first 8 characters are the time");
}


/* the process and two children, all with a pool that was begun */

static void
test_uuid(void)
{
    int      good = 1;
    size_t   i, j;
    u_char   id[RT_UUID_LEN + 1], last[RT_UUID_LEN];

    memset(last, 0, sizeof(last));

    for (i = 0; i < 1000 && good; i++) {

        id[RT_UUID_LEN] = '!';
        good = (rt_id_uuid(id) == RT_OK && id[RT_UUID_LEN] == '!'
                && id[14] == '4' && strchr("89ab", id[19]) != NULL
                && memcmp(id, last, RT_UUID_LEN) != 0);

        for (j = 0; j < RT_UUID_LEN; j++) {
            good = good && (j == 8 || j == 13 || j == 18 || j == 23
                            ? id[j] == '-'
                            : strchr("0123456789abcdef", id[j]) != NULL);
        }

        memcpy(last, id, RT_UUID_LEN);
    }

    ok(good, "1000 UUIDs of version 4");
}


static void
test_fork(void)
{
    int           i, fd[2], status;
    pid_t         pid;
    ssize_t       n;
    static made_t  ids[3 * IDS];

    if (pipe(fd) != 0) {
        exit(2);
    }

    make(ids, 7);

    for (i = 1; i <= 2; i++) {

        pid = fork();

        if (pid == 0) {
            make(ids, IDS);
            n = write(fd[1], ids, IDS * sizeof(made_t));
            _exit(n != (ssize_t) (IDS * sizeof(made_t)));
        }

        n = read(fd[0], ids + i * IDS, IDS * sizeof(made_t));

        ok(waitpid(pid, &status, 0) == pid && status == 0
           && n == (ssize_t) (IDS * sizeof(made_t)), "child %d", i);
    }

    make(ids, IDS);
    ok(all_differ(ids, 3 * IDS), "three processes, no id twice");
}


int
main(void)
{
    test_make();
    test_valid();
    test_message();
    test_uuid();
    test_fork();

    return done_testing();
}
