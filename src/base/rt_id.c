
/*
 * rt_id.c: ids.
 *
 * Random bytes are fetched for many ids at once.  A process that forks would
 * share what it has left with its child, so the child throws it away.
 */


#include "base/rt_base64.h"
#include "base/rt_id.h"

#include <errno.h>
#include <pthread.h>
#include <sys/random.h>


#define RT_ID_BYTES          15
#define RT_ID_RANDOM_BYTES   9      /* of a message id */
#define RT_ID_POOL           960


/* random bytes of this process; the last "left" ones are unused */

typedef struct {
    u_char  bytes[RT_ID_POOL];
    size_t  left;
    int     watching;               /* rt_id_forked() is registered */
} rt_id_pool_t;


static rt_int_t rt_id_random(u_char *dst, size_t len);
static rt_int_t rt_id_fill(rt_id_pool_t *pool);
static void rt_id_forked(void);


static rt_id_pool_t  rt_id_pool;


rt_int_t
rt_id_make(u_char *dst)
{
    u_char  random[RT_ID_BYTES], text[rt_base64_size(RT_ID_BYTES)];

    if (rt_id_random(random, sizeof(random)) != RT_OK) {
        return RT_ERROR;
    }

    (void) rt_base64url_encode(text, rt_str(sizeof(random), random));
    memcpy(dst, text, RT_ID_LEN);

    return RT_OK;
}


int
rt_id_valid(rt_str_t s)
{
    size_t  i;
    u_char  ch;

    if (s.len != RT_ID_LEN) {
        return 0;
    }

    for (i = 0; i < s.len; i++) {
        ch = s.data[i];

        if ((ch < 'a' || ch > 'z') && (ch < 'A' || ch > 'Z')
            && (ch < '0' || ch > '9') && ch != '-' && ch != '_')
        {
            return 0;
        }
    }

    return 1;
}


rt_int_t
rt_id_message(u_char *dst, uint64_t msec)
{
    size_t               i, j;
    u_char               bytes[RT_ID_BYTES];
    uint32_t             three;
    static const u_char  sorted[] =
        "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

    for (i = 0; i < 6; i++) {
        bytes[i] = (u_char) (msec >> (40 - 8 * i));
    }

    if (rt_id_random(bytes + 6, RT_ID_RANDOM_BYTES) != RT_OK) {
        return RT_ERROR;
    }

    for (i = 0, j = 0; i < RT_ID_BYTES; i += 3) {
        three = (uint32_t) bytes[i] << 16 | (uint32_t) bytes[i + 1] << 8
                | bytes[i + 2];

        dst[j++] = sorted[three >> 18];
        dst[j++] = sorted[(three >> 12) & 0x3f];
        dst[j++] = sorted[(three >> 6) & 0x3f];
        dst[j++] = sorted[three & 0x3f];
    }

    return RT_OK;
}


rt_int_t
rt_id_uuid(u_char *dst)
{
    size_t               i;
    u_char               bytes[16];
    static const u_char  hex[] = "0123456789abcdef";

    if (rt_id_random(bytes, sizeof(bytes)) != RT_OK) {
        return RT_ERROR;
    }

    bytes[6] = (u_char) ((bytes[6] & 0x0f) | 0x40);     /* version */
    bytes[8] = (u_char) ((bytes[8] & 0x3f) | 0x80);     /* variant */

    for (i = 0; i < sizeof(bytes); i++) {

        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *dst++ = '-';
        }

        *dst++ = hex[bytes[i] >> 4];
        *dst++ = hex[bytes[i] & 0x0f];
    }

    return RT_OK;
}


static rt_int_t
rt_id_random(u_char *dst, size_t len)
{
    u_char        *p;
    rt_id_pool_t  *pool;

    pool = &rt_id_pool;

    if (pool->left < len && rt_id_fill(pool) != RT_OK) {
        return RT_ERROR;
    }

    /* what was handed out does not stay in memory */

    p = pool->bytes + RT_ID_POOL - pool->left;

    memcpy(dst, p, len);
    memset(p, 0, len);

    pool->left -= len;

    return RT_OK;
}


static rt_int_t
rt_id_fill(rt_id_pool_t *pool)
{
    size_t   have;
    ssize_t  n;

    if (!pool->watching) {

        if (pthread_atfork(NULL, NULL, rt_id_forked) != 0) {
            return RT_ERROR;
        }

        pool->watching = 1;
    }

    pool->left = 0;

    for (have = 0; have < RT_ID_POOL; have += (size_t) n) {

        n = getrandom(pool->bytes + have, RT_ID_POOL - have, 0);

        if (n >= 0) {
            continue;
        }

        if (errno != EINTR) {
            return RT_ERROR;
        }

        n = 0;
    }

    pool->left = RT_ID_POOL;

    return RT_OK;
}


/* in the child; the registration is inherited */

static void
rt_id_forked(void)
{
    memset(rt_id_pool.bytes, 0, RT_ID_POOL);
    rt_id_pool.left = 0;
}
