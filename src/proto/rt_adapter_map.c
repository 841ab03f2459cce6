
/*
 * rt_adapter_map.c: the objects that messages of the Redis adapters consist of.
 */


#include "proto/rt_adapter_map.h"

#include <math.h>

#include "proto/rt_number.h"


static const struct {
    rt_str_t  name;
    size_t    offset;
} rt_adapter_keys[] = {
    { rt_string("broadcast"), offsetof(rt_adapter_map_t, broadcast) },
    { rt_string("clientCount"), offsetof(rt_adapter_map_t, client_count) },
    { rt_string("close"), offsetof(rt_adapter_map_t, close) },
    { rt_string("compress"), offsetof(rt_adapter_map_t, compress) },
    { rt_string("data"), offsetof(rt_adapter_map_t, data) },
    { rt_string("except"), offsetof(rt_adapter_map_t, except) },
    { rt_string("expectSingleResponse"), offsetof(rt_adapter_map_t, single) },
    { rt_string("flags"), offsetof(rt_adapter_map_t, flags) },
    { rt_string("handshake"), offsetof(rt_adapter_map_t, handshake) },
    { rt_string("id"), offsetof(rt_adapter_map_t, id) },
    { rt_string("in"), offsetof(rt_adapter_map_t, in) },
    { rt_string("local"), offsetof(rt_adapter_map_t, local) },
    { rt_string("n"), offsetof(rt_adapter_map_t, n) },
    { rt_string("nsp"), offsetof(rt_adapter_map_t, nsp) },
    { rt_string("opts"), offsetof(rt_adapter_map_t, opts) },
    { rt_string("packet"), offsetof(rt_adapter_map_t, packet) },
    { rt_string("requestId"), offsetof(rt_adapter_map_t, request_id) },
    { rt_string("room"), offsetof(rt_adapter_map_t, room) },
    { rt_string("rooms"), offsetof(rt_adapter_map_t, rooms) },
    { rt_string("rt"), offsetof(rt_adapter_map_t, rt) },
    { rt_string("seq"), offsetof(rt_adapter_map_t, seq) },
    { rt_string("sid"), offsetof(rt_adapter_map_t, sid) },
    { rt_string("sockets"), offsetof(rt_adapter_map_t, sockets) },
    { rt_string("timeout"), offsetof(rt_adapter_map_t, timeout) },
    { rt_string("type"), offsetof(rt_adapter_map_t, type) },
    { rt_string("uid"), offsetof(rt_adapter_map_t, uid) },
    { rt_string("volatile"), offsetof(rt_adapter_map_t, is_volatile) }
};


rt_int_t
rt_adapter_map(rt_adapter_map_t *map, rt_str_t value)
{
    rt_uint_t          i;
    rt_str_t           member;
    rt_msgpack_t       key;
    rt_msgpack_iter_t  it;

    memset(map, 0, sizeof(rt_adapter_map_t));

    rt_msgpack_each(&it, value);

    if (rt_msgpack_next(&it, &key) != RT_OK || key.type != RT_MSGPACK_MAP) {
        return RT_DECLINED;
    }

    while (rt_msgpack_value(&it, &member) == RT_OK) {

        (void) rt_adapter_get(&key, member);

        if (rt_msgpack_value(&it, &member) != RT_OK) {
            break;
        }

        for (i = 0; i < rt_nitems(rt_adapter_keys); i++) {

            if (rt_str_eq(key.bytes, rt_adapter_keys[i].name)) {
                *(rt_str_t *) ((u_char *) map + rt_adapter_keys[i].offset) =
                    member;
                break;
            }
        }
    }

    return RT_OK;
}


rt_msgpack_type_e
rt_adapter_get(rt_msgpack_t *v, rt_str_t value)
{
    rt_msgpack_iter_t  it;

    rt_msgpack_each(&it, value);

    if (rt_msgpack_next(&it, v) != RT_OK
        || (v->type == RT_MSGPACK_EXT && v->n && v->i == 0
            && v->bytes.len == 1))
    {
        memset(v, 0, sizeof(rt_msgpack_t));
    }

    return v->type;
}


rt_str_t
rt_adapter_str(rt_str_t value)
{
    rt_msgpack_t  v;

    switch (rt_adapter_get(&v, value)) {

    case RT_MSGPACK_STR:
    case RT_MSGPACK_BIN:
        return v.bytes;

    default:
        return rt_str(0, NULL);
    }
}


int
rt_adapter_u64(rt_str_t value, uint64_t *n)
{
    rt_msgpack_t  v;

    switch (rt_adapter_get(&v, value)) {

    case RT_MSGPACK_UINT:
        *n = v.n;
        return *n <= RT_NUMBER_MAX_INT;

    case RT_MSGPACK_FLOAT:

        if (!(v.f >= 0 && v.f <= (double) RT_NUMBER_MAX_INT)) {
            return 0;
        }

        *n = (uint64_t) v.f;
        return 1;

    default:
        return 0;
    }
}


int
rt_adapter_is(rt_str_t value)
{
    rt_msgpack_t  v;

    switch (rt_adapter_get(&v, value)) {

    case RT_MSGPACK_NIL:
        return 0;

    case RT_MSGPACK_BOOL:
    case RT_MSGPACK_UINT:
        return v.n != 0;

    case RT_MSGPACK_FLOAT:
        return v.f != 0 && !isnan(v.f);

    case RT_MSGPACK_STR:
        return v.bytes.len != 0;

    default:
        return 1;
    }
}


int
rt_adapter_type(rt_str_t value)
{
    uint64_t  n;

    return (rt_adapter_u64(value, &n) && n <= UINT8_MAX) ? (int) n : -1;
}
