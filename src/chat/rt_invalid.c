
/*
 * rt_invalid.c: what is wrong with a payload.
 */


#include "chat/rt_invalid.h"


void
rt_invalid_add(rt_invalid_t *inv, const char *path, const char *message)
{
    if (inv->n == RT_INVALID_MAX) {
        return;
    }

    inv->items[inv->n].path = path;
    inv->items[inv->n].message = message;
    inv->n++;
}


void
rt_invalid_put(const rt_invalid_t *inv, rt_buf_t *b)
{
    rt_uint_t                 i;
    const rt_invalid_item_t  *item;

    rt_buf_char(b, '[');

    for (i = 0; i < inv->n; i++) {
        item = &inv->items[i];

        if (i) {
            rt_buf_char(b, ',');
        }

        rt_buf_put(b, rt_lit("{\"path\":"));
        rt_buf_json(b, rt_str(strlen(item->path), item->path));

        rt_buf_put(b, rt_lit(",\"message\":"));
        rt_buf_json(b, rt_str(strlen(item->message), item->message));

        rt_buf_char(b, '}');
    }

    rt_buf_char(b, ']');
}
