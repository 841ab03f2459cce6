
/*
 * scripts.c: writes down the scripts: of each the name, how many arguments it
 * has, what EVALSHA calls it, and its text, with a \0 behind each.
 */


#include "cluster/ngx_http_realtime_scripts.h"

#include <stdio.h>


int
main(void)
{
    const ngx_http_realtime_script_t  *script;
    u_char                             sha1[NGX_HTTP_REALTIME_SCRIPT_HEX];
    int                                i;

    for (i = 0; i < NGX_HTTP_REALTIME_SCRIPTS; i++) {
        script = &ngx_http_realtime_scripts[i];

        if (ngx_http_realtime_script_sha1(script, sha1) != RT_OK) {
            return 1;
        }

        printf("%s%c%u%c%.*s%c%s%c", script->name, 0, script->args, 0,
               NGX_HTTP_REALTIME_SCRIPT_HEX, (char *) sha1, 0, script->text, 0);
    }

    return 0;
}
