
/* UTF-8: as another decoder sees it, in one piece and in others */

#include "base/rt_utf8.h"
#include "rt_fuzz.h"


/* the plain way: decode, then ask whether that was the way to write it */

static int
valid(const u_char *p, size_t len)
{
    size_t    i, n;
    uint32_t  cp;

    while (len) {

        if (p[0] < 0x80) {
            n = 1;
            cp = p[0];

        } else if ((p[0] & 0xe0) == 0xc0) {
            n = 2;
            cp = p[0] & 0x1f;

        } else if ((p[0] & 0xf0) == 0xe0) {
            n = 3;
            cp = p[0] & 0x0f;

        } else if ((p[0] & 0xf8) == 0xf0) {
            n = 4;
            cp = p[0] & 0x07;

        } else {
            return 0;
        }

        if (n > len) {
            return 0;
        }

        for (i = 1; i < n; i++) {

            if ((p[i] & 0xc0) != 0x80) {
                return 0;
            }

            cp = (cp << 6) | (p[i] & 0x3f);
        }

        if (n != (cp < 0x80 ? 1u : cp < 0x800 ? 2u : cp < 0x10000 ? 3u : 4u)
            || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        {
            return 0;
        }

        p += n;
        len -= n;
    }

    return 1;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t     i, step, n;
    rt_int_t   rc;
    rt_utf8_t  state;

    must((rt_utf8_check(rt_str(size, data)) == RT_OK) == valid(data, size));

    for (step = 1; step < 12; step += 3) {
        state = 0;
        rc = RT_OK;

        for (i = 0; i < size && rc == RT_OK; i += n) {
            n = (size - i < step) ? size - i : step;
            rc = rt_utf8_feed(&state, data + i, n);
        }

        must((rc == RT_OK && state == 0) == valid(data, size));
    }

    return 0;
}
