
#include "module/ngx_http_realtime_worker.h"

#include "chat/rt_clean.h"


static void ngx_http_realtime_worker_abort(int signo);


/* a message that trips the HTML parser up is not to end everybody's worker */

void
ngx_http_realtime_worker_rescue(void)
{
    struct sigaction  sa;

    ngx_memzero(&sa, sizeof(sa));

    sa.sa_handler = ngx_http_realtime_worker_abort;
    sa.sa_flags = SA_NODEFER;
    sigemptyset(&sa.sa_mask);

    (void) sigaction(SIGABRT, &sa, NULL);
}


static void
ngx_http_realtime_worker_abort(int signo)
{
    rt_clean_rescue();

    (void) signal(SIGABRT, SIG_DFL);
    (void) raise(SIGABRT);
}
