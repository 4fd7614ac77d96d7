#!/bin/sh
# Corrects the configuration that Ray has written for HAProxy, then becomes HAProxy.
#
# No setting of Ray changes what is corrected here, but one names the program to run.
# It stays the same process with the same arguments: Ray knows its own HAProxy by them.
set -eu

previous=
config=
for argument in "$@"; do
    if [ "$previous" = "-f" ]; then
        config=$argument
    fi
    previous=$argument
done

# Metrics and statistics are opened on every interface; they are nobody's business.
for port in "$RAY_SERVE_HAPROXY_METRICS_PORT" "$RAY_SERVE_HAPROXY_STATS_PORT"; do
    sed -i -e "s/^\( *bind \)\*\{0,1\}:$port\$/\1127.0.0.1:$port/" "$config"
done

# Replicas would take everybody for this machine: let them know who asks.
grep -q '^ *option forwardfor' "$config" || sed -i -e 's/^defaults$/&\n    option forwardfor/' "$config"

# While no replica answers yet, or none any more, Ray has it say 404 or 500. A platform
# might give up on a webhook for that; "come again" is what we mean.
body='{"detail":"starting or restarting, please try again"}'
sed -i -e "s|^\( *http-request return status \)404 .*|\1503 content-type application/json hdr Retry-After 1 string '$body'|" "$config"
printf 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s' \
    "${#body}" "$body" >"$(dirname "$config")/500.http"

# Where the kernel can be asked to, HAProxy dies with the process that minds it: one
# that is left over would keep the port and answer errors on it.
if command -v setpriv >/dev/null 2>&1; then
    exec setpriv --pdeathsig KILL "$HAPROXY_PROGRAM" "$@"
fi
exec "$HAPROXY_PROGRAM" "$@"
