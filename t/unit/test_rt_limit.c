
/* counting events: windows, blocks, clocks that jump, against a model */

#include "base/rt_limit.h"
#include "rt_test.h"


#define START  1700000000000ULL


/* takes once; the wait, or -1 when it was counted */

static int64_t
take(rt_limit_t *l, const rt_limit_conf_t *conf, uint64_t now)
{
    uint64_t  wait;

    wait = UINT64_MAX;

    switch (rt_limit_take(l, conf, now, &wait)) {

    case RT_OK:
        return -1;

    case RT_BUSY:
        return (int64_t) wait;

    default:
        return -2;
    }
}


static void
test_window(void)
{
    rt_limit_t       l;
    rt_limit_conf_t  conf = { 3, 1000, 0 };

    memset(&l, 0, sizeof(l));

    ok(rt_limit_idle(&l, 0) && rt_limit_idle(&l, START), "idle at first");

    is_int(take(&l, &conf, START), -1, "one");
    ok(!rt_limit_idle(&l, START) && !rt_limit_idle(&l, START + 999)
       && rt_limit_idle(&l, START + 1000), "idle when the window is over");
    is_int(take(&l, &conf, START), -1, "two");
    is_int(take(&l, &conf, START + 600), -1, "three");
    is_int(take(&l, &conf, START + 600), 400, "the fourth is refused");
    is_int(take(&l, &conf, START + 999), 1, "up to the end of the window");
    is_int(take(&l, &conf, START + 1000), -1, "but not at it");
    is_int(take(&l, &conf, START + 1000), -1, "two");
    is_int(take(&l, &conf, START + 1999), -1, "three");
    is_int(take(&l, &conf, START + 1999), 1, "four");
    is_int(take(&l, &conf, START + 5500), -1, "a window later on");
    is_int(take(&l, &conf, START + 5500), -1, "two");
    is_int(take(&l, &conf, START + 6499), -1,
           "three: it began with its first event");
    is_int(take(&l, &conf, START + 6499), 1, "four");
}


static void
test_block(void)
{
    rt_limit_t       l;
    rt_limit_conf_t  conf = { 2, 1000, 5000 };

    memset(&l, 0, sizeof(l));

    is_int(take(&l, &conf, START), -1, "one");
    is_int(take(&l, &conf, START + 900), -1, "two");
    is_int(take(&l, &conf, START + 900), 5000, "the third begins a block");
    is_int(take(&l, &conf, START + 1000), 4900, "the window says nothing");
    is_int(take(&l, &conf, START + 5899), 1, "refusals do not prolong it");
    ok(!rt_limit_idle(&l, START + 5899) && rt_limit_idle(&l, START + 5900),
       "idle when the block is over");
    is_int(take(&l, &conf, START + 5900), -1, "one of a new window");
    is_int(take(&l, &conf, START + 5900), -1, "two: nothing else was counted");
    is_int(take(&l, &conf, START + 6899), 5000, "and another block");

    /* shorter than what is left of the window */

    conf.block = 10;
    memset(&l, 0, sizeof(l));

    is_int(take(&l, &conf, START), -1, "one");
    is_int(take(&l, &conf, START), -1, "two");
    is_int(take(&l, &conf, START), 10, "a short block");
    is_int(take(&l, &conf, START + 9), 1, "to its end");
    is_int(take(&l, &conf, START + 10), -1, "and no longer");
}


static void
test_none(void)
{
    rt_limit_t       l;
    rt_limit_conf_t  conf = { 0, 1000, 0 };

    memset(&l, 0, sizeof(l));

    is_int(take(&l, &conf, START), 1000, "no points: the first is refused");
    is_int(take(&l, &conf, START + 1000), 1000, "and each");

    conf.block = 300;

    is_int(take(&l, &conf, START + 2000), 300, "with a block as well");
}


static void
test_clock(void)
{
    rt_limit_t       l;
    rt_limit_conf_t  conf = { 1, 1000, 0 };

    memset(&l, 0, sizeof(l));

    is_int(take(&l, &conf, START), -1, "one");
    is_int(take(&l, &conf, START - 100), 1000, "a little back: a period");
    is_int(take(&l, &conf, START + 899), 1, "that ends then");
    is_int(take(&l, &conf, START + 900), -1, "and is over");
    is_int(take(&l, &conf, START / 2), 1000, "years back: a period too");
    is_int(take(&l, &conf, START / 2 + 999), 1, "that ends");
    is_int(take(&l, &conf, START / 2 + 1000), -1, "and is over");
    is_int(take(&l, &conf, START), -1, "years on");

    conf.block = 5000;

    is_int(take(&l, &conf, START + 10), 5000, "a block");
    is_int(take(&l, &conf, START / 2), 5000, "years back: a block");
    is_int(take(&l, &conf, START / 2 + 4999), 1, "that ends");
    is_int(take(&l, &conf, START / 2 + 5000), -1, "and is over");
    is_int(take(&l, &conf, 0), 5000, "1970");
    is_int(take(&l, &conf, 5000), -1, "and on");

    /* other numbers from now on */

    is_int(take(&l, &conf, 5000), 5000, "a block");
    conf.block = 50;
    is_int(take(&l, &conf, 5000), 50, "is cut where blocks are shorter now");
    conf.block = 0;
    is_int(take(&l, &conf, 5001), -1, "and ends where there are none");
    conf.points = 3;
    is_int(take(&l, &conf, 5001), -1, "more points");
    is_int(take(&l, &conf, 5001), -1, "count at once");
    conf.points = 1;
    conf.period = 10;
    is_int(take(&l, &conf, 5001), 10, "so do fewer, and a shorter period");
}


