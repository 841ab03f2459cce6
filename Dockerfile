# Builds the module and runs it in Debian's nginx, as an unprivileged user:
#
#     docker build -t realtime .
#     docker run --rm -p 3101:3101 realtime
#
# Another configuration: -v ./nginx.conf:/etc/nginx/nginx.conf:ro

FROM debian:12 AS build

RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        nginx nginx-dev gcc make libc6-dev libssl-dev libgumbo-dev libpq-dev \
        libhiredis-dev

WORKDIR /src

COPY Makefile config ./
COPY src src

RUN make


FROM debian:12-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends nginx libgumbo1 libpq5 \
    && rm -rf /var/lib/apt/lists/*

COPY --from=build /src/build/ngx_http_realtime_module.so \
    /usr/lib/nginx/modules/
COPY conf.d/minimal.conf /etc/nginx/nginx.conf

# there is no root to change the user from, nor a place for its pid in /run

RUN sed -i -e '/^user /d' -e 's|^pid .*|pid /var/lib/nginx/nginx.pid;|' \
        /etc/nginx/nginx.conf \
    && chown -R www-data: /var/lib/nginx

USER www-data

EXPOSE 3101

# lets clients go before it ends
STOPSIGNAL SIGQUIT

CMD ["nginx", "-g", "daemon off;"]
