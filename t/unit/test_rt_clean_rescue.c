
/* gumbo's own assertions: real ones, which rt_clean() keeps texts from */

#include "chat/rt_clean_cost.h"

#define rt_clean_harmless(text)  rt_clean_anything(text)

static rt_int_t rt_clean_anything(rt_str_t text);

#include "../../src/chat/rt_clean.c"
#include "rt_test.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>


/* each of them ends a process that just calls gumbo_parse() */

static const char  *deadly[] = {
    "<desc></table><table><svg><select><foreignObject><optgroup>"
    "<foreignObject><foreignObject><select></table>",

    "<table><svg><math><template><math><select><template></desc></template>"
    "<title><select><mi><table><optgroup><textarea></math>"
};

static int  caught;


static rt_int_t
rt_clean_anything(rt_str_t text)
{
    (void) text;

    return RT_OK;
}


static void
on_abort(int signo)
{
    (void) signo;

    caught++;
    rt_clean_rescue();
    signal(SIGABRT, SIG_DFL);
}


int
main(void)
{
    int               err, silent;
    size_t            i, n;
    u_char            buf[1024];
    rt_buf_t          b;
    rt_str_t          s;
    struct sigaction  sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = on_abort;
    sa.sa_flags = SA_NODEFER;
    sigaction(SIGABRT, &sa, NULL);

    /* what assertions print is nobody's business here */

    err = dup(STDERR_FILENO);
    silent = open("/dev/null", O_WRONLY);
    dup2(silent, STDERR_FILENO);

    for (n = 0; n < 100; n++) {

        for (i = 0; i < rt_nitems(deadly); i++) {
            s = rt_str(strlen(deadly[i]), deadly[i]);
            rt_buf_init(&b, buf, sizeof(buf));

            if (rt_clean(s, &b) != RT_DECLINED) {
                break;
            }
        }

        rt_buf_init(&b, buf, sizeof(buf));

        if (rt_clean(rt_lit("<b>go <script>on"), &b) != RT_OK
            || !rt_str_eq(rt_buf_str(&b), rt_lit("<b>go </b>")))
        {
            break;
        }
    }

    dup2(err, STDERR_FILENO);
    close(silent);

    ok(n == 100, "texts that abort are declined, and others cleaned");
    ok(caught == 200, "they do abort (%d)", caught);

    rt_clean_rescue();
    ok(1, "nothing to rescue");

    return done_testing();
}
