
/*
 * rt_adapter_list.c: names of rooms, ids of sockets, or sockets, one by one.
 */


#include "proto/rt_adapter.h"

#include <math.h>

#include "proto/rt_adapter_map.h"


uint64_t
rt_adapter_count(rt_adapter_list_t list)
{
    rt_msgpack_t  v;

    return (rt_adapter_get(&v, list) == RT_MSGPACK_ARRAY) ? v.n : 0;
}


void
rt_adapter_each(rt_adapter_iter_t *it, rt_adapter_list_t list)
{
    rt_msgpack_t  v;

    rt_msgpack_each(&it->it, list);

    if (rt_msgpack_next(&it->it, &v) != RT_OK || v.type != RT_MSGPACK_ARRAY) {
        it->it.pos = it->it.last;
    }
}


rt_int_t
rt_adapter_next(rt_adapter_iter_t *it, rt_str_t *name)
{
    double        d;
    rt_str_t      value;
    rt_msgpack_t  v;

    while (rt_adapter_next_value(it, &value) == RT_OK) {

        switch (rt_adapter_get(&v, value)) {

        case RT_MSGPACK_STR:
        case RT_MSGPACK_BIN:
            *name = v.bytes;
            return RT_OK;

        case RT_MSGPACK_UINT:
        case RT_MSGPACK_INT:
        case RT_MSGPACK_FLOAT:
            d = (v.type == RT_MSGPACK_UINT) ? (double) v.n
                : (v.type == RT_MSGPACK_INT) ? (double) v.i : v.f;

            if (isfinite(d)) {
                *name = rt_str(rt_number_format(it->digits, d), it->digits);
                return RT_OK;
            }

            break;

        default:
            break;
        }
    }

    return RT_DONE;
}


rt_int_t
rt_adapter_next_value(rt_adapter_iter_t *it, rt_str_t *value)
{
    return (rt_msgpack_value(&it->it, value) == RT_OK) ? RT_OK : RT_DONE;
}
