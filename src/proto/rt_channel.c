
/*
 * rt_channel.c: the names of the Redis channels of Socket.IO's adapters.
 */


#include "proto/rt_channel.h"


#define RT_CHANNEL_ID_LEN  20


static const rt_str_t  rt_channel_kinds[] = {
    rt_string("#"),
    rt_string("-request#"),
    rt_string("-response#")
};


static rt_int_t rt_channel_kind(rt_str_t *name, rt_str_t key,
    rt_channel_e *kind);
static rt_int_t rt_channel_rest(rt_str_t name, rt_str_t *rest);
static int rt_channel_take(rt_str_t *name, rt_str_t prefix);


void
rt_channel_put(rt_buf_t *b, rt_channel_e kind, rt_str_t key, rt_str_t nsp,
    const rt_str_t *rest)
{
    rt_buf_put(b, key);
    rt_buf_put(b, rt_channel_kinds[kind]);
    rt_buf_put(b, nsp);
    rt_buf_char(b, '#');

    if (rest) {
        rt_buf_put(b, *rest);
        rt_buf_char(b, '#');
    }
}


void
rt_channel_put_pattern(rt_buf_t *b, rt_str_t key, rt_str_t nsp)
{
    size_t    i;
    u_char    ch;
    rt_str_t  part;

    for (i = 0; i < key.len + nsp.len; i++) {

        if (i == key.len) {
            rt_buf_char(b, '#');
        }

        part = (i < key.len) ? key : nsp;
        ch = part.data[(i < key.len) ? i : i - key.len];

        if (memchr("*?[]\\", ch, 5)) {
            rt_buf_char(b, '\\');
        }

        rt_buf_char(b, ch);
    }

    rt_buf_put(b, rt_lit("#*"));
}


rt_int_t
rt_channel_match(rt_str_t name, rt_str_t key, rt_str_t nsp,
    rt_channel_e *kind, rt_str_t *rest)
{
    if (rt_channel_kind(&name, key, kind) != RT_OK
        || !rt_channel_take(&name, nsp)
        || !rt_channel_take(&name, rt_lit("#")))
    {
        return RT_DECLINED;
    }

    return rt_channel_rest(name, rest);
}


rt_int_t
rt_channel_parse(rt_str_t name, rt_str_t key, rt_channel_e *kind,
    rt_str_t *nsp, rt_str_t *rest)
{
    const u_char  *end;

    if (rt_channel_kind(&name, key, kind) != RT_OK || name.len == 0) {
        return RT_DECLINED;
    }

    end = memchr(name.data, '#', name.len);

    if (end == NULL) {
        return RT_DECLINED;
    }

    *nsp = rt_str((size_t) (end - name.data), name.data);

    return rt_channel_rest(rt_str(name.len - nsp->len - 1, end + 1), rest);
}


static rt_int_t
rt_channel_kind(rt_str_t *name, rt_str_t key, rt_channel_e *kind)
{
    rt_uint_t  i;

    if (!rt_channel_take(name, key)) {
        return RT_DECLINED;
    }

    for (i = 0; i < rt_nitems(rt_channel_kinds); i++) {

        if (rt_channel_take(name, rt_channel_kinds[i])) {
            *kind = (rt_channel_e) i;
            return RT_OK;
        }
    }

    return RT_DECLINED;
}


/* what stands behind the namespace and its "#" */

static rt_int_t
rt_channel_rest(rt_str_t name, rt_str_t *rest)
{
    if (name.len == 0) {
        *rest = rt_str(0, NULL);
        return RT_OK;
    }

    if (name.data[name.len - 1] != '#') {
        return RT_DECLINED;
    }

    *rest = rt_str(name.len - 1, name.data);

    return RT_OK;
}


static int
rt_channel_take(rt_str_t *name, rt_str_t prefix)
{
    if (name->len < prefix.len
        || (prefix.len && memcmp(name->data, prefix.data, prefix.len) != 0))
    {
        return 0;
    }

    if (prefix.len) {
        *name = rt_str(name->len - prefix.len, name->data + prefix.len);
    }

    return 1;
}


int
rt_channel_is_private(rt_str_t room)
{
    size_t  i, units;

    units = 0;

    for (i = 0; i < room.len; i++) {

        /* a first byte each; beyond U+FFFF there are two units */

        units += ((room.data[i] & 0xc0) != 0x80);
        units += (room.data[i] >= 0xf0);
    }

    return units == RT_CHANNEL_ID_LEN;
}