/* keeps the times themselves */

typedef struct {
    uint64_t  first;
    uint64_t  block;                /* when it began, 0: none */
    uint32_t  n;
} model_t;


static int64_t
model_take(model_t *m, const rt_limit_conf_t *conf, uint64_t now)
{
    if (m->block && now < m->block + conf->block) {
        return (int64_t) (m->block + conf->block - now);
    }

    if (m->block || m->n == 0 || now >= m->first + conf->period) {
        m->block = 0;
        m->first = now;
        m->n = 0;
    }

    if (m->n < conf->points) {
        m->n++;
        return -1;
    }

    if (conf->block) {
        m->block = now;
        return conf->block;
    }

    return (int64_t) (m->first + conf->period - now);
}


static void
test_model(void)
{
    int              good;
    size_t           i, refused;
    model_t          m;
    uint64_t         now;
    int64_t          wait;
    rt_limit_t       l;
    rt_limit_conf_t  conf;

    good = 1;
    refused = 0;
    now = START;

    for (i = 0; i < 200000 && good; i++) {

        if (i % 1000 == 0) {
            memset(&l, 0, sizeof(l));
            memset(&m, 0, sizeof(m));
            conf.points = 1 + rt_test_random(20);
            conf.period = 1 + rt_test_random(1000);
            conf.block = rt_test_random(2) ? rt_test_random(2000) : 0;
        }

        now += rt_test_random(4) ? rt_test_random(20) : rt_test_random(2000);
        wait = model_take(&m, &conf, now);
        good = take(&l, &conf, now) == wait;
        refused += wait != -1;
    }

    ok(good, "200000 random events agree with the model");
    ok(refused > 20000 && refused < 180000, "which refused some (%zu)",
       refused);
}


/* what is given back is free again; never more than was taken */

static void
test_give(void)
{
    rt_limit_t       l;
    rt_limit_conf_t  conf = { 2, 1000, 5000 };

    memset(&l, 0, sizeof(l));

    rt_limit_give(&l);
    is_int(l.count, 0, "nothing was taken");

    is_int(take(&l, &conf, START), -1, "one");
    is_int(take(&l, &conf, START), -1, "two");

    rt_limit_give(&l);
    is_int(take(&l, &conf, START), -1, "the one that was given back");
    is_int(take(&l, &conf, START), 5000, "and no more");

    rt_limit_give(&l);
    is_int(take(&l, &conf, START), 5000, "a block stays");
}


/* whatever is in it, nobody waits longer than a period or a block */

static void
test_garbage(void)
{
    int              good;
    size_t           i;
    int64_t          wait, longest;
    rt_limit_t       l;
    rt_limit_conf_t  conf;

    good = 1;

    for (i = 0; i < 100000 && good; i++) {
        l.ends = ((uint64_t) rt_test_random(UINT32_MAX) << 32)
                 | rt_test_random(UINT32_MAX);
        l.ends >>= rt_test_random(64);
        l.count = rt_test_random(UINT32_MAX);
        l.blocked = rt_test_random(3);
        conf.points = 1 + rt_test_random(10);
        conf.period = 1 + rt_test_random(UINT32_MAX - 1);
        conf.block = rt_test_random(2) ? rt_test_random(UINT32_MAX) : 0;
        longest = (conf.block > conf.period) ? conf.block : conf.period;

        wait = take(&l, &conf, START);
        good = wait == -1 || (wait > 0 && wait <= longest);

        /* which is as long as was said */

        good = good && (wait == -1
                        || take(&l, &conf, START + (uint64_t) wait) == -1);
    }

    ok(good, "100000 times anything");
}


/* what others say */

static void
test_learn(void)
{
    rt_limit_t       l;
    rt_limit_conf_t  conf = { 3, 1000, 5000 };
    rt_limit_news_t  news = { 400, 2, 0 };

    memset(&l, 0, sizeof(l));

    (void) take(&l, &conf, START);
    rt_limit_learn(&l, &conf, START, &news);
    ok(l.count == 2 && l.ends == START + 400, "more than here, and sooner");

    news.count = 1;
    rt_limit_learn(&l, &conf, START, &news);
    ok(l.count == 2, "no less than here");

    news.left = 1000;
    rt_limit_learn(&l, &conf, START + 300, &news);
    ok(l.count == 1 && l.ends == START + 1300, "another window");

    news.count = 3;
    rt_limit_learn(&l, &conf, START + 2000, &news);
    ok(l.count == 3 && l.ends == START + 3000, "one that is none here");
    ok(take(&l, &conf, START + 2000) == 5000, "is full: a block begins");

    news.count = 1;
    rt_limit_learn(&l, &conf, START + 2000, &news);
    ok(take(&l, &conf, START + 2000) == 5000, "of which nobody knows yet");

    news.left = 4000;
    news.blocked = 1;
    rt_limit_learn(&l, &conf, START + 2000, &news);
    ok(take(&l, &conf, START + 2000) == 4000
       && take(&l, &conf, START + 6000) == -1, "a block ends when they say");
}


int
main(void)
{
    test_window();
    test_block();
    test_none();
    test_give();
    test_clock();
    test_model();
    test_garbage();
    test_learn();

    return done_testing();
}
