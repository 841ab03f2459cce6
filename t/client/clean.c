
/*
 * clean.c: a filter that cleans texts for t/client/sanitize.t.  A line of the
 * input is a text in hexadecimal digits; a line of the output is the outcome
 * in them, or "declined" or "error".
 */

#include "chat/rt_clean.h"

#include <stdio.h>
#include <stdlib.h>


#define LINE  (1 << 20)
#define OUT   (1 << 22)


static int
digit(int ch)
{
    return (ch >= 'a') ? ch - 'a' + 10 : ch - '0';
}


static void
answer(rt_int_t rc, rt_str_t cleaned)
{
    size_t  i;

    if (rc != RT_OK) {
        (void) puts((rc == RT_DECLINED) ? "declined" : "error");
        return;
    }

    for (i = 0; i < cleaned.len; i++) {
        (void) printf("%02x", cleaned.data[i]);
    }

    (void) putchar('\n');
}


int
main(void)
{
    char      *line;
    u_char    *text, *out;
    size_t     n;
    rt_int_t   rc;
    rt_buf_t   b;

    line = malloc(LINE);
    out = malloc(OUT);

    if (line == NULL || out == NULL) {
        return 2;
    }

    while (fgets(line, LINE, stdin)) {

        for (n = 0; line[2 * n] > ' '; n++) {
            line[n] = (char) (digit(line[2 * n]) * 16
                              + digit(line[2 * n + 1]));
        }

        /* memory of just the size, so that sanitizers see a byte too many */

        text = malloc(n ? n : 1);

        if (text == NULL) {
            return 2;
        }

        memcpy(text, line, n);
        rt_buf_init(&b, out, OUT);

        rc = rt_clean(rt_str(n, text), &b);
        answer(rc, rt_buf_str(&b));

        (void) fflush(stdout);
        free(text);
    }

    free(line);
    free(out);

    return 0;
}
